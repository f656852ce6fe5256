"""Every operating point of a set of scores, and what is read off it: AUC, EER, thresholds."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.metrics.scores import Scores, need_both
from despoof.metrics.sides import Sides, crossing, midway, sort_sides

Convention = Literal[
    "min |FAR - FRR|, mean of both", "interpolated between steps", "ROC convex hull"
]


@dataclass(frozen=True, eq=False)
class Roc:
    """The exact step function of errors over thresholds, for the M distinct scores.

    Attributes:
        thresholds: (M + 1,) float64, ascending: -inf, then every distinct score. Point i holds for
            all thresholds in [thresholds[i], thresholds[i + 1]).
        attacks_accepted: (M + 1,) int, from n_attack down to 0.
        live_rejected: (M + 1,) int, from 0 up to n_live.
        n_attack: number of attacks.
        n_live: number of live presentations.
    """

    thresholds: NDArray[np.float64]
    attacks_accepted: NDArray[np.intp]
    live_rejected: NDArray[np.intp]
    n_attack: int
    n_live: int

    @property
    def far(self) -> NDArray[np.float64]:
        """(M + 1,) pooled APCER as fractions, falling from 1 to 0."""
        return self.attacks_accepted / self.n_attack

    @property
    def frr(self) -> NDArray[np.float64]:
        """(M + 1,) BPCER as fractions, rising from 0 to 1."""
        return self.live_rejected / self.n_live


@dataclass(frozen=True)
class Eer:
    """The equal error rate and where it was read.

    Attributes:
        value: the rate by the convention, a fraction; 0 is best.
        threshold: of the point with the smallest |FAR - FRR|, in the middle of the thresholds that
            share it; finite. No threshold reaches an interpolated point, so it is the same one in
            every convention.
        far: pooled APCER at the threshold.
        frr: BPCER at the threshold.
        convention: how the value is defined on finite data.
    """

    value: float
    threshold: float
    far: float
    frr: float
    convention: Convention = "min |FAR - FRR|, mean of both"


def roc(scores: Scores) -> Roc:
    """Compute every distinct operating point; ties are one point, nothing is interpolated.

    Raises:
        InputError: a class is missing.
    """
    need_both(scores, "A ROC curve")
    return roc_of_sides(sort_sides(scores))


def roc_of_sides(sides: Sides) -> Roc:
    """Compute the curve of scores that are already sorted; see `roc`."""
    live, attack = sides.live, sides.attack
    thresholds = np.concatenate([[-np.inf], np.unique(np.concatenate([live, attack]))])
    accepted = len(attack) - np.searchsorted(attack, thresholds, side="right")
    rejected = np.searchsorted(live, thresholds, side="right")
    return Roc(thresholds, accepted, rejected, len(attack), len(live))


def auc(scores: Scores) -> float:
    """Area under the ROC: P(live score > attack score) + P(equal) / 2; 1 is best, .5 is chance.

    Counted in whole numbers from ranks (the Mann-Whitney U), so it is exact with ties.

    Raises:
        InputError: a class is missing.

    >>> from despoof.metrics.scores import make_scores
    >>> auc(make_scores([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0]))
    0.875
    """
    need_both(scores, "AUC")
    sides = sort_sides(scores)
    live, attack = sides.live, sides.attack
    below = int(np.searchsorted(attack, live, side="left").sum())
    below_or_equal = int(np.searchsorted(attack, live, side="right").sum())
    return (below + below_or_equal) / (2 * len(live) * len(attack))


def eer(scores: Scores) -> Eer:
    """Equal error rate: the point with the smallest |FAR - FRR|, and the mean of the two there.

    FAR - FRR falls strictly from point to point, so at most two points tie; then the one with the
    smaller mean is taken, then the higher (stricter) threshold. Scores that are all equal give .5.
    Other conventions: `equal_error`.

    Raises:
        InputError: a class is missing.
    """
    need_both(scores, "EER")
    return eer_of_sides(sort_sides(scores))


def eer_of_sides(sides: Sides) -> Eer:
    """Equal error rate of scores that are already sorted, in O(log n); see `eer`."""
    points: list[tuple[int, int, float]] = []
    n_live, n_attack = len(sides.live), len(sides.attack)
    for threshold in crossing(sides):
        accepted, rejected = sides.errors(threshold)
        far, frr = accepted * n_live, rejected * n_attack
        points.append((abs(far - frr), far + frr, -threshold))
    low = -min(points)[2]
    accepted, rejected = sides.errors(low)
    far, frr = accepted / n_attack, rejected / n_live
    return Eer((far + frr) / 2, midway(sides, low), far, frr)


def threshold_at_far(scores: Scores, far: float) -> float:
    """Return a threshold at which at most `far` of these attacks pass, and no more live are lost.

    It lies in the middle of all thresholds with the lowest FRR that keeps the bound; the bound
    holds on these scores, not on new ones. far >= 1 gives a threshold just below every score.

    Raises:
        InputError: a class is missing, or far is not in [0, 1].
    """
    check_fraction(far, "FAR")
    need_both(scores, "A threshold")
    sides = sort_sides(scores)
    return midway(sides, lowest_threshold(sides.attack, far))


def threshold_at_frr(scores: Scores, frr: float) -> float:
    """Return a threshold at which at most `frr` of these live are lost, and no more attacks pass.

    The mirror image of `threshold_at_far`. frr = 1 gives the highest score, which rejects all.

    Raises:
        InputError: a class is missing, or frr is not in [0, 1].
    """
    check_fraction(frr, "FRR")
    need_both(scores, "A threshold")
    sides = sort_sides(scores)
    lost = allowed_errors(len(sides.live), frr)
    if lost == len(sides.live):
        return float(max(sides.live[-1], sides.attack[-1]))
    # The highest step that stays below the first live score that must be kept.
    return midway(sides, sides.below(float(sides.live[lost])))


def lowest_threshold(attack: NDArray[np.float64], far: float) -> float:
    """Return the lowest score (or -inf) above which at most the share `far` of attacks lies.

    Args:
        attack: (N,) float64, ascending, N >= 1.
        far: a fraction in [0, 1].
    """
    passing = allowed_errors(len(attack), far)
    return -np.inf if passing == len(attack) else float(attack[len(attack) - passing - 1])


def allowed_errors(n: int, rate: float) -> int:
    """Return the largest k with k / n <= rate, by the division that also makes the rates.

    >>> allowed_errors(100, 0.29), allowed_errors(99, 0.01)
    (29, 0)
    """
    k = min(n, int(rate * n) + 1)
    while k / n > rate:
        k -= 1
    return k


def check_fraction(rate: float, name: str) -> None:
    """Check that a rate is a fraction in [0, 1].

    Raises:
        InputError: it is not.
    """
    if not 0 <= rate <= 1:
        raise InputError(f"{name} {rate} is not a fraction; expected 0 to 1, e.g. 0.01 for 1 %.")
