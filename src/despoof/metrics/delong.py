"""Variance of the AUC without resampling, and the test of two AUCs on the same presentations."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.metrics.scores import Scores, need_both, need_paired


@dataclass(frozen=True)
class AucInterval:
    """An AUC with DeLong's variance.

    Attributes:
        value: AUC; 1 is best.
        variance: of it, no unit; 0 where the classes are apart (see `auc_interval`).
        low: lower end of the interval.
        high: upper end.
        confidence: two-sided.
        live_groups: independent units among live presentations.
        attack_groups: the same among attacks.
    """

    value: float
    variance: float
    low: float
    high: float
    confidence: float
    live_groups: int
    attack_groups: int


@dataclass(frozen=True)
class AucTest:
    """Two AUCs on the same presentations: difference = second - first, z, two-sided p."""

    first: float
    second: float
    difference: float
    variance: float
    low: float
    high: float
    z: float
    p: float


def auc_interval(
    scores: Scores, confidence: float = 0.95, scale: Literal["plain", "logit"] = "plain"
) -> AucInterval:
    """AUC with an interval from its placement values.

    Where every presentation is its own group this is DeLong's; where groups repeat, their
    placements are summed first (Obuchowski's extension for clusters, also a subject in both
    classes). Needs some ten groups of each class to be trusted.

    Args:
        scores: N presentations; `group` is the unit of independence.
        confidence: two-sided, in (0, 1).
        scale: "plain" is AUC ± z sd, cut to [0, 1]; "logit" is symmetric in log(A / (1 - A)),
            better near 1. At AUC = 0 or 1, and for any variance of 0, both are the AUC alone:
            that is no certainty, look at the counts.

    Raises:
        InputError: a class is missing or has one group; confidence outside (0, 1); other scale.

    Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837; Sun and Xu 2014, IEEE SPL
    21:1389; Obuchowski 1997, Biometrics 53:567; logit: Qin and Hotilovac 2008.
    """
    if not 0 < confidence < 1:
        raise InputError(f"Confidence {confidence} must lie between 0 and 1, e.g. 0.95.")
    if scale not in ("plain", "logit"):
        raise InputError(f"scale={scale!r} is unknown; expected plain or logit.")
    value, parts = _components(scores)
    variance = _covariance(parts, parts)
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(variance)
    if scale == "plain" or variance == 0:
        low, high = max(0.0, value - reach), min(1.0, value + reach)
    else:
        centre, reach = math.log(value / (1 - value)), reach / (value * (1 - value))
        low, high = (1 / (1 + math.exp(-(centre + sign * reach))) for sign in (-1, 1))
    groups = (np.count_nonzero(parts.n_live), np.count_nonzero(parts.n_attack))
    return AucInterval(value, variance, low, high, confidence, int(groups[0]), int(groups[1]))


def delong_test(first: Scores, second: Scores, confidence: float = 0.95) -> AucTest:
    """Test whether two systems have the same AUC, from their scores of the same presentations.

    Scores may be on different scales: only ranks within a system are read. Groups as in
    `auc_interval`. Identical rankings give z = 0 and p = 1.

    Args:
        first: scores of one system.
        second: scores of the other, same presentations in the same order.
        confidence: of the interval of the difference, two-sided, in (0, 1).

    Raises:
        InputError: the presentations differ; a class is missing or has one group; confidence
            outside (0, 1); or the AUCs differ without any variance, so the test says nothing.

    Source: see `auc_interval`.
    """
    need_paired(first, second)
    if not 0 < confidence < 1:
        raise InputError(f"Confidence {confidence} must lie between 0 and 1, e.g. 0.95.")
    auc_first, a = _components(first)
    auc_second, b = _components(second)
    difference = auc_second - auc_first
    gap = _Components(b.live - a.live, b.attack - a.attack, a.n_live, a.n_attack)
    variance = _covariance(gap, gap)
    if variance == 0 and difference != 0:
        raise InputError(
            f"AUC {auc_first:.4f} and {auc_second:.4f} differ but have no variance: DeLong's test "
            "cannot judge such separated classes. Use compare.permutation_test."
        )
    sd = math.sqrt(variance)
    z = difference / sd if sd > 0 else 0.0
    p = math.erfc(abs(z) / math.sqrt(2))
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * sd
    ends = (difference - reach, difference + reach)
    return AucTest(auc_first, auc_second, difference, variance, *ends, z, p)


@dataclass(frozen=True, eq=False)
class _Components:
    live: NDArray[np.float64]  # (G,) sum over a group's live of placement - AUC
    attack: NDArray[np.float64]  # (G,) the same over its attacks
    n_live: NDArray[np.intp]  # (G,) live presentations of each group
    n_attack: NDArray[np.intp]


def _components(scores: Scores) -> tuple[float, _Components]:
    need_both(scores, "DeLong's variance")
    rows = np.argsort(scores.score)
    of_class = scores.live[rows]
    live, attack = scores.score[rows[of_class]], scores.score[rows[~of_class]]
    # Placement of a live score: the share of attacks below it, ties half. Of an attack: live above.
    live_place = _placement(live, attack)
    attack_place = 1 - _placement(attack, live)
    value = float(live_place.mean())
    names, group = scores.groups
    of_live, of_attack = group[rows[of_class]], group[rows[~of_class]]

    def total(which: NDArray[np.intp], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(which, weights, minlength=len(names)).astype(np.float64)

    parts = _Components(
        total(of_live, live_place - value),
        total(of_attack, attack_place - value),
        np.bincount(of_live, minlength=len(names)),
        np.bincount(of_attack, minlength=len(names)),
    )
    counts = [int(np.count_nonzero(n)) for n in (parts.n_live, parts.n_attack)]
    if min(counts) < 2:
        raise InputError(
            f"{counts[0]} live and {counts[1]} attack group(s) have no variance; expected at least "
            "2 of each. Group by something finer, or report counts."
        )
    return value, parts


def _placement(values: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of `others` below each value, ties half; both ascending."""
    below = np.searchsorted(others, values, side="left")
    upto = np.searchsorted(others, values, side="right")
    return (below + upto) / np.float64(2 * len(others))


def _covariance(a: _Components, b: _Components) -> float:
    total_live, total_attack = int(a.n_live.sum()), int(a.n_attack.sum())
    live_groups = int(np.count_nonzero(a.n_live))
    attack_groups = int(np.count_nonzero(a.n_attack))
    groups = len(a.n_live)
    live = live_groups / (live_groups - 1) * float(a.live @ b.live) / total_live**2
    attack = attack_groups / (attack_groups - 1) * float(a.attack @ b.attack) / total_attack**2
    cross = float(a.live @ b.attack) + float(a.attack @ b.live)
    both = groups / (groups - 1) * cross / (total_live * total_attack)
    return max(0.0, live + attack + both)
