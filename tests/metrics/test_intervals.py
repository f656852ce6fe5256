import pytest
from scipy.stats import binom, binomtest

from despoof.core.errors import InputError
from despoof.metrics.intervals import clopper_pearson, wilson


@pytest.mark.parametrize(
    ("k", "n", "low", "high", "digits"),
    [  # percent, as printed in the specification of the metrics
        (0, 20, 0.0, 16.1, 1),
        (1, 20, 0.9, 23.6, 1),
        (0, 40, 0.0, 8.8, 1),
        (0, 120, 0.0, 3.1, 1),
        (1, 120, 0.15, 4.6, 1),
        (2, 240, 0.23, 3.0, 1),
        (0, 480, 0.0, 0.79, 2),
    ],
)
def test_wilson_gives_the_published_values(k, n, low, high, digits):
    found = wilson(k, n)
    assert 100 * found[0] == pytest.approx(low, abs=0.05)
    assert round(100 * found[1], digits) == high


@pytest.mark.parametrize("n", [1, 7, 60])
def test_both_agree_with_scipy_for_every_k(n):
    for k in range(n + 1):
        test = binomtest(k, n)
        for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
            theirs = test.proportion_ci(0.9, method=method)
            assert ours(k, n, 0.9) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_clopper_pearson_never_covers_less_than_it_says():
    n = 25
    bounds = [clopper_pearson(k, n) for k in range(n + 1)]
    for p in (0.01, 0.1, 0.37, 0.5, 0.93):
        covered = sum(
            binom.pmf(k, n, p) for k, (low, high) in enumerate(bounds) if low <= p <= high
        )
        assert covered >= 0.95


@pytest.mark.parametrize(("k", "n"), [(0, 0), (-1, 5), (6, 5)])
@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_impossible_counts_are_refused(interval, k, n):
    with pytest.raises(InputError, match="not a proportion"):
        interval(k, n)


@pytest.mark.parametrize("confidence", [0, 1, 95, float("nan")])
def test_confidence_is_a_fraction(confidence):
    with pytest.raises(InputError, match="between 0 and 1"):
        wilson(1, 2, confidence)
