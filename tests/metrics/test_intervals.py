import pytest
from scipy.stats import binom, binomtest

from despoof.core.errors import InputError
from despoof.metrics.intervals import (
    clopper_pearson,
    rule_of_three,
    trials_needed,
    upper_bound,
    wilson,
)


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


@pytest.mark.parametrize("n", [1, 10, 20, 100, 1000, 100_000])
def test_no_error_in_n_gives_the_rule_of_three(n):
    exact = upper_bound(0, n)
    assert exact == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-9)
    assert exact <= rule_of_three(n) <= exact * 1.2
    if n >= 100:
        assert rule_of_three(n) <= exact * 1.017


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 20), (7, 720), (5, 5)])
def test_the_one_sided_bound_agrees_with_scipy(k, n):
    theirs = binomtest(k, n, alternative="less").proportion_ci(0.95, method="exact")
    assert upper_bound(k, n) == pytest.approx(theirs.high, abs=1e-12)


@pytest.mark.parametrize(("rate", "errors"), [(0.01, 0), (0.01, 1), (0.05, 3), (0.5, 0), (0.99, 2)])
def test_trials_needed_is_the_first_n_that_suffices(rate, errors):
    n = trials_needed(rate, errors)
    assert upper_bound(errors, n) <= rate
    assert n == errors + 1 or upper_bound(errors, n - 1) > rate


def test_bad_bounds_are_refused():
    for call in (
        lambda: trials_needed(0),
        lambda: trials_needed(0.1, -1),
        lambda: trials_needed(1),
    ):
        with pytest.raises(InputError, match="expected 0 < rate < 1"):
            call()
    with pytest.raises(InputError, match="not a proportion"):
        rule_of_three(0)
    with pytest.raises(InputError, match="between 0 and 1"):
        trials_needed(0.1, confidence=95)
