"""The order of every solver, observed: by what the error falls when the step is halved."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from despoof.diffusion.analytic import exact_encoding
from despoof.diffusion.grids import time_grid
from despoof.diffusion.solver_toy import ToyBridge
from despoof.diffusion.solvers.registry import SOLVERS, SolverName

ORDERS: dict[SolverName, int] = {
    "ddim": 1,
    "heun": 2,
    "dpm-solver": 2,
    "inverse-ddim": 1,
    "o-belm": 2,
}
"""What theory says: the error falls by 2^order."""


@dataclass(frozen=True)
class OrderRow:
    """One solver, one way, on a log-SNR grid in fp64."""

    method: SolverName
    way: Literal["encode", "decode"]
    steps: int
    """Of the coarser of the two runs."""
    error: float
    """Of the coarser run: ‖state − exact state‖ / ‖exact state‖."""
    ratio: float
    """By what twice the steps divide it."""


def order_rows(toy: ToyBridge, steps: int = 80) -> Iterator[OrderRow]:
    """Encode a recapture with the field of all faces, decode its exact latent with it.

    Args:
        toy: the analytic world.
        steps: of the coarser run; the finer has twice as many.
    """
    for method in SOLVERS:
        for way in ("encode", "decode"):
            coarse, fine = (_error(toy, method, way, n) for n in (steps, 2 * steps))
            yield OrderRow(method, way, steps, coarse, coarse / fine)


def _error(toy: ToyBridge, method: SolverName, way: str, steps: int) -> float:
    times = time_grid(toy.schedule, "log-snr", steps)
    gain = torch.as_tensor(exact_encoding(toy.spectra.all, toy.schedule, t_min=float(times[0])))
    start, exact = toy.picture, toy.picture * gain
    if way == "decode":
        start, exact, times = exact, start, times[::-1].copy()
    found = SOLVERS[method](toy.source, (start,), times, toy.schedule)[0]
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))
