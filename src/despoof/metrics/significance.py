"""Is the difference between two systems more than chance, and are several of them?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from despoof.core.errors import InputError


@dataclass(frozen=True)
class McNemar:
    """The exact test on the presentations where exactly one of two systems errs.

    Attributes:
        only_first: presentations that only the first system gets wrong.
        only_second: presentations that only the second system gets wrong.
        p: two-sided; small means that the error rates differ.
    """

    only_first: int
    only_second: int
    p: float


def mcnemar(first_wrong: NDArray[np.bool_], second_wrong: NDArray[np.bool_]) -> McNemar:
    """Compare two systems' decisions on the same presentations, exactly.

    Under the null hypothesis the discordant presentations fall to either side like a fair coin. It
    takes presentations as independent: with several of one subject, prefer
    `compare.permutation_test` by groups. It weighs attacks and live alike, by their number here.

    Args:
        first_wrong: (N,) bool, the errors of one system at its threshold.
        second_wrong: (N,) bool, the errors of the other on the same presentations.

    Returns:
        p = 1 where no presentation is discordant.

    Raises:
        InputError: the arrays are not bool of one shape (N,).

    Source: McNemar 1947, Psychometrika 12:153, exact as in Fagerland et al. 2013, BMC Med Res
    Methodol 13:91.

    >>> mcnemar(np.array([True] * 6 + [False]), np.array([False] * 7)).p
    0.03125
    """
    if (
        first_wrong.ndim != 1
        or first_wrong.shape != second_wrong.shape
        or {first_wrong.dtype.kind, second_wrong.dtype.kind} != {"b"}
    ):
        raise InputError(
            f"McNemar needs two bool arrays (N,), got {first_wrong.dtype} {first_wrong.shape} and "
            f"{second_wrong.dtype} {second_wrong.shape}. Give the errors on the same presentations."
        )
    first = int(np.count_nonzero(first_wrong & ~second_wrong))
    second = int(np.count_nonzero(second_wrong & ~first_wrong))
    p = min(1.0, 2 * float(bdtr(min(first, second), first + second, 0.5)))
    return McNemar(first, second, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust several p-values so that the chance of any false alarm stays at the level.

    Args:
        p_values: of M tests, each in [0, 1]; they may depend on each other.

    Returns:
        M adjusted values in the order given, each at least as large as it was and at most 1;
        reject where the adjusted value is at most the level. Empty for no tests.

    Raises:
        InputError: a p-value is outside [0, 1].

    Source: Holm 1979, Scand. J. Statist. 6:65.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    values = np.array(p_values, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise InputError(f"{list(p_values)} are not p-values; expected numbers from 0 to 1.")
    order = np.argsort(values, kind="stable")
    steps = np.arange(len(values), 0, -1) * values[order]
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()
