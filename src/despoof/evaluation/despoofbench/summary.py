"""From the results of many pairs to a row: medians with intervals over people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.evaluation.despoofbench.run import PairResult
from despoof.metrics.codes import encode
from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores

Values = NDArray[np.float64]

FEWEST = 5
"""Pairs with a figure (e.g. with a spectral peak) below which its median says nothing."""


@dataclass(frozen=True)
class Figure:
    """A summary with its bootstrap interval.

    Attributes:
        value: on the pairs as they are.
        low, high: 95 %, people drawn with replacement; NaN with fewer than two people.
        n: pairs that have the figure.
    """

    value: float
    low: float
    high: float
    n: int


# name -> (value of a pair, quantile; None = mean)
FIGURES: Mapping[str, tuple[Callable[[PairResult], float], float | None]] = {
    "correlation": (lambda r: r.figures.correlation, 0.5),
    "correlation_p5": (lambda r: r.figures.correlation, 0.05),
    "relative_l2": (lambda r: r.figures.relative_l2, 0.5),
    "peak_kept_db": (lambda r: r.figures.peak_kept, 0.5),
    "psnr_db": (lambda r: r.figures.psnr, 0.5),
    "ssim": (lambda r: r.figures.ssim, 0.5),
    "live_residual": (lambda r: r.residual, None),
    "attack_size": (lambda r: r.attack_size, None),
}


def summarise(
    results: Sequence[PairResult], *, bands: bool = True, draws: int = 1000, seed: int = 0
) -> dict[str, Figure]:
    """Summarise one method on some pairs.

    The same (people, draws, seed) gives the same draws for every method.

    Args:
        results: at least one.
        bands: also the ratio and correlation of each octave, `band_0`, `band_correlation_0`, …
        draws: bootstrap draws of people.
        seed: of the private generator.

    Raises:
        InputError: there is no result.
    """
    if not results:
        raise InputError("No pair was measured; nothing can be summarised.")
    table = {name: ([get(r) for r in results], q) for name, (get, q) in FIGURES.items()}
    if bands:
        octaves = {
            "band": [r.figures.bands for r in results],
            "band_correlation": [r.figures.band_correlation for r in results],
        }
        for name, rows in octaves.items():
            for i, column in enumerate(zip(*rows, strict=True)):
                table[f"{name}_{i}"] = (list(column), 0.5)
    drawn = _Draws([r.person for r in results], draws, seed)
    return {name: drawn.figure(np.array(values), q) for name, (values, q) in table.items()}


def separations(results: Sequence[PairResult]) -> dict[str, float | None]:
    """AUC of live controls against recaptures: by the score, and by the size of the noise alone.

    0.5 is chance; ties count half. None for a score that does not exist.
    """
    live = np.repeat([True, False], len(results))
    size = [-r.residual for r in results] + [-r.attack_size for r in results]
    found: dict[str, float | None] = {"auc_noise": auc(make_scores(np.array(size), live))}
    scores = [r.live_score for r in results] + [r.attack_score for r in results]
    known = [score for score in scores if score is not None]
    found["auc_score"] = (
        auc(make_scores(np.array(known), live)) if len(known) == len(scores) else None
    )
    return found


class _Draws:
    """The same draws of people for every figure."""

    def __init__(self, people: Sequence[str], draws: int, seed: int) -> None:
        names, which = encode(np.array(people))
        order = np.argsort(which, kind="stable")
        size = np.bincount(which, minlength=len(names))
        slot = np.arange(len(which)) - np.repeat(np.cumsum(size) - size, size)
        self.place = (which[order], slot)
        self.order, self.shape = order, (len(names), int(size.max()))
        generator = np.random.default_rng(seed)
        self.picks = generator.integers(len(names), size=(draws, len(names)))

    def figure(self, values: Values, quantile: float | None) -> Figure:
        n = int(np.isfinite(values).sum())
        if n < min(FEWEST, max(1, len(values))):
            return Figure(np.nan, np.nan, np.nan, n)
        grid = np.full(self.shape, np.nan)  # person, picture; ragged ends are NaN
        grid[self.place] = values[self.order]
        value = float(_statistic(grid.reshape(1, -1), quantile)[0])
        if self.shape[0] < 2:
            return Figure(value, np.nan, np.nan, n)
        drawn = _statistic(grid[self.picks].reshape(len(self.picks), -1), quantile)
        low, high = np.quantile(drawn[np.isfinite(drawn)], [0.025, 0.975])
        return Figure(value, float(low), float(high), n)


def _statistic(rows: Values, quantile: float | None) -> Values:
    """Quantile (linear between neighbours) or mean of each row, NaN left out; NaN if all are."""
    count = np.isfinite(rows).sum(axis=1)
    if quantile is None:
        total = np.nansum(rows, axis=1)
        return np.divide(total, count, out=np.full(len(rows), np.nan), where=count > 0)
    ranked = np.sort(rows, axis=1)  # NaN last
    at = quantile * np.maximum(count - 1, 0)
    below = np.floor(at).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    i = np.arange(len(rows))
    return ranked[i, below] + (at - below) * (ranked[i, above] - ranked[i, below])
