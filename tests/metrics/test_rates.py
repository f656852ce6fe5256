import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from despoof.core.errors import InputError
from despoof.metrics import rates
from despoof.metrics.scores import make_scores
from metrics.score_strategies import calm, random_scores, tied_scores


def by_hand(scores, threshold):
    shares = {}
    for kind in set(scores.species[~scores.live].tolist()):
        rows = [
            s
            for s, live, name in zip(scores.score, scores.live, scores.species, strict=True)
            if not live and name == kind
        ]
        shares[kind] = sum(s > threshold for s in rows) / len(rows)
    return shares


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [-np.inf, -1.0, 0.0, 0.25, 0.5, 1.0, np.inf])
def test_species_rates_equal_the_plain_definition(seed, threshold):
    scores = random_scores(seed, levels=4)
    expected = by_hand(scores, threshold)
    found = rates.apcer_by_species(scores, threshold)
    assert {name: rate.value for name, rate in found.items()} == expected
    assert list(found) == sorted(expected)
    assert rates.apcer_max(scores, threshold).value == max(expected.values())


def test_hand_worked_numbers():
    scores = make_scores(
        [0.9, 0.8, 0.5, 0.2, 0.6, 0.5, 0.1, 0.7],
        [1, 1, 1, 1, 0, 0, 0, 0],
        ["live"] * 4 + ["print", "print", "print", "replay"],
    )
    assert rates.confusion(scores, 0.5) == rates.Confusion(2, 2, 2, 2)
    pooled, worst = rates.apcer(scores, 0.5), rates.apcer_max(scores, 0.5)
    assert (pooled.value, pooled.k, pooled.n) == (0.5, 2, 4)
    assert (worst.value, worst.k, worst.n) == (1.0, 1, 1)
    assert rates.apcer_by_species(scores, 0.5)["print"] == rates.make_rate(1, 3)
    assert rates.bpcer(scores, 0.5) == rates.make_rate(2, 4)
    assert rates.acer_pooled(scores, 0.5).value == 0.5
    assert rates.acer_max(scores, 0.5).value == 0.75
    assert rates.hter(scores, 0.5) == rates.acer_pooled(scores, 0.5)


def test_among_equally_bad_species_the_one_with_fewest_attacks_is_the_headline():
    scores = make_scores([1, 0, 1, 1, 0, 0], [0] * 6, ["a", "a", "b", "b", "b", "b"])
    assert rates.apcer_max(scores, 0.5).n == 2


def test_mean_rate_interval_follows_the_mover_rule():
    scores = make_scores([0.9] * 19 + [0.1] + [0.1] * 40, [1] * 20 + [0] * 40)
    found = rates.hter(scores, 0.5)
    # 0/40 -> [0, .0876], 1/20 -> [.0089, .2361]
    assert found.value == pytest.approx(0.025)
    assert found.low == pytest.approx(0.025 - (0.05 - 0.008881) / 2, abs=1e-5)
    assert found.high == pytest.approx(0.025 + np.hypot(0.087622, 0.236131 - 0.05) / 2, abs=1e-5)
    assert (found.attack.n, found.live.k) == (40, 1)


@calm
@given(tied_scores(), st.floats(-1.5, 1.5))
def test_the_worst_species_is_never_better_than_the_pool(scores, threshold):
    worst, pooled = rates.apcer_max(scores, threshold), rates.apcer(scores, threshold)
    assert worst.value >= pooled.value - 1e-15
    assert sum(r.k for r in rates.apcer_by_species(scores, threshold).values()) == pooled.k


@calm
@given(tied_scores(), st.floats(-1.5, 1.5), st.floats(0, 1))
def test_a_higher_threshold_lets_fewer_attacks_and_fewer_live_through(scores, threshold, step):
    assert rates.apcer(scores, threshold + step).k <= rates.apcer(scores, threshold).k
    assert rates.apcer_max(scores, threshold + step).value <= (
        rates.apcer_max(scores, threshold).value
    )
    assert rates.bpcer(scores, threshold + step).k >= rates.bpcer(scores, threshold).k


@calm
@given(tied_scores(), st.floats(-1.5, 1.5))
def test_every_value_lies_in_its_interval(scores, threshold):
    for rate in (
        rates.apcer(scores, threshold),
        rates.apcer_max(scores, threshold),
        rates.bpcer(scores, threshold),
        rates.acer_max(scores, threshold),
        rates.acer_pooled(scores, threshold),
    ):
        assert 0 <= rate.low <= rate.value <= rate.high <= 1


def test_missing_classes_and_nan_thresholds_are_refused():
    live, attack = make_scores([0.5], [1]), make_scores([0.5], [0])
    for function in (rates.apcer, rates.apcer_by_species, rates.apcer_max, rates.acer_max):
        with pytest.raises(InputError, match="at least one attack"):
            function(live, 0.5)
    with pytest.raises(InputError, match="at least one live"):
        rates.bpcer(attack, 0.5)
    for function in (rates.confusion, rates.apcer, rates.apcer_by_species):
        with pytest.raises(InputError, match="NaN"):
            function(attack, float("nan"))
