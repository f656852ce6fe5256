"""Both classes in ascending order: what curves, thresholds and error rates are read from."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.metrics.scores import Scores


@dataclass(frozen=True, eq=False)
class Sides:
    """Scores of both classes, each sorted once and then asked many times.

    Attributes:
        live: (L,) float64, ascending, L >= 1.
        attack: (A,) float64, ascending, A >= 1.
    """

    live: NDArray[np.float64]
    attack: NDArray[np.float64]

    def errors(self, threshold: float) -> tuple[int, int]:
        """Count attacks accepted and live rejected when live iff score > threshold."""
        accepted = len(self.attack) - int(np.searchsorted(self.attack, threshold, side="right"))
        return accepted, int(np.searchsorted(self.live, threshold, side="right"))

    def below(self, score: float) -> float:
        """Return the highest score of either class below `score`; -inf where there is none."""
        found = [-np.inf]
        for side in (self.live, self.attack):
            at = int(np.searchsorted(side, score, side="left"))
            if at > 0:
                found.append(float(side[at - 1]))
        return max(found)

    def above(self, score: float) -> float:
        """Return the lowest score of either class above `score`; inf where there is none."""
        found = [np.inf]
        for side in (self.live, self.attack):
            at = int(np.searchsorted(side, score, side="right"))
            if at < len(side):
                found.append(float(side[at]))
        return min(found)


def sort_sides(scores: Scores) -> Sides:
    """Sort the scores of each class; a class may come out empty (see `scores.need_both`)."""
    return Sides(np.sort(scores.score[scores.live]), np.sort(scores.score[~scores.live]))


def crossing(sides: Sides) -> tuple[float, float]:
    """Return the two neighbouring steps between which FAR - FRR changes sign.

    Returns:
        The highest threshold with FAR > FRR (a score or -inf), and the next score, which has
        FAR <= FRR. FAR - FRR falls strictly from step to step, from 1 to -1, so both exist.
    """
    n_live, n_attack = len(sides.live), len(sides.attack)

    def crossed(threshold: float) -> bool:
        accepted, rejected = sides.errors(threshold)
        return accepted * n_live <= rejected * n_attack

    found: list[float] = []
    for side in (sides.live, sides.attack):
        at = bisect_left(range(len(side)), True, key=lambda i, side=side: crossed(side[i]))
        if at < len(side):
            found.append(float(side[at]))
    right = min(found)
    return sides.below(right), right


def midway(sides: Sides, low: float) -> float:
    """Return a finite threshold of the step that begins at `low`, in its middle where floats allow.

    Below every score it lies just under the lowest one; at the highest score it is that score.
    """
    high = sides.above(low)
    if high == np.inf:
        return low
    if low == -np.inf:
        return float(np.nextafter(high, -np.inf))
    middle = low / 2 + high / 2
    return middle if low <= middle < high else low
