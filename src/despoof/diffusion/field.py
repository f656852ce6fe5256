"""The field a solver integrates: eps(x, t) of one domain, and how often it was asked."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

EpsFunction = Callable[[Tensor, Tensor], Tensor]
"""(x [B, …], t []) -> the noise in x [B, …]; t is float64, on the CPU, in a schedule's own units.
Values of t may differ within a batch: [B]."""


@dataclass
class CountedEps:
    """An `EpsFunction` that counts its calls: `nfe`, the number of function evaluations."""

    eps: EpsFunction
    nfe: int = 0

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        """Ask the field and count."""
        self.nfe += 1
        return self.eps(x, t)
