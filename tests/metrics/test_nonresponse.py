import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from despoof.core.errors import InputError
from despoof.metrics import curves, rates
from despoof.metrics.nonresponse import apnrr_by_species, bpnrr, by_policy, make_attempts
from metrics.score_strategies import calm

NAN = float("nan")


def example():
    return make_attempts(
        [0.9, NAN, 0.2, 0.8, NAN, NAN, 0.1],
        [1, 1, 1, 0, 0, 0, 0],
        ["live"] * 3 + ["print", "print", "mask", "mask"],
    )


def test_non_responses_are_counted_by_class_and_species():
    found = apnrr_by_species(example())
    assert {name: (r.k, r.n) for name, r in found.items()} == {"mask": (1, 2), "print": (1, 2)}
    assert (bpnrr(example()).k, bpnrr(example()).n) == (1, 3)


@pytest.mark.parametrize(
    ("policy", "attack", "live"),
    [("rejected", (1, 4), (2, 3)), ("excluded", (1, 2), (1, 2)), ("worst", (3, 4), (2, 3))],
)
@pytest.mark.parametrize("threshold", [0.5, 0.5000001])
def test_the_policy_decides_what_silence_counts_as(policy, attack, live, threshold):
    scores = by_policy(example(), policy)
    found = rates.apcer(scores, threshold), rates.bpcer(scores, threshold)
    assert [(r.k, r.n) for r in found] == [attack, live]


def test_a_refusal_stays_one_at_any_sensible_threshold():
    scores = by_policy(example(), "rejected")
    for threshold in (-1e300, -5.0, 0.0):
        assert rates.bpcer(scores, threshold).k == 1
    worst = by_policy(example(), "worst")
    assert rates.apcer(worst, 1e300).k == 2
    assert np.isfinite(curves.eer(scores).threshold)
    assert np.isfinite(curves.threshold_at_frr(worst, 1.0))
    assert np.isfinite(curves.threshold_at_far(worst, 1.0))


@calm
@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9, NAN]), st.booleans()), min_size=1),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_worst_is_never_better_than_the_others(rows, threshold):
    live = [row[1] for row in rows] + [True, False]
    attempts = make_attempts([row[0] for row in rows] + [0.9, 0.1], live)
    by = {p: by_policy(attempts, p) for p in ("rejected", "excluded", "worst")}
    for other in ("rejected", "excluded"):
        for rate in (rates.apcer, rates.bpcer):
            assert rate(by["worst"], threshold).value >= rate(by[other], threshold).value - 1e-15


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="Use NaN for no response"):
        make_attempts([np.inf, 1], [1, 0])
    with pytest.raises(InputError, match="'dropped' is unknown"):
        by_policy(example(), "dropped")
    with pytest.raises(InputError, match="at least one attack"):
        apnrr_by_species(make_attempts([1], [1]))
    with pytest.raises(InputError, match="at least one live"):
        bpnrr(make_attempts([1], [0]))
