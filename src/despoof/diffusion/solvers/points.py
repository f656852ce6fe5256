"""What every solver needs of a time: alpha, sigma, their ratio; and one question to the field.

In y = x / alpha and s = sigma / alpha the probability-flow ODE is dy/ds = eps(x, t): solvers differ
only in how they integrate that. Coefficients are Python floats (float64), so the state keeps its
own dtype, and a step costs no copy to a device.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from despoof.core.errors import InputError
from despoof.diffusion.field import EpsFunction
from despoof.diffusion.schedule import NoiseSchedule

Times = Sequence[float] | NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """A time and what its schedule says of it."""

    t: float
    alpha: float
    sigma: float

    @property
    def ratio(self) -> float:
        """Return sigma / alpha."""
        return self.sigma / self.alpha

    @property
    def half_log_snr(self) -> float:
        """Return log(alpha / sigma): infinite at t = 0."""
        return math.log(self.alpha / self.sigma) if self.sigma else math.inf


def points(times: Times, schedule: NoiseSchedule) -> list[Point]:
    """Return one point for each time.

    Raises:
        InputError: fewer than two times, not strictly ascending or descending, or outside the
            schedule.
    """
    grid = np.asarray(times, np.float64)
    steps = np.diff(grid) if grid.ndim == 1 else np.zeros(0)
    if not len(steps) or not (np.all(steps > 0) or np.all(steps < 0)):
        raise InputError(
            f"Times {np.array2string(grid, precision=4, threshold=8)} do not lead anywhere. Give "
            "at least two, strictly ascending (encode) or descending (decode)."
        )
    facts = zip(grid, schedule.alpha(grid), schedule.sigma(grid), strict=True)
    return [Point(float(t), float(alpha), float(sigma)) for t, alpha, sigma in facts]


def ask(eps: EpsFunction, x: Tensor, point: Point) -> Tensor:
    """Return the noise in x at a point, in x's dtype.

    Raises:
        InputError: x is not floating, or the field's answer has another shape.
    """
    if not x.is_floating_point():
        raise InputError(f"The state is {x.dtype}, expected floats in [-1, 1]. Convert it first.")
    noise = eps(x, torch.tensor(point.t, dtype=torch.float64))
    if noise.shape != x.shape:
        raise InputError(
            f"eps gave {tuple(noise.shape)} for a state of {tuple(x.shape)}. They must be alike."
        )
    return noise.to(x.dtype)


def euler(x: Tensor, noise: Tensor, here: Point, there: Point) -> Tensor:
    """Follow one direction from a point to another: the DDIM step of eta = 0, either way."""
    kept = there.alpha / here.alpha
    return kept * x + (there.sigma - kept * here.sigma) * noise
