"""Several folds in one figure: mean ± standard deviation, as OULU-NPU and SiW print it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from despoof.core.errors import InputError


@dataclass(frozen=True)
class FoldMean:
    """A figure over folds.

    Attributes:
        mean: unweighted mean over folds, in the unit of the values.
        sd: standard deviation over folds; None for a single fold with ddof = 1.
        ddof: what n is lessened by under the root: 1 for a sample, 0 for `numpy.std`'s default.
        values: the folds, in order.
    """

    mean: float
    sd: float | None
    ddof: int
    values: tuple[float, ...]

    def __str__(self) -> str:
        """Print rates as papers do, in percent with one digit: 4.2 ± 1.9."""
        sd = "n/a" if self.sd is None else f"{100 * self.sd:.1f}"
        return f"{100 * self.mean:.1f} ± {sd}"


def over_folds(values: Sequence[float], ddof: int = 1) -> FoldMean:
    """Mean and standard deviation of one figure over folds.

    The sd says how much the folds differ; it is no standard error and no interval, for the folds
    share their training clips. OULU-NPU (protocols 3 and 4) and SiW (2 and 3) do not say which
    ddof they print; for six folds ddof = 0 is 9 % smaller.

    Args:
        values: one finite number per fold, at least one.
        ddof: 0 or 1.

    Raises:
        InputError: there is no fold, a value is not finite, or ddof is another number.

    >>> str(over_folds([0.02, 0.04, 0.06]))
    '4.0 ± 2.0'
    """
    folds = tuple(float(value) for value in values)
    if not folds or not all(math.isfinite(value) for value in folds):
        raise InputError(f"Folds {folds} have no mean; expected at least one, all finite.")
    if ddof not in (0, 1):
        raise InputError(f"ddof={ddof} is no convention in use; expected 1 (sample) or 0.")
    mean = math.fsum(folds) / len(folds)
    if len(folds) <= ddof:
        return FoldMean(mean, None, ddof, folds)
    square = math.fsum((value - mean) ** 2 for value in folds) / (len(folds) - ddof)
    return FoldMean(mean, math.sqrt(square), ddof, folds)


def fold_table(folds: Sequence[Mapping[str, float]], ddof: int = 1) -> dict[str, FoldMean]:
    """Aggregate several figures at once, e.g. APCER, BPCER and ACER of each fold.

    ACER_max over folds is the mean of the folds' ACER, not the mean of the mean APCER and BPCER
    of another species.

    Raises:
        InputError: there is no fold, or one has other names than the first; see `over_folds`.
    """
    if not folds:
        raise InputError("There are no folds to aggregate; give at least one.")
    names = list(folds[0])
    for number, fold in enumerate(folds):
        if set(fold) != set(names):
            raise InputError(
                f"Fold {number} has {sorted(fold)}, fold 0 has {sorted(names)}. "
                "Measure the same figures in every fold."
            )
    return {name: over_folds([fold[name] for fold in folds], ddof) for name in names}
