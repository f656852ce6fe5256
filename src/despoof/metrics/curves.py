"""Every operating point of a set of scores, and what is read off it: AUC, EER, thresholds."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.metrics.scores import Scores, need_both


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
        value: (far + frr) / 2 at the chosen point, a fraction; 0 is best.
        threshold: in the middle of the thresholds that share this point; finite.
        far: pooled APCER there.
        frr: BPCER there.
        convention: how it is defined on finite data.
    """

    value: float
    threshold: float
    far: float
    frr: float
    convention: Literal["min |FAR - FRR|, mean of both"] = "min |FAR - FRR|, mean of both"


def roc(scores: Scores) -> Roc:
    """Compute every distinct operating point; ties are one point, nothing is interpolated.

    Raises:
        InputError: a class is missing.
    """
    need_both(scores, "A ROC curve")
    live, attack = np.sort(scores.score[scores.live]), np.sort(scores.score[~scores.live])
    thresholds = np.concatenate([[-np.inf], np.unique(scores.score)])
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
    live, attack = scores.score[scores.live], np.sort(scores.score[~scores.live])
    below = int(np.searchsorted(attack, live, side="left").sum())
    below_or_equal = int(np.searchsorted(attack, live, side="right").sum())
    return (below + below_or_equal) / (2 * len(live) * len(attack))


def eer(scores: Scores) -> Eer:
    """Equal error rate: the point with the smallest |FAR - FRR|, and the mean of the two there.

    FAR - FRR falls strictly from point to point, so at most two points tie; then the one with the
    smaller mean is taken, then the higher (stricter) threshold. Scores that are all equal give .5.

    Raises:
        InputError: a class is missing.
    """
    curve = roc(scores)
    accepted, rejected = curve.attacks_accepted * curve.n_live, curve.live_rejected * curve.n_attack
    order = np.lexsort([-curve.thresholds, accepted + rejected, np.abs(accepted - rejected)])
    point = int(order[0])
    far, frr = float(curve.far[point]), float(curve.frr[point])
    return Eer((far + frr) / 2, _middle(curve.thresholds, point), far, frr)


def threshold_at_far(scores: Scores, far: float) -> float:
    """Return a threshold at which at most `far` of these attacks pass, and no more live are lost.

    It lies in the middle of all thresholds with the lowest FRR that keeps the bound; the bound
    holds on these scores, not on new ones. far >= 1 gives a threshold just below every score.

    Raises:
        InputError: a class is missing, or far is not in [0, 1].
    """
    _check(far, "FAR")
    curve = roc(scores)
    return _middle(curve.thresholds, int(np.argmax(curve.far <= far)))


def threshold_at_frr(scores: Scores, frr: float) -> float:
    """Return a threshold at which at most `frr` of these live are lost, and no more attacks pass.

    The mirror image of `threshold_at_far`. frr = 1 gives the highest score, which rejects all.

    Raises:
        InputError: a class is missing, or frr is not in [0, 1].
    """
    _check(frr, "FRR")
    curve = roc(scores)
    return _middle(curve.thresholds, int(np.flatnonzero(curve.frr <= frr)[-1]))


def _middle(thresholds: NDArray[np.float64], point: int) -> float:
    """A finite threshold of step `point`, half-way to the next score where floats allow it."""
    low = float(thresholds[point])
    if point == len(thresholds) - 1:
        return low
    high = float(thresholds[point + 1])
    if point == 0:
        return float(np.nextafter(high, -np.inf))
    middle = low / 2 + high / 2
    return middle if low <= middle < high else low


def _check(rate: float, name: str) -> None:
    if not 0 <= rate <= 1:
        raise InputError(f"{name} {rate} is not a fraction; expected 0 to 1, e.g. 0.01 for 1 %.")
