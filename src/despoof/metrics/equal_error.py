"""The equal error rate in its three conventions: on 360 presentations 0.4 points and more apart."""

from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.optimize import isotonic_regression

from despoof.core.errors import InputError
from despoof.metrics.curves import Eer, eer_of_sides
from despoof.metrics.scores import Scores, need_both
from despoof.metrics.sides import Sides, crossing, sort_sides


def equal_error(
    scores: Scores, convention: Literal["nearest", "interpolated", "hull"] = "nearest"
) -> Eer:
    """Equal error rate by a named convention; the result carries the full name.

    Args:
        scores: N presentations of both classes.
        convention: "nearest" is `curves.eer`: the step with the smallest |FAR - FRR| and the mean
            of both there. "interpolated" goes straight from the last step with FAR > FRR to the
            next one and takes the point with FAR = FRR. "hull" does so on the ROC convex hull: the
            rate that can be reached by drawing lots between two thresholds; never above
            "interpolated", and never above .5.

    Returns:
        A fraction. All scores equal: .5 in every convention. A perfect separation: 0. Inverted
        scores: 1 by the first two, .5 by the hull.

    Raises:
        InputError: a class is missing, or another convention is asked for.

    Source: Fawcett 2006, Pattern Recognition Letters 27:861 (hull); Brümmer and de Villiers 2013,
    arXiv:1304.2865 (ROCCH-EER); the first two are common practice.

    >>> from despoof.metrics.scores import make_scores
    >>> scores = make_scores([0.9, 0.8, 0.4, 0.7, 0.3], [1, 1, 1, 0, 0])
    >>> [round(equal_error(scores, c).value, 4) for c in ("nearest", "interpolated", "hull")]
    [0.4167, 0.3333, 0.2]
    """
    need_both(scores, "EER")
    sides = sort_sides(scores)
    nearest = eer_of_sides(sides)
    if convention == "nearest":
        return nearest
    if convention == "interpolated":
        value = _meet(*(_rates(sides, threshold) for threshold in crossing(sides)))
        return replace(nearest, value=value, convention="interpolated between steps")
    if convention == "hull":
        return replace(nearest, value=_hull(sides), convention="ROC convex hull")
    raise InputError(f"EER convention {convention!r} is unknown: nearest, interpolated or hull.")


def _rates(sides: Sides, threshold: float) -> tuple[float, float]:
    accepted, rejected = sides.errors(threshold)
    return accepted / len(sides.attack), rejected / len(sides.live)


def _meet(left: tuple[float, float], right: tuple[float, float]) -> float:
    """FAR where the line from `left` (FAR > FRR) to `right` (FAR <= FRR) has FAR = FRR."""
    gap_left, gap_right = left[0] - left[1], right[0] - right[1]
    share = gap_left / (gap_left - gap_right)
    return (1 - share) * left[0] + share * right[0]


def _hull(sides: Sides) -> float:
    # Pooling adjacent violators of "share of live among equal scores" leaves the hull's corners.
    values, counts = np.unique(np.concatenate([sides.live, sides.attack]), return_counts=True)
    rejected = np.searchsorted(sides.live, values, side="right")
    live = np.diff(rejected, prepend=0)
    blocks = isotonic_regression(live / counts, weights=counts).blocks
    frr = np.concatenate([[0], rejected[blocks[1:] - 1]]) / len(sides.live)
    passed = np.searchsorted(sides.attack, values[blocks[1:] - 1], side="right")
    far = 1 - np.concatenate([[0], passed]) / len(sides.attack)
    at = int(np.argmax(far <= frr))
    return _meet((float(far[at - 1]), float(frr[at - 1])), (float(far[at]), float(frr[at])))
