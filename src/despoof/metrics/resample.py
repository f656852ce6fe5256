"""Bootstrap by groups for any statistic, with the threshold re-derived on a resampled dev set.

`bootstrap` is the plain version for any function of `Scores`; this one is some hundred times
faster, stratifies by species, knows dev sets, folds, pairs and BCa.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from despoof.core.errors import InputError
from despoof.metrics.bootstrap import Interval
from despoof.metrics.scores import Scores
from despoof.metrics.weighted import Statistic, Values, eer_threshold
from despoof.metrics.weights import Draws, Layout, Strata, lay_out

BLOCKS = 500  # units of one stratum are left out one by one up to here, beyond it in blocks
CELLS = 1_000_000  # presentations × draws held at a time


@dataclass(frozen=True, eq=False)
class Sampled:
    """A statistic and how it varies over resampled sets.

    Attributes:
        value: on the scores as they are.
        draws: (B,) on the resampled sets.
        influence: for BCa, per stratum of test and dev, (n,) how much each unit moves the
            statistic; empty where it was not asked for.
        live_groups: groups with live presentations in the test set (the sum over folds).
        attack_groups: the same for attacks.
    """

    value: float
    draws: Values
    influence: tuple[Values, ...]
    live_groups: int
    attack_groups: int


def resample(
    test: Scores,
    statistics: Mapping[str, Statistic],
    *,
    threshold: float | None = None,
    dev: Scores | None = None,
    choose: Statistic = eer_threshold,
    draws: int = 2000,
    seed: int = 0,
    strata: Strata = "species",
    influence: bool = False,
) -> dict[str, Sampled]:
    """Draw groups with replacement and measure every statistic on every draw.

    Live groups are drawn among live, attack groups within each species; so a subject may be drawn
    for live and not for print. The same seed gives the same draws of groups for every system
    scored on the same presentations: see `difference`.

    Args:
        test: N presentations; `group` is the subject, or the clip where that is not known.
        statistics: by name, from `weighted`.
        threshold: fixed, for statistics at a threshold.
        dev: instead of `threshold`: development scores, resampled too, so that the uncertainty of
            the threshold is in the interval.
        choose: from dev draws to thresholds, e.g. `weighted.far_threshold(0.01)`.
        draws: B, at least 1.
        seed: of private generators, at least 0.
        strata: "species", or "class" where a species has one group only.
        influence: also leave out units one by one (blocks of them beyond 500), which BCa needs.

    Raises:
        InputError: a class is missing; a stratum has one group; both or a non-finite threshold;
            draws < 1; seed < 0; or a statistic is not finite or needs a threshold and has none.

    Source: Davison and Hinkley 1997, §3.2 (several samples), §3.8 (clusters); Poh and Bengio 2007
    for subject-level bootstrap in biometrics.
    """
    if draws < 1 or seed < 0:
        raise InputError(f"draws={draws}, seed={seed}: expected draws >= 1 and seed >= 0.")
    if threshold is not None and (dev is not None or not np.isfinite(threshold)):
        raise InputError(f"threshold={threshold}: expected a finite number, and no dev beside it.")
    sets = [lay_out(test, strata)] + ([] if dev is None else [lay_out(dev, strata)])
    measure = _Measure(sets, statistics, threshold, choose)
    streams = [
        [np.random.default_rng([seed, number, stratum]) for stratum in range(len(layout.strata))]
        for number, layout in enumerate(sets)
    ]
    value = measure([np.ones((layout.units, 1), np.int64) for layout in sets])
    parts = [
        measure([_draw(layout, rngs, width) for layout, rngs in zip(sets, streams, strict=True)])
        for width in measure.widths(draws)
    ]
    moved = _influence(measure) if influence else {name: () for name in statistics}
    return {
        name: Sampled(
            float(value[name][0]),
            np.concatenate([part[name] for part in parts]),
            moved[name],
            *test.n_groups(),
        )
        for name in statistics
    }


def interval(
    sampled: Sampled,
    confidence: float = 0.95,
    method: Literal["percentile", "bca"] = "percentile",
) -> Interval:
    """Read an interval off the draws.

    A statistic without any spread gives an interval of no width: no proof, look at the counts.

    Args:
        sampled: from `resample`, `average` or `difference`.
        confidence: two-sided, in (0, 1).
        method: "percentile"; or "bca", corrected for bias and skewness, which needs influence.

    Raises:
        InputError: confidence outside (0, 1); another method; BCa without influence; or BCa where
            all draws lie on one side of the value (a maximum may do that): use "percentile".

    Source: Efron 1987, JASA 82:171; several samples: Davison and Hinkley 1997, eq. 5.26.
    """
    if not 0 < confidence < 1:
        raise InputError(f"Confidence {confidence} must lie between 0 and 1, e.g. 0.95.")
    tails = np.array([1 - confidence, 1 + confidence]) / 2
    if method == "bca":
        tails = _bca(sampled, tails)
    elif method != "percentile":
        raise InputError(f"method={method!r} is unknown; expected percentile or bca.")
    low, high = np.quantile(sampled.draws, tails)
    return Interval(
        value=sampled.value,
        low=float(low),
        high=float(high),
        confidence=confidence,
        draws=len(sampled.draws),
        live_groups=sampled.live_groups,
        attack_groups=sampled.attack_groups,
        method=method,
    )


def average(folds: Sequence[Sampled]) -> Sampled:
    """Mean of one statistic over folds, draw by draw: each fold was resampled by itself.

    Give every fold another seed. Folds that share subjects are taken as independent here, so the
    interval is too narrow for them.

    Raises:
        InputError: there is no fold, or their numbers of draws differ.
    """
    if not folds or len({len(fold.draws) for fold in folds}) > 1:
        raise InputError(f"{len(folds)} folds, draws {[len(f.draws) for f in folds]}: need one B.")
    share = 1 / len(folds)
    whole = all(fold.influence for fold in folds)
    return Sampled(
        sum(fold.value for fold in folds) * share,
        np.mean([fold.draws for fold in folds], axis=0),
        tuple(part * share for fold in folds for part in fold.influence) if whole else (),
        sum(fold.live_groups for fold in folds),
        sum(fold.attack_groups for fold in folds),
    )


def difference(first: Sampled, second: Sampled) -> Sampled:
    """Subtract, second - first, draw by draw.

    Both must come from `resample` with one seed on the same presentations. Then every draw has the
    same groups for both systems, and what they share cancels.

    Raises:
        InputError: the numbers of draws or groups differ.
    """
    shapes = [(len(s.draws), s.live_groups, s.attack_groups) for s in (first, second)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"(draws, live groups, attack groups) {shapes[0]} and {shapes[1]} differ; "
            "resample both systems on the same presentations with the same seed."
        )
    moved = zip(first.influence, second.influence, strict=False)
    return Sampled(
        second.value - first.value,
        second.draws - first.draws,
        tuple(b - a for a, b in moved),
        first.live_groups,
        first.attack_groups,
    )


class _Measure:
    """From weight tables of test and dev to the statistics of every draw."""

    def __init__(
        self,
        sets: list[Layout],
        statistics: Mapping[str, Statistic],
        threshold: float | None,
        choose: Statistic,
    ) -> None:
        self.sets, self.statistics = sets, statistics
        self.threshold, self.choose = threshold, choose

    def __call__(self, tables: list[NDArray[np.int64]]) -> dict[str, Values]:
        threshold: Values | None = None
        if len(tables) > 1:
            threshold = self.choose(Draws(self.sets[1], tables[1]))
        elif self.threshold is not None:
            threshold = np.full(tables[0].shape[1], self.threshold)
        drawn = Draws(self.sets[0], tables[0], threshold)
        found = {name: statistic(drawn) for name, statistic in self.statistics.items()}
        for name, values in found.items():
            if not np.isfinite(values).all():
                raise InputError(f"{name} is not finite on a resampled set; give one that is.")
        return found

    def widths(self, total: int) -> list[int]:
        """Split `total` draws so that memory stays bounded."""
        cells = max(len(s.live.score) + len(s.attack.score) for s in self.sets)
        width = max(1, min(total, CELLS // cells))
        return [width] * (total // width) + ([total % width] if total % width else [])


def _draw(layout: Layout, streams: Sequence[np.random.Generator], width: int) -> NDArray[np.int64]:
    table = np.empty((layout.units, width), np.int64)
    for (start, stop), rng in zip(layout.strata, streams, strict=True):
        n = stop - start
        picked = rng.integers(n, size=(width, n)) + n * np.arange(width)[:, None]
        table[start:stop] = np.bincount(picked.ravel(), minlength=n * width).reshape(width, n).T
    return table


def _influence(measure: _Measure) -> dict[str, tuple[Values, ...]]:
    """Leave out each unit (block) of each stratum: (n - 1) (mean of the rest - value without)."""
    found: dict[str, list[Values]] = {name: [] for name in measure.statistics}
    for number, layout in enumerate(measure.sets):
        for start, stop in layout.strata:
            n = min(stop - start, BLOCKS)
            block = np.arange(stop - start) * n // (stop - start)
            without: dict[str, list[Values]] = {name: [] for name in found}
            done = 0
            for width in measure.widths(n):
                tables = [np.ones((s.units, width), np.int64) for s in measure.sets]
                left_out = block[:, None] == done + np.arange(width)
                tables[number][start:stop][left_out] = 0
                for name, values in measure(tables).items():
                    without[name].append(values)
                done += width
            for name, parts in without.items():
                values = np.concatenate(parts)
                found[name].append((n - 1) * (values.mean() - values))
    return {name: tuple(parts) for name, parts in found.items()}


def _bca(sampled: Sampled, tails: Values) -> Values:
    if not sampled.influence:
        raise InputError("BCa needs the influence of every unit; resample with influence=True.")
    draws, value = sampled.draws, sampled.value
    below = (np.count_nonzero(draws < value) + np.count_nonzero(draws == value) / 2) / len(draws)
    if not 0 < below < 1:
        raise InputError(
            f"All draws lie on one side of {value:.4g}, so BCa has no bias correction. "
            "Use method='percentile'."
        )
    bias = ndtri(below)
    square = sum(float(np.sum(part**2)) / len(part) ** 2 for part in sampled.influence)
    cube = sum(float(np.sum(part**3)) / len(part) ** 3 for part in sampled.influence)
    skew = cube / (6 * square**1.5) if square > 0 else 0.0
    shifted = bias + ndtri(tails)
    return ndtr(bias + shifted / (1 - skew * shifted))
