import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import norm

from despoof.core.errors import InputError
from despoof.metrics import curves, operating, rates, weighted
from despoof.metrics.resample import Sampled, average, difference, interval, resample
from despoof.metrics.scores import make_scores, select
from despoof.metrics.weights import Draws, lay_out
from metrics.score_strategies import SPECIES, calm

AT = 0.25
PLAIN = {
    "auc": (weighted.auc, curves.auc),
    "eer": (weighted.eer, lambda s: curves.eer(s).value),
    "eer threshold": (weighted.eer_threshold, lambda s: curves.eer(s).threshold),
    "apcer": (weighted.apcer, lambda s: rates.apcer(s, AT).value),
    "apcer max": (weighted.apcer_max, lambda s: rates.apcer_max(s, AT).value),
    "bpcer": (weighted.bpcer, lambda s: rates.bpcer(s, AT).value),
    "hter": (weighted.hter, lambda s: rates.hter(s, AT).value),
    "acer max": (weighted.acer_max, lambda s: rates.acer_max(s, AT).value),
}
for bound in (0.0, 0.1, 0.34, 1.0):
    PLAIN |= {
        f"far {bound}": (
            weighted.far_threshold(bound),
            lambda s, x=bound: curves.threshold_at_far(s, x),
        ),
        f"apcer threshold {bound}": (
            weighted.apcer_threshold(bound),
            lambda s, x=bound: operating.threshold_at_apcer(s, x),
        ),
        f"bpcer at {bound}": (
            weighted.bpcer_at(bound),
            lambda s, x=bound: rates.bpcer(s, operating.threshold_at_apcer(s, x)).value,
        ),
        f"tpr at {bound}": (
            weighted.tpr_at(bound),
            lambda s, x=bound: 1 - rates.bpcer(s, curves.threshold_at_far(s, x)).value,
        ),
    }


@st.composite
def grouped(draw):
    """Ties, unequal groups, and at least two groups in live and in every species."""
    kinds = ["live", *draw(st.sets(st.sampled_from(SPECIES), min_size=1))]
    columns = [], [], [], []
    for kind in kinds:
        names = [0, 1, *draw(st.lists(st.integers(0, 4), max_size=8))]
        for name in names:
            columns[0].append(draw(st.integers(-8, 8)) / 8)
            columns[1].append(kind == "live")
            columns[2].append(kind)
            columns[3].append(f"s{name}")
    return make_scores(*columns)


def rows_of(scores, layout, weights):
    """The rows that the weights of units stand for, by plain repetition."""
    rows = []
    for side, of_side in ((layout.live, scores.live), (layout.attack, ~scores.live)):
        order = [i for i in np.argsort(scores.score, kind="stable") if of_side[i]]
        for row, unit in zip(order, side.unit, strict=True):
            rows += [row] * int(weights[unit])
    return np.array(rows, np.intp)


@calm
@given(grouped(), st.integers(0, 2**32), st.sampled_from(["species", "class"]))
def test_every_statistic_equals_its_namesake_on_the_resampled_rows(scores, seed, strata):
    layout = lay_out(scores, strata)
    rng = np.random.default_rng(seed)
    table = np.empty((layout.units, 4), np.int64)
    for start, stop in layout.strata:
        n = stop - start
        table[start:stop] = rng.multinomial(n, np.full(n, 1 / n), size=4).T
    draws = Draws(layout, table, np.full(4, AT))
    for name, (fast, plain) in PLAIN.items():
        found = fast(draws)
        for b in range(4):
            expected = plain(select(scores, rows_of(scores, layout, table[:, b])))
            assert found[b] == pytest.approx(expected, abs=1e-12), (name, b)


def clustered(seed, groups=20, frames=5, shift=1.0, spread=1.0):
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(2 * groups), frames)
    live = subject < groups
    score = shift * live + rng.normal(0, spread, 2 * groups)[subject]
    score += rng.normal(0, 0.3, subject.size)
    species = np.where(live, "live", np.where(np.arange(len(live)) % 2, "print/a", "replay/b"))
    return make_scores(score, live, species, [f"s{i}" for i in subject])


def test_group_intervals_cover_the_truth():
    truth = norm.cdf(1 / np.sqrt(2 * (1 + 0.3**2)))
    covered = {"percentile": 0, "bca": 0, "frames": 0}
    for seed in range(100):
        scores = clustered(seed)
        found = resample(
            scores, {"auc": weighted.auc}, draws=300, seed=seed, strata="class", influence=True
        )["auc"]
        for method in ("percentile", "bca"):
            ends = interval(found, method=method)
            covered[method] += ends.low <= truth <= ends.high
        alone = make_scores(scores.score, scores.live)
        ends = interval(resample(alone, {"auc": weighted.auc}, draws=300, seed=seed)["auc"])
        covered["frames"] += ends.low <= truth <= ends.high
    assert covered["percentile"] >= 87
    assert covered["bca"] >= 87
    assert covered["frames"] <= 75


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_independent_presentations_agree_with_scipy(method):
    rng = np.random.default_rng(8)
    live, attack = rng.normal(1.5, 1, 40), rng.normal(0, 1, 50)
    scores = make_scores(np.concatenate([live, attack]), [1] * 40 + [0] * 50)
    found = resample(scores, {"auc": weighted.auc}, draws=4000, influence=True)["auc"]
    ours = interval(found, 0.9, method)
    theirs = scipy_bootstrap(
        (live, attack),
        lambda a, b: (a[:, None] > b).mean(),
        n_resamples=4000,
        confidence_level=0.9,
        method=method,
        vectorized=False,
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.006)
    assert ours.method == method
    assert (ours.live_groups, ours.attack_groups, ours.draws) == (40, 50, 4000)


def test_the_threshold_is_chosen_again_on_every_dev_draw():
    test, dev = clustered(1), clustered(2)
    fixed = curves.eer(dev).threshold
    at = resample(test, {"hter": weighted.hter}, threshold=fixed, draws=500)["hter"]
    chosen = resample(test, {"hter": weighted.hter}, dev=dev, draws=500)["hter"]
    assert at.value == chosen.value == rates.hter(test, fixed).value
    one_side = {"bpcer": weighted.bpcer}
    narrow = resample(test, one_side, threshold=fixed, draws=500)["bpcer"].draws.std()
    few = clustered(2, groups=5)
    wide = resample(test, one_side, dev=few, draws=500)["bpcer"].draws.std()
    assert wide > 1.5 * narrow
    strict = weighted.far_threshold(0.0)
    found = resample(test, {"apcer": weighted.apcer}, dev=dev, choose=strict, draws=50)["apcer"]
    expected = rates.apcer(test, curves.threshold_at_far(dev, 0.0)).value
    assert found.value == pytest.approx(expected)


def test_draws_do_not_depend_on_how_many_fit_in_memory(monkeypatch):
    scores = clustered(3)
    whole = resample(scores, {"auc": weighted.auc}, draws=50, influence=True)["auc"]
    monkeypatch.setattr("despoof.metrics.resample.CELLS", 1500)
    parts = resample(scores, {"auc": weighted.auc}, draws=50, influence=True)["auc"]
    assert np.array_equal(whole.draws, parts.draws)
    for a, b in zip(whole.influence, parts.influence, strict=True):
        assert a == pytest.approx(b, abs=1e-12)
    again = resample(scores, {"auc": weighted.auc}, draws=50, seed=1)["auc"]
    assert not np.array_equal(whole.draws, again.draws)


def test_influence_in_blocks_gives_nearly_the_same_interval(monkeypatch):
    rng = np.random.default_rng(0)
    scores = make_scores(rng.normal(0, 1, 600) + np.arange(600) % 2 * 2.5, np.arange(600) % 2)
    each = resample(scores, {"auc": weighted.auc}, draws=1000, influence=True)["auc"]
    monkeypatch.setattr("despoof.metrics.resample.BLOCKS", 60)
    blocks = resample(scores, {"auc": weighted.auc}, draws=1000, influence=True)["auc"]
    assert [len(part) for part in blocks.influence] == [60, 60]
    a, b = interval(each, method="bca"), interval(blocks, method="bca")
    assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=0.002)


def test_folds_are_averaged_draw_by_draw():
    folds = [
        resample(clustered(i), {"a": weighted.auc}, draws=400, seed=i, influence=True)["a"]
        for i in range(4)
    ]
    mean = average(folds)
    assert mean.value == pytest.approx(np.mean([f.value for f in folds]))
    assert mean.draws.std() == pytest.approx(np.mean([f.draws.std() for f in folds]) / 2, rel=0.2)
    assert mean.live_groups == 80
    narrow, one = interval(mean, method="bca"), interval(folds[0], method="bca")
    assert narrow.high - narrow.low < one.high - one.low
    assert average(folds[:1]).value == pytest.approx(folds[0].value)
    plain = resample(clustered(0), {"a": weighted.auc}, draws=400)["a"]
    assert average([plain, folds[1]]).influence == ()


def test_a_system_does_not_differ_from_itself():
    scores = clustered(0)
    moved = make_scores(np.exp(scores.score), scores.live, scores.species, scores.group)
    a, b = (resample(s, {"a": weighted.auc}, draws=100)["a"] for s in (scores, moved))
    gap = difference(a, b)
    assert (gap.value, np.abs(gap.draws).max()) == (0, 0)
    assert (interval(gap).low, interval(gap).high) == (0, 0)


def test_separated_classes_give_an_interval_of_no_width():
    scores = make_scores([3, 4, 5, 0, 1, 2], [1, 1, 1, 0, 0, 0])
    found = resample(scores, {"a": weighted.auc}, draws=50, influence=True)["a"]
    for method in ("percentile", "bca"):
        ends = interval(found, method=method)
        assert (ends.low, ends.value, ends.high) == (1, 1, 1)


def test_two_thousand_draws_of_ten_thousand_clips_take_seconds():
    scores = clustered(0, groups=100, frames=50)
    statistics = {"eer": weighted.eer, "acer": weighted.acer_max, "auc": weighted.auc}
    start = time.perf_counter()
    resample(scores, statistics, dev=clustered(1, groups=100, frames=50), draws=2000)
    assert time.perf_counter() - start < 20


def test_bad_requests_are_refused():
    scores = clustered(0, groups=3, frames=2)
    auc = {"auc": weighted.auc}
    for wrong, message in (
        ({"draws": 0}, "draws=0"),
        ({"seed": -1}, "seed=-1"),
        ({"threshold": float("nan")}, "expected a finite number"),
        ({"threshold": 0.5, "dev": scores}, "no dev beside it"),
        ({"strata": "subject"}, "strata='subject' is unknown"),
    ):
        with pytest.raises(InputError, match=message):
            resample(scores, auc, **wrong)
    with pytest.raises(InputError, match="needs a threshold"):
        resample(scores, {"hter": weighted.hter})
    with pytest.raises(InputError, match="odd is not finite"):
        resample(scores, {"odd": lambda draws: np.full(len(draws), np.nan)}, draws=2)
    with pytest.raises(InputError, match="FAR 2 is not a fraction"):
        weighted.far_threshold(2)
    with pytest.raises(InputError, match="APCER 2 is not a fraction"):
        weighted.bpcer_at(2)


@pytest.mark.parametrize(
    ("live", "kinds", "group", "message"),
    [
        ([1, 1, 0, 0], ["", "", "a", "a"], "aabc", "stratum live has 1 group"),
        ([1, 1, 0, 0, 0], ["", "", "a", "a", "b"], "abcde", "stratum species 'b' has 1 group"),
    ],
)
def test_a_stratum_of_one_group_is_named(live, kinds, group, message):
    scores = make_scores(range(len(live)), live, kinds, list(group))
    with pytest.raises(InputError, match=message):
        lay_out(scores)


def test_one_attack_group_is_refused_by_class_too():
    scores = make_scores([3, 2, 1, 0], [1, 1, 0, 0], group=list("abcc"))
    with pytest.raises(InputError, match="stratum attacks has 1 group"):
        lay_out(scores, "class")


def test_intervals_refuse_what_they_cannot_give():
    found = Sampled(0.5, np.array([0.6, 0.7]), (np.array([0.1, -0.1]),), 2, 2)
    with pytest.raises(InputError, match=r"All draws lie on one side of 0\.5"):
        interval(found, method="bca")
    with pytest.raises(InputError, match="Confidence 95"):
        interval(found, 95)
    with pytest.raises(InputError, match="method='normal' is unknown"):
        interval(found, method="normal")
    with pytest.raises(InputError, match="influence=True"):
        interval(Sampled(0.5, np.array([0.4, 0.6]), (), 2, 2), method="bca")
    with pytest.raises(InputError, match="0 folds"):
        average([])
    with pytest.raises(InputError, match="need one B"):
        average([found, Sampled(0.5, np.zeros(3), (), 2, 2)])
    with pytest.raises(InputError, match="differ"):
        difference(found, Sampled(0.5, np.zeros(3), (), 2, 2))
