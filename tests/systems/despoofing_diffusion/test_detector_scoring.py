import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import InputError
from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores
from despoof.systems.despoofing_diffusion.scoring import (
    ScoreStatistics,
    fuse_scores,
    map_score,
    score_statistics,
)

quick = settings(max_examples=40, deadline=None)


def maps_and_masks():
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(5, 32, 32, generator=generator)
    return maps, torch.rand(5, 32, 32, generator=generator) < 0.4


def test_rules_by_numpy():
    maps, masks = maps_and_masks()
    values, inside = maps.numpy().astype(float), masks.numpy()
    near = pytest.approx
    assert map_score(maps).numpy() == near(values.mean((1, 2)), rel=1e-5)
    cdcn = [m.sum() / i.sum() for m, i in zip(values, inside, strict=True)]
    assert map_score(maps, "mask", masks).numpy() == near(np.array(cdcn), rel=1e-5)
    own = [m[i].mean() for m, i in zip(values, inside, strict=True)]
    assert map_score(maps, "inside", masks).numpy() == near(np.array(own), rel=1e-5)


def test_rules_agree_where_the_face_is_everywhere():
    maps, _ = maps_and_masks()
    everywhere = torch.ones_like(maps, dtype=torch.bool)
    for rule in ("mask", "inside"):
        torch.testing.assert_close(map_score(maps, rule, everywhere), map_score(maps))


def test_more_relief_is_more_live_by_every_rule():
    maps, masks = maps_and_masks()
    for rule in ("mean", "mask", "inside"):
        assert (map_score(maps + 0.1, rule, masks) > map_score(maps, rule, masks)).all()
    assert map_score(maps.bfloat16()).dtype == torch.float32


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (None, r"Rule 'mask' needs one mask a map, \(5, 32, 32\); got None"),
        (torch.ones(5, 16, 16, dtype=torch.bool), r"got \(5, 16, 16\)"),
        (torch.arange(5)[:, None, None].expand(5, 32, 32) != 3, "position 3 has no cell"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(masks, message):
    with pytest.raises(InputError, match=message):
        map_score(maps_and_masks()[0], "mask", masks)


def drawn(seed, n=30):
    rng = np.random.default_rng(seed)
    return {name: rng.normal(k, k + 1, n) for k, name in enumerate(("noise", "rgb", "rgb+noise"))}


@quick
@given(st.integers(0, 1000))
def test_fusion_is_the_mean_of_z_scores(seed):
    dev, test = drawn(seed), drawn(seed + 1)
    statistics = {name: score_statistics(values) for name, values in dev.items()}
    expected = np.mean([(test[n] - dev[n].mean()) / dev[n].std() for n in test], axis=0)
    np.testing.assert_allclose(fuse_scores(test, statistics), expected, rtol=1e-12, atol=1e-12)
    # On the development data itself: centred.
    assert fuse_scores(dev, statistics).mean() == pytest.approx(0, abs=1e-12)
    alone = fuse_scores({"rgb": dev["rgb"]}, {"rgb": statistics["rgb"]})
    assert alone.std() == pytest.approx(1)


@quick
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-50, 50))
def test_units_of_a_detector_do_not_matter(seed, factor, shift):
    dev, test = drawn(seed), drawn(seed + 1)
    base = fuse_scores(test, {name: score_statistics(values) for name, values in dev.items()})
    for scores in (dev, test):
        scores["rgb"] = factor * scores["rgb"] + shift
    again = fuse_scores(test, {name: score_statistics(values) for name, values in dev.items()})
    np.testing.assert_allclose(again, base, rtol=0, atol=1e-8)


def test_a_face_is_fused_alike_alone_and_in_company():
    dev, test = drawn(0), drawn(1)
    statistics = {name: score_statistics(values) for name, values in dev.items()}
    together = fuse_scores(test, statistics)
    alone = [fuse_scores({n: v[i : i + 1] for n, v in test.items()}, statistics) for i in range(30)]
    assert np.concatenate(alone) == pytest.approx(together, rel=1e-12)


def test_two_independent_detectors_are_better_than_one():
    rng = np.random.default_rng(0)
    live = np.arange(400) % 2 == 0
    parts = {
        name: unit * (1.5 * live + rng.normal(size=400)) for name, unit in (("a", 1), ("b", 50))
    }
    dev = {name: values[:200] for name, values in parts.items()}
    test = {name: values[200:] for name, values in parts.items()}
    fused = fuse_scores(test, {name: score_statistics(values) for name, values in dev.items()})
    assert auc(make_scores(fused, live[200:])) > 0.03 + max(
        auc(make_scores(values, live[200:])) for values in test.values()
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], r"shape \(0,\)"), ([1.0], r"shape \(1,\)"), ([[1.0, 2.0]], r"shape \(1, 2\)"),
        ([1.0, np.nan], "finite"), ([0.0, 0.0, 0.0], r"All 3 development scores are 0\.0.*Leave"),
    ],
)  # fmt: skip
def test_scores_without_a_spread_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        score_statistics(values)


def test_fusion_needs_the_same_detectors_and_faces():
    one = ScoreStatistics(mean=0, std=1)
    with pytest.raises(InputError, match=r"Scores are of \['rgb'\], statistics of \['noise'\]"):
        fuse_scores({"rgb": [1.0]}, {"noise": one})
    with pytest.raises(InputError, match="at least one"):
        fuse_scores({}, {})
    with pytest.raises(InputError, match=r"'rgb': \(2,\)"):
        fuse_scores({"noise": [1.0], "rgb": [1.0, 2.0]}, {"noise": one, "rgb": one})
    with pytest.raises(ValueError, match="std"):
        ScoreStatistics(mean=0, std=0)
