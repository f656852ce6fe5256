"""Two systems on the same presentations: the difference, its interval, and tests of it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from despoof.core.errors import InputError
from despoof.metrics.bootstrap import Interval
from despoof.metrics.curves import auc
from despoof.metrics.resample import difference, interval, resample
from despoof.metrics.scores import Scores, need_both, need_paired
from despoof.metrics.weighted import Statistic
from despoof.metrics.weights import Strata


@dataclass(frozen=True)
class Comparison:
    """Two systems by one statistic.

    Attributes:
        first: of the first system.
        second: of the second.
        difference: second - first, with its interval by groups.
        p: two-sided, from the draws; small means that 0 is not a likely difference.
    """

    first: float
    second: float
    difference: Interval
    p: float


@dataclass(frozen=True)
class Permutation:
    """A permutation test: difference = second - first, and its two-sided p.

    Attributes:
        difference: of the systems as they are.
        p: share of relabellings with at least that difference, this one included.
        swaps: number of relabellings looked at.
        groups: number of units whose systems were swapped together.
    """

    difference: float
    p: float
    swaps: int
    groups: int


def paired_bootstrap(
    first: Scores,
    second: Scores,
    statistic: Statistic,
    *,
    thresholds: tuple[float, float] | None = None,
    devs: tuple[Scores, Scores] | None = None,
    draws: int = 2000,
    confidence: float = 0.95,
    method: Literal["percentile", "bca"] = "percentile",
    seed: int = 0,
    strata: Strata = "species",
) -> Comparison:
    """Bootstrap the difference of two systems; every draw has the same groups for both.

    Args:
        first: scores of one system.
        second: scores of the other, same presentations in the same order.
        statistic: from `weighted`, e.g. `weighted.acer_max`.
        thresholds: one per system, fixed; or
        devs: development scores of both systems, in pairs too; the EER threshold of each draw.
        draws: as in `resample`.
        confidence: two-sided.
        method: as in `resample.interval`.
        seed: as in `resample`.
        strata: as in `resample`.

    Returns:
        p is twice the smaller share of draws at or beyond 0, both ends counted with one draw more
        (never 0; at most 1). It is a bootstrap p: approximate, like the interval.

    Raises:
        InputError: the presentations differ, or see `resample` and `interval`.

    Source: Efron and Tibshirani 1993, ch. 13 and 16.
    """
    need_paired(first, second)
    if devs is not None:
        need_paired(*devs)
    both = [
        resample(
            scores,
            {"statistic": statistic},
            threshold=None if thresholds is None else thresholds[i],
            dev=None if devs is None else devs[i],
            draws=draws,
            seed=seed,
            strata=strata,
            influence=method == "bca",
        )["statistic"]
        for i, scores in enumerate((first, second))
    ]
    gap = difference(*both)
    smaller = min(np.count_nonzero(gap.draws <= 0), np.count_nonzero(gap.draws >= 0))
    p = min(1.0, 2 * (1 + int(smaller)) / (draws + 1))
    return Comparison(both[0].value, both[1].value, interval(gap, confidence, method), p)


def permutation_test(
    first: Scores,
    second: Scores,
    thresholds: tuple[float, float],
    *,
    swaps: int = 10_000,
    seed: int = 0,
) -> Permutation:
    """Test the difference in HTER: swap the two systems' decisions, group by group.

    If the systems are equal, whose decision is whose is a coin toss for every group. Up to 2^13
    relabellings are all looked at, so that p is exact; beyond that `swaps` random ones.

    Args:
        first: scores of one system.
        second: scores of the other, same presentations in the same order.
        thresholds: one per system, fixed before these scores.
        swaps: number of random relabellings, at least 1.
        seed: of the private generator, at least 0.

    Raises:
        InputError: the presentations differ, a class is missing, a threshold is NaN, swaps < 1 or
            seed < 0.

    Source: Good 2005, "Permutation, parametric and bootstrap tests", ch. 3; Phipson and Smyth
    2010, SAGMB 9:39 (the +1).
    """
    need_paired(first, second)
    need_both(first, "A test of HTER")
    if np.isnan(thresholds).any():
        raise InputError(f"Thresholds {thresholds} hold a NaN; give a number per system.")
    weight = np.where(first.live, 0.5 / first.n_live, 0.5 / first.n_attack)
    wrong = [
        (scores.score > threshold) != scores.live
        for scores, threshold in zip((first, second), thresholds, strict=True)
    ]
    names, group = first.groups
    gap = (wrong[1].astype(np.float64) - wrong[0]) * weight
    per_group = np.bincount(group, gap, minlength=len(names))
    signs = _signs(int(np.count_nonzero(per_group)), swaps, seed)
    moved = per_group[per_group != 0]
    values = np.concatenate([np.asarray(part @ moved, np.float64) for part in signs])
    return _permutation(float(gap.sum()), values, len(moved) <= EXACT, len(names))


def permutation_test_auc(
    first: Scores, second: Scores, *, swaps: int = 2000, seed: int = 0
) -> Permutation:
    """Test the difference in AUC: swap the two systems' ranks, group by group.

    Scores become ranks within each system first, for systems have scales of their own.

    Args:
        first: scores of one system.
        second: scores of the other, same presentations in the same order.
        swaps: number of random relabellings, at least 1.
        seed: of the private generator, at least 0.

    Raises:
        InputError: the presentations differ, a class is missing, swaps < 1 or seed < 0.

    Source: Bandos, Rockette and Gur 2005, Statistics in Medicine 24:2873, with groups.
    """
    need_paired(first, second)
    need_both(first, "A test of AUC")
    ranks = [rankdata(scores.score) for scores in (first, second)]
    names, group = first.groups

    def gap(swap: NDArray[np.bool_]) -> float:
        a, b = np.where(swap, ranks[1], ranks[0]), np.where(swap, ranks[0], ranks[1])
        return _auc(b, first.live) - _auc(a, first.live)

    chosen = _signs(len(names), swaps, seed)
    values = np.array([gap(row[group] < 0) for signs in chosen for row in signs])
    return _permutation(auc(second) - auc(first), values, len(names) <= EXACT, len(names))


EXACT = 13  # groups up to which all 2^groups relabellings are looked at


def _auc(score: NDArray[np.float64], live: NDArray[np.bool_]) -> float:
    ordered = np.sort(score[~live])
    passed = np.sort(score[live])
    below = np.searchsorted(ordered, passed, side="left").sum()
    upto = np.searchsorted(ordered, passed, side="right").sum()
    return float(below + upto) / (2 * len(passed) * len(ordered))


def _signs(groups: int, swaps: int, seed: int) -> list[NDArray[np.int8]]:
    """Signs +1 and -1, (relabellings, groups) int8, in parts that fit in memory."""
    if swaps < 1 or seed < 0:
        raise InputError(f"swaps={swaps}, seed={seed}: expected swaps >= 1 and seed >= 0.")
    if groups <= EXACT:
        bits = np.arange(2**groups)[:, None] >> np.arange(groups) & 1
        return [(1 - 2 * bits).astype(np.int8)]
    rng = np.random.default_rng(seed)
    width = max(1, 4_000_000 // groups)
    sizes = [min(width, swaps - done) for done in range(0, swaps, width)]
    return [1 - 2 * rng.integers(2, size=(size, groups), dtype=np.int8) for size in sizes]


def _permutation(
    observed: float, values: NDArray[np.float64], exact: bool, groups: int
) -> Permutation:
    # Sums in another order differ in the last digits: what is as large but for them counts.
    beyond = int(np.count_nonzero(np.abs(values) >= abs(observed) - 1e-12))
    p = beyond / len(values) if exact else (beyond + 1) / (len(values) + 1)
    return Permutation(observed, p, len(values), groups)
