"""Intervals by resampling whole groups: presentations of one subject are not independent."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.metrics.codes import encode
from despoof.metrics.scores import Scores, need_both, select


@dataclass(frozen=True)
class Interval:
    """A statistic with its interval from resampled sets.

    Attributes:
        value: the statistic of the scores as they are.
        low: lower end of the interval.
        high: upper end of the interval.
        confidence: two-sided, e.g. 0.95.
        draws: number of resampled sets.
        live_groups: number of groups with live presentations: the real sample size there.
        attack_groups: the same for attacks.
        method: how the ends are read off the draws: "percentile" or "bca".
    """

    value: float
    low: float
    high: float
    confidence: float
    draws: int
    live_groups: int
    attack_groups: int
    method: str = "percentile"


def bootstrap(
    scores: Scores,
    statistic: Callable[[Scores], float],
    *,
    draws: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap over groups, stratified by class.

    Each draw takes as many live groups as there are, with replacement, and separately as many
    attack groups; a group brings all its presentations of that class. So both classes are present
    in every draw. The same seed gives the same interval on every machine.

    A statistic at its limit (AUC = 1 on these scores) gives an interval of no width: that is no
    proof, look at the counts. Below about ten groups a class the interval is too narrow.

    Args:
        scores: N presentations; `group` says what belongs together.
        statistic: from scores to one finite number, e.g. `auc`.
        draws: number of resampled sets, at least 1; 1000 and more for a table.
        confidence: two-sided, in (0, 1).
        seed: of the private generator.

    Raises:
        InputError: a class is missing or has only one group; draws < 1; confidence outside (0, 1);
            or the statistic is not finite on a draw.

    Source: Efron and Tibshirani 1993, ch. 13; clusters: Davison and Hinkley 1997, §3.8.
    """
    need_both(scores, "A bootstrap interval")
    if draws < 1 or not 0 < confidence < 1:
        raise InputError(f"draws={draws}, confidence={confidence}: expected draws >= 1, 0 < c < 1.")
    live, attack = _groups(scores, scores.live), _groups(scores, ~scores.live)
    if min(len(live), len(attack)) < 2:
        raise InputError(
            f"{len(live)} live and {len(attack)} attack group(s) cannot be resampled; expected at "
            "least 2 of each. Group by something finer, or report counts without this interval."
        )
    generator = np.random.default_rng(seed)
    values = np.empty(draws)
    for i in range(draws):
        rows = np.concatenate([_draw(live, generator), _draw(attack, generator)])
        values[i] = statistic(select(scores, rows))
    if not np.isfinite(values).all():
        raise InputError("The statistic is not finite on a resampled set; give one that always is.")
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    value = float(statistic(scores))
    return Interval(value, float(low), float(high), confidence, draws, len(live), len(attack))


@dataclass(frozen=True, eq=False)
class _Groups:
    rows: NDArray[np.intp]  # row numbers, group after group
    start: NDArray[np.intp]  # where each group begins in `rows`
    size: NDArray[np.intp]  # how many rows each group has

    def __len__(self) -> int:
        return len(self.size)


def _groups(scores: Scores, of_class: NDArray[np.bool_]) -> _Groups:
    rows = np.flatnonzero(of_class)
    names, which = encode(scores.group[rows])
    size = np.bincount(which, minlength=len(names))
    rows = rows[np.argsort(which, kind="stable")]
    return _Groups(rows, np.cumsum(size) - size, size)


def _draw(groups: _Groups, generator: np.random.Generator) -> NDArray[np.intp]:
    picked = generator.integers(len(groups), size=len(groups))
    size = groups.size[picked]
    ends = np.cumsum(size)
    # Position j of the output lies in picked group g at j - (ends - size)[g].
    shift = np.repeat(groups.start[picked] - (ends - size), size)
    return groups.rows[shift + np.arange(ends[-1])]
