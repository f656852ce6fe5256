"""Several systems on the same presentations: what differs, by how much, and is that chance?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from despoof.core.errors import DataError, InputError
from despoof.evaluation.report import FEWEST_DRAWS, WORK, Judgement
from despoof.metrics import weighted
from despoof.metrics.bootstrap import Interval
from despoof.metrics.compare import paired_bootstrap, permutation_test, permutation_test_auc
from despoof.metrics.curves import auc
from despoof.metrics.delong import delong_test
from despoof.metrics.rates import hter
from despoof.metrics.scores import Scores, need_both
from despoof.metrics.significance import McNemar, holm, mcnemar

SWAPS = 10_000


@dataclass(frozen=True)
class Difference:
    """One figure of two systems.

    Attributes:
        what: "auc" (higher is better) or "hter" (lower is better).
        first: of the first system.
        second: of the second.
        low: lower end of the 95 % interval of second - first; None where it cannot be had.
        high: its upper end.
        p: two-sided.
        p_holm: adjusted for all pairs of systems that were compared by this figure.
        method: of interval and test.
    """

    what: str
    first: float
    second: float
    low: float | None
    high: float | None
    p: float
    p_holm: float
    method: str

    @property
    def difference(self) -> float:
        """Second - first."""
        return self.second - self.first


@dataclass(frozen=True)
class Pair:
    """Two systems on what both have scored.

    Attributes:
        first: name.
        second: name.
        n_live: live presentations that both scored.
        n_attack: attacks that both scored.
        left_out: presentations that only one of them scored.
        auc: the difference in AUC; needs no threshold.
        hter: the difference in HTER, each at its own threshold.
        decisions: errors that only one of them makes.
        decisions_p_holm: McNemar's p, adjusted.
        oracle: a threshold was chosen on these scores.
    """

    first: str
    second: str
    n_live: int
    n_attack: int
    left_out: int
    auc: Difference
    hter: Difference
    decisions: McNemar
    decisions_p_holm: float
    oracle: bool


def compare(systems: Sequence[Judgement], *, draws: int = 2000) -> list[Pair]:
    """Compare every two systems; p-values are Holm-adjusted over the pairs.

    Presentations are paired by path; class, species and subject are the first file's.

    Raises:
        DataError: two systems share no presentation of a class, or a path is live in one file
            and attack in the other.
    """
    pairs = [_pair(a, b, draws) for a, b in combinations(systems, 2)]
    adjusted = [
        holm([getattr(pair, what).p for pair in pairs]) for what in ("auc", "hter", "decisions")
    ]
    return [
        replace(
            pair,
            auc=replace(pair.auc, p_holm=by_auc),
            hter=replace(pair.hter, p_holm=by_hter),
            decisions_p_holm=by_decisions,
        )
        for pair, by_auc, by_hter, by_decisions in zip(pairs, *adjusted, strict=True)
    ]


def plain_pair(pair: Pair) -> dict[str, Any]:
    """Return JSON values; differences are second - first."""
    values: dict[str, Any] = {
        "first": pair.first,
        "second": pair.second,
        "n_live": pair.n_live,
        "n_attack": pair.n_attack,
        "left_out": pair.left_out,
        "oracle": pair.oracle,
    }
    for found in (pair.auc, pair.hter):
        what = found.what
        values |= {
            f"{what}_first": found.first,
            f"{what}_second": found.second,
            f"{what}_difference": found.difference,
            f"{what}_difference_ci95": None if found.low is None else [found.low, found.high],
            f"{what}_p": found.p,
            f"{what}_p_holm": found.p_holm,
            f"{what}_method": found.method,
        }
    return values | {
        "only_first_wrong": pair.decisions.only_first,
        "only_second_wrong": pair.decisions.only_second,
        "mcnemar_p": pair.decisions.p,
        "mcnemar_p_holm": pair.decisions_p_holm,
    }


def _pair(a: Judgement, b: Judgement, draws: int) -> Pair:
    first, second, left_out = _aligned(a, b)
    limits = (a.row.threshold.value, b.row.threshold.value)
    wrong = [
        (scores.score > limit) != scores.live
        for scores, limit in zip((first, second), limits, strict=True)
    ]
    decisions = mcnemar(*wrong)
    return Pair(
        first=a.name,
        second=b.name,
        n_live=first.n_live,
        n_attack=first.n_attack,
        left_out=left_out,
        auc=_auc(first, second),
        hter=_hter(first, second, limits, draws),
        decisions=decisions,
        decisions_p_holm=decisions.p,
        oracle=a.oracle or b.oracle,
    )


def _aligned(a: Judgement, b: Judgement) -> tuple[Scores, Scores, int]:
    place = {path: row for row, path in enumerate(b.table.path)}
    rows = [(row, place[path]) for row, path in enumerate(a.table.path) if path in place]
    mine = np.array([row for row, _ in rows], np.intp)
    theirs = np.array([row for _, row in rows], np.intp)
    if (a.table.live[mine] != b.table.live[theirs]).any():
        row = int(mine[np.argmax(a.table.live[mine] != b.table.live[theirs])])
        raise DataError(
            f"{a.table.path[row]!r} is live in one of {a.table.source} and {b.table.source}, and "
            "attack in the other. Repair the labels."
        )
    first = a.table.take(mine).scores()
    try:
        need_both(first, "A comparison")
    except InputError as error:
        raise DataError(
            f"{a.table.source} and {b.table.source} share {first.n_live} live and "
            f"{first.n_attack} attack presentations; a comparison needs both. Do the paths agree?"
        ) from error
    second = replace(first, score=b.table.score[theirs])
    return first, second, len(a.table) + len(b.table) - 2 * len(rows)


def _auc(first: Scores, second: Scores) -> Difference:
    try:
        test = delong_test(first, second)
    except InputError:  # no variance, or one subject: only relabelling is left
        swaps = permutation_test_auc(first, second, swaps=_affordable(first, 2000) or 100)
        before, after = auc(first), auc(second)
        return Difference("auc", before, after, None, None, swaps.p, swaps.p, "permutation")
    method = "DeLong, clusters by subject"
    return Difference("auc", test.first, test.second, test.low, test.high, test.p, test.p, method)


def _hter(first: Scores, second: Scores, limits: tuple[float, float], draws: int) -> Difference:
    test = permutation_test(first, second, limits, swaps=SWAPS)
    gap = _bootstrap(first, second, limits, _affordable(first, draws))
    how = "permutation of subjects" + ("; bootstrap over subjects" if gap else "")
    return Difference(
        what="hter",
        first=hter(first, limits[0]).value,
        second=hter(second, limits[1]).value,
        low=gap.low if gap else None,
        high=gap.high if gap else None,
        p=test.p,
        p_holm=test.p,
        method=how,
    )


def _bootstrap(
    first: Scores, second: Scores, limits: tuple[float, float], draws: int
) -> Interval | None:
    for strata in ("species", "class"):
        if draws < FEWEST_DRAWS:
            return None
        try:
            return paired_bootstrap(
                first, second, weighted.hter, thresholds=limits, draws=draws, strata=strata
            ).difference
        except InputError:  # a stratum has one group
            continue
    return None


def _affordable(scores: Scores, draws: int) -> int:
    return min(draws, WORK // max(1, len(scores)))
