import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from despoof.core.errors import InputError
from despoof.metrics import curves, det, rates, species
from despoof.metrics.codes import encode
from despoof.metrics.intervals import wilson
from despoof.metrics.scores import make_scores, select
from metrics.score_strategies import calm, random_scores, tied_scores


@calm
@given(st.lists(st.text(max_size=5).filter(lambda s: "\0" not in s), max_size=30))
def test_encode_is_numpy_unique(names):
    array = np.array(names, np.str_) if names else np.array([], "U3")
    values, places = encode(array)
    expected, inverse = np.unique(array, return_inverse=True)
    assert values.tolist() == expected.tolist()
    assert places.tolist() == inverse.tolist()


def test_the_slow_way_is_taken_when_hashes_collide(monkeypatch):
    real = np.unique

    def collide(values, **options):
        if values.dtype == np.uint64:
            return real(np.zeros_like(values), **options)
        return real(values, **options)

    monkeypatch.setattr(np, "unique", collide)
    values, places = encode(np.array(["b", "a"]))
    assert (values.tolist(), places.tolist()) == (["a", "b"], [1, 0])


def test_families_pool_their_species():
    scores = make_scores(
        [1, 1, 0, 0, 0, 1],
        [0] * 6,
        ["print/a4", "print/a3", "print/a3", "print/a3", "replay/phone", "mask"],
    )
    families = rates.apcer_by_species(species.by_family(scores), 0.5)
    assert {name: (r.k, r.n) for name, r in families.items()} == {
        "mask": (1, 1),
        "print": (2, 4),
        "replay": (0, 1),
    }


@calm
@given(tied_scores(), st.floats(-1.5, 1.5))
def test_pooled_family_and_species_are_in_this_order(scores, threshold):
    pooled = rates.apcer(scores, threshold).value
    family = species.apcer_family_max(scores, threshold).value
    assert pooled <= family + 1e-15
    assert family <= rates.apcer_max(scores, threshold).value + 1e-15
    acers = (
        rates.acer_pooled(scores, threshold).value,
        species.acer_family_max(scores, threshold).value,
        rates.acer_max(scores, threshold).value,
    )
    assert list(acers) == pytest.approx(sorted(acers), abs=1e-15)


def test_one_percent_on_oulu_protocol_2_is_seven_of_720_pooled():
    assert [k for k in range(721) if round(100 * k / 720, 1) == 1.0] == [7]
    assert not [k for k in range(361) if round(100 * k / 360, 1) == 1.0]
    assert [k for k in range(721) if round(100 * k / 720, 1) == 1.5] == [11]
    scores = make_scores([1] * 7 + [0] * 713, [0] * 720, ["print"] * 360 + ["replay"] * 360)
    assert round(100 * rates.apcer(scores, 0.5).value, 1) == 1.0
    assert round(100 * rates.apcer_max(scores, 0.5).value, 1) == 1.9


def test_simultaneous_intervals_are_bonferroni():
    scores = random_scores(3)
    plain = rates.apcer_by_species(scores, 0.5)
    found = species.apcer_simultaneous(scores, 0.5)
    assert list(found) == list(plain)
    for name, rate in found.items():
        assert (rate.k, rate.n) == (plain[name].k, plain[name].n)
        expected = wilson(rate.k, rate.n, 1 - 0.05 / len(found))
        assert (rate.low, rate.high) == pytest.approx(expected, abs=1e-12)
        assert rate.low <= plain[name].low
        assert rate.high >= plain[name].high
    with pytest.raises(InputError, match="between 0 and 1"):
        species.apcer_simultaneous(scores, 0.5, 95)


@calm
@given(tied_scores())
def test_d_eer_is_the_eer_against_one_species(scores):
    found = species.d_eer_by_species(scores)
    kinds = np.unique(scores.species[~scores.live])
    assert list(found) == kinds.tolist()
    for kind in kinds:
        part = select(scores, scores.live | (scores.species == kind))
        assert found[str(kind)] == curves.eer(part)


@calm
@given(tied_scores())
def test_det_curves_say_what_the_rates_say_at_every_threshold(scores):
    pooled, worst, each = det.det(scores), det.det_worst(scores), det.det_by_species(scores)
    assert np.array_equal(pooled.thresholds, worst.thresholds)
    for i, threshold in enumerate(pooled.thresholds):
        assert pooled.apcer[i] == rates.apcer(scores, threshold).value
        assert worst.apcer[i] == rates.apcer_max(scores, threshold).value
        assert pooled.bpcer[i] == worst.bpcer[i] == rates.bpcer(scores, threshold).value
    for name, curve in each.items():
        for threshold, apcer in zip(curve.thresholds, curve.apcer, strict=True):
            assert apcer == rates.apcer_by_species(scores, threshold)[name].value
        assert (curve.bpcer[0], curve.bpcer[-1]) == (0, 1)


def test_deviates_are_normal_quantiles():
    x, y = det.det(random_scores(0)).deviates
    curve = det.det(random_scores(0))
    inner = (curve.apcer > 0) & (curve.apcer < 1)
    assert x[inner] == pytest.approx(norm.ppf(curve.apcer[inner]), abs=1e-9)
    assert (x[0], x[-1], y[0], y[-1]) == (np.inf, -np.inf, -np.inf, np.inf)


def test_one_class_is_refused():
    live = make_scores([1, 0], [1, 1])
    for function in (species.d_eer_by_species, det.det, det.det_worst, det.det_by_species):
        with pytest.raises(InputError, match="needs both classes"):
            function(live)
