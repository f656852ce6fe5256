import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from despoof.core.errors import InputError
from despoof.metrics import curves, operating, rates
from despoof.metrics.scores import make_scores
from despoof.metrics.species import apcer_family_max
from metrics.score_strategies import calm, random_scores, tied_scores

WORST = {"max": rates.apcer_max, "family": apcer_family_max, "pooled": rates.apcer}


@calm
@given(tied_scores(), st.floats(0, 1), st.sampled_from(["max", "family", "pooled"]))
def test_the_threshold_keeps_its_bound_and_no_other_loses_fewer_live(scores, bound, attacks):
    found = operating.threshold_at_apcer(scores, bound, attacks)
    worst = WORST[attacks]
    assert np.isfinite(found)
    assert worst(scores, found).value <= bound
    tried = [scores.score.min() - 1, *scores.score.tolist()]
    best = min(rates.bpcer(scores, t).value for t in tried if worst(scores, t).value <= bound)
    assert rates.bpcer(scores, found).value == best


@calm
@given(tied_scores(), st.floats(0, 1))
def test_pooled_is_the_threshold_at_far(scores, bound):
    found = operating.threshold_at_apcer(scores, bound, "pooled")
    assert found == curves.threshold_at_far(scores, bound)


@calm
@given(tied_scores(), st.floats(0.01, 0.99))
def test_the_strict_reading_never_loses_fewer_live(scores, bound):
    lost = {a: operating.bpcer_at(scores, bound, a).bpcer.k for a in ("max", "family", "pooled")}
    assert lost["max"] >= lost["pooled"]
    assert lost["max"] >= lost["family"]
    looser = operating.bpcer_at(scores, min(0.99, bound * 1.5)).bpcer.k
    assert looser <= lost["max"]


def test_what_a_small_species_cannot_resolve_is_none_with_its_bound():
    rng = np.random.default_rng(0)
    score = np.concatenate([rng.normal(2, 1, 300), rng.normal(0, 1, 219)])
    scores = make_scores(score, [1] * 300 + [0] * 219, ["live"] * 300 + ["a"] * 200 + ["b"] * 19)
    table = operating.bpcer_10_20_100(scores)
    assert [table[n].needed for n in table] == [10, 20, 100]
    assert [table[n].resolved for n in table] == [True, False, False]
    assert table["bpcer10"].value == table["bpcer10"].bpcer.value
    unresolved = table["bpcer20"]
    assert (unresolved.value, unresolved.smallest) == (None, 19)
    assert rates.apcer_by_species(scores, unresolved.threshold)["b"].k == 0
    assert 0 < unresolved.bpcer.value <= 1
    pooled = operating.bpcer_10_20_100(scores, "pooled")
    assert all(point.resolved for point in pooled.values())
    assert pooled["bpcer100"].apcer.k <= 2


@pytest.mark.parametrize(("bound", "needed"), [(0.29, 4), (1e-4, 10000), (0.5, 2), (0.999, 2)])
def test_the_sample_needed_is_one_over_the_bound(bound, needed):
    scores = make_scores([1, 0], [1, 0])
    assert operating.bpcer_at(scores, bound).needed == needed
    assert 1 / needed <= bound < 1 / (needed - 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bound", [0.01, 0.05, 0.1, 0.3])
def test_tpr_at_fpr_is_the_best_point_of_scikit_learn(seed, bound):
    scores = random_scores(seed, 400, 30)
    fpr, tpr, _ = roc_curve(scores.live, scores.score, drop_intermediate=False)
    found = operating.tpr_at_fpr(scores, bound)
    assert found.tpr.value == pytest.approx(tpr[fpr <= bound].max(), abs=1e-12)
    assert found.fpr.value <= bound
    assert found.value == found.tpr.value


def test_tpr_below_the_resolution_is_none():
    point = operating.tpr_at_fpr(random_scores(0), 1e-4)
    assert (point.value, point.resolved, point.needed) == (None, False, 10000)
    assert (point.fpr.k, point.tpr.n) == (0, random_scores(0).n_live)


def test_hter_takes_its_threshold_from_dev_only():
    dev, test = random_scores(1), random_scores(2)
    found = operating.hter_from_dev(dev, test)
    assert found.threshold == curves.eer(dev).threshold
    assert found.test == rates.hter(test, found.threshold)
    assert found.dev.value == curves.eer(dev).value
    strict = operating.hter_from_dev(dev, test, lambda s: curves.threshold_at_far(s, 0.0))
    assert strict.dev.attack.k == 0


def test_bad_requests_are_refused():
    scores = make_scores([1, 0], [1, 0])
    for bad in (0, 1, -1, float("nan")):
        with pytest.raises(InputError, match="must lie between 0 and 1"):
            operating.bpcer_at(scores, bad)
    with pytest.raises(InputError, match=r"APCER 2 is not a fraction"):
        operating.threshold_at_apcer(scores, 2)
    with pytest.raises(InputError, match="attacks='worst' is unknown"):
        operating.bpcer_at(scores, 0.1, "worst")
    one = make_scores([1, 0], [1, 1])
    for call in (
        lambda: operating.bpcer_at(one, 0.1),
        lambda: operating.threshold_at_apcer(one, 0.1),
        lambda: operating.hter_from_dev(one, scores),
    ):
        with pytest.raises(InputError, match="needs both classes"):
            call()
