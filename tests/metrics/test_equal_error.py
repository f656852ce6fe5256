from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from despoof.core.errors import InputError
from despoof.metrics import curves
from despoof.metrics.equal_error import equal_error
from despoof.metrics.scores import make_scores
from metrics.score_strategies import calm, random_scores, tied_scores


def meet(p, q):
    """Where the line from p to q has FAR = FRR; None where it does not reach it."""
    a, b = p[0] - p[1], q[0] - q[1]
    if a == b:
        return p[0] if a == 0 else None
    share = a / (a - b)
    return p[0] + share * (q[0] - p[0]) if 0 <= share <= 1 else None


def every_point(scores):
    curve = curves.roc(scores)
    return list(zip(curve.far.tolist(), curve.frr.tolist(), strict=True))


@calm
@given(tied_scores(12))
def test_the_hull_is_the_lowest_meeting_of_any_two_points(scores):
    points = every_point(scores)
    found = [meet(p, q) for p, q in product(points, points)]
    lowest = min(value for value in found if value is not None)
    hull = equal_error(scores, "hull")
    assert hull.value == pytest.approx(lowest, abs=1e-12)
    assert hull.convention == "ROC convex hull"


@calm
@given(tied_scores())
def test_interpolation_joins_neighbouring_steps(scores):
    points = every_point(scores)
    pairs = pairwise(points)
    found = [meet(p, q) for p, q in pairs if p[0] > p[1] and q[0] <= q[1]]
    assert len(found) == 1
    value = equal_error(scores, "interpolated").value
    assert value == pytest.approx(found[0], abs=1e-12)
    assert equal_error(scores, "hull").value <= min(value, 0.5) + 1e-12


@calm
@given(tied_scores(), st.sampled_from(["nearest", "interpolated", "hull"]))
def test_every_convention_reads_only_the_order(scores, convention):
    other = make_scores(scores.score**3 * 7 + scores.score, scores.live, scores.species)
    assert equal_error(other, convention).value == equal_error(scores, convention).value


@pytest.mark.parametrize(
    ("live", "attack", "nearest", "interpolated", "hull"),
    [
        ([1, 1], [0, 0], 0, 0, 0),
        ([0.5] * 3, [0.5] * 2, 0.5, 0.5, 0.5),
        ([0, 0], [1, 1], 1, 1, 0.5),
        ([1], [0], 0, 0, 0),
    ],
)
def test_the_corners_are_as_documented(live, attack, nearest, interpolated, hull):
    scores = make_scores([*live, *attack], [1] * len(live) + [0] * len(attack))
    found = [equal_error(scores, c).value for c in ("nearest", "interpolated", "hull")]
    assert found == [nearest, interpolated, hull]


def test_nearest_is_the_eer_of_curves_and_all_share_its_threshold():
    scores = random_scores(4)
    assert equal_error(scores) == curves.eer(scores)
    thresholds = {equal_error(scores, c).threshold for c in ("nearest", "interpolated", "hull")}
    assert thresholds == {curves.eer(scores).threshold}


def test_on_90_live_and_270_attacks_the_hull_is_typically_0_4_points_lower():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        score = np.concatenate([rng.normal(3.3, 1, 90), rng.normal(0, 1, 270)])
        scores = make_scores(score, [1] * 90 + [0] * 270)
        found.append([equal_error(scores, c).value for c in ("nearest", "interpolated", "hull")])
    nearest, interpolated, hull = np.transpose(found)
    assert 0.03 < np.median(nearest) < 0.06
    assert np.abs(nearest - interpolated).max() < 0.003
    assert 0.002 < np.median(nearest - hull) < 0.008


def test_unknown_conventions_and_single_classes_are_refused():
    with pytest.raises(InputError, match="convention 'closest' is unknown"):
        equal_error(make_scores([1, 0], [1, 0]), "closest")
    with pytest.raises(InputError, match="EER needs both classes"):
        equal_error(make_scores([1, 0], [1, 1]))
