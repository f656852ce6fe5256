from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from despoof.core.errors import InputError
from despoof.metrics import curves, rates
from despoof.metrics.scores import make_scores
from metrics.score_strategies import calm, random_scores, tied_scores


def every_point(scores):
    """(FAR, FRR) as exact fractions, below, on and between all scores, by plain counting."""
    live, attack = scores.score[scores.live].tolist(), scores.score[~scores.live].tolist()
    values = sorted({*live, *attack})
    return {
        (
            Fraction(sum(s > t for s in attack), len(attack)),
            Fraction(sum(s <= t for s in live), len(live)),
        )
        for t in [values[0] - 1, *values]
    }


def mirrored(scores):
    return make_scores(-scores.score, ~scores.live)


@calm
@given(tied_scores())
def test_auc_equals_scikit_learn_and_counting_pairs(scores):
    pairs = [
        (live > attack) + (live == attack) / 2
        for live in scores.score[scores.live]
        for attack in scores.score[~scores.live]
    ]
    assert curves.auc(scores) == pytest.approx(np.mean(pairs), abs=1e-12)
    assert curves.auc(scores) == pytest.approx(roc_auc_score(scores.live, scores.score), abs=1e-12)


@calm
@given(tied_scores())
def test_roc_visits_exactly_the_points_that_counting_finds(scores):
    curve = curves.roc(scores)
    expected = {(float(far), float(frr)) for far, frr in every_point(scores)}
    assert set(zip(curve.far.tolist(), curve.frr.tolist(), strict=True)) == expected
    assert (np.diff(curve.thresholds) > 0).all()
    assert (np.diff(curve.far) <= 0).all()
    assert (np.diff(curve.frr) >= 0).all()


@calm
@given(tied_scores())
def test_eer_is_the_best_of_all_points_and_its_threshold_gives_it(scores):
    found = curves.eer(scores)
    best = min((abs(far - frr), far + frr) for far, frr in every_point(scores))
    assert abs(found.far - found.frr) == pytest.approx(float(best[0]), abs=1e-12)
    assert found.value == pytest.approx(float(best[1]) / 2, abs=1e-12)
    assert rates.apcer(scores, found.threshold).value == found.far
    assert rates.bpcer(scores, found.threshold).value == found.frr
    assert found.convention.startswith("min |FAR - FRR|")


@calm
@given(tied_scores())
def test_only_the_order_of_scores_matters(scores):
    other = make_scores(np.exp(3 * scores.score) - 40, scores.live, scores.species)
    assert curves.auc(other) == curves.auc(scores)
    first, second = curves.eer(scores), curves.eer(other)
    assert (first.value, first.far, first.frr) == (second.value, second.far, second.frr)
    for bound in (0, 0.05, 0.3, 1):
        assert rates.bpcer(scores, curves.threshold_at_far(scores, bound)) == rates.bpcer(
            other, curves.threshold_at_far(other, bound)
        )


@calm
@given(tied_scores())
def test_swapping_the_classes_and_the_sign_changes_nothing_and_the_sign_alone_complements(scores):
    assert curves.auc(mirrored(scores)) == curves.auc(scores)
    assert curves.eer(mirrored(scores)).value == pytest.approx(curves.eer(scores).value, abs=1e-12)
    flipped = make_scores(-scores.score, scores.live)
    assert curves.auc(flipped) == pytest.approx(1 - curves.auc(scores), abs=1e-12)


@calm
@given(tied_scores(), st.floats(0, 1))
def test_thresholds_keep_their_bound_and_waste_nothing(scores, bound):
    at_far = curves.threshold_at_far(scores, bound)
    assert rates.apcer(scores, at_far).value <= bound
    best = min(frr for far, frr in every_point(scores) if float(far) <= bound)
    assert rates.bpcer(scores, at_far).value == float(best)
    at_frr = curves.threshold_at_frr(scores, bound)
    assert rates.bpcer(scores, at_frr).value <= bound
    best = min(far for far, frr in every_point(scores) if float(frr) <= bound)
    assert rates.apcer(scores, at_frr).value == float(best)
    assert np.isfinite([at_far, at_frr]).all()


def test_hand_worked_eer():
    scores = make_scores([0.9, 0.8, 0.7, 0.4, 0.6, 0.3, 0.2, 0.1], [1] * 4 + [0] * 4)
    found = curves.eer(scores)
    assert (found.value, found.threshold) == (0.25, 0.5)
    assert curves.threshold_at_far(scores, 0.0) == pytest.approx(0.65)
    assert curves.threshold_at_frr(scores, 0.0) == pytest.approx(0.35)


def test_two_equally_good_points_give_the_smaller_mean():
    # threshold in [.3, .5): FAR 1/2, FRR 0; in [.5, .6): 0, 1/2 -> equal means, the stricter wins
    scores = make_scores([0.5, 0.6, 0.3, 0.5], [1, 1, 0, 0])
    assert curves.eer(scores).value == 0.25
    assert curves.eer(scores).far == 0.0


def test_separable_and_constant_scores():
    apart = make_scores([2, 3, 0, 1], [1, 1, 0, 0])
    assert curves.auc(apart) == 1
    assert (curves.eer(apart).value, curves.eer(apart).threshold) == (0, 1.5)
    equal = make_scores([0.5] * 5, [1, 1, 0, 0, 0])
    assert curves.auc(equal) == 0.5
    assert (curves.eer(equal).value, curves.eer(equal).threshold) == (0.5, 0.5)


def test_neighbouring_floats_still_get_a_true_threshold():
    low = 1.0
    high = np.nextafter(low, 2)
    assert curves.eer(make_scores([high, low], [1, 0])).value == 0
    assert curves.eer(make_scores([high, low], [1, 0])).threshold == low


def test_huge_scores_do_not_overflow():
    assert np.isfinite(curves.eer(make_scores([1.7e308, 1.6e308], [1, 0])).threshold)


@pytest.mark.parametrize("seed", range(3))
def test_larger_sets_agree_with_scikit_learn(seed):
    scores = random_scores(seed, 2000, 50)
    assert curves.auc(scores) == pytest.approx(roc_auc_score(scores.live, scores.score), abs=1e-12)


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_bounds_are_fractions(bad):
    scores = make_scores([1, 0], [1, 0])
    with pytest.raises(InputError, match=r"FAR .* is not a fraction"):
        curves.threshold_at_far(scores, bad)
    with pytest.raises(InputError, match=r"FRR .* is not a fraction"):
        curves.threshold_at_frr(scores, bad)


def test_one_class_is_refused():
    for function in (curves.auc, curves.eer, curves.roc):
        with pytest.raises(InputError, match="needs both classes"):
            function(make_scores([1, 0], [0, 0]))
