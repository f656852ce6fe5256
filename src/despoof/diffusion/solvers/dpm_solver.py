"""DPM-Solver++ 2M: second order with one evaluation a step, by remembering the last one.

Lu et al. 2211.01095, in the predicted picture x_0 and h = the step in log(alpha / sigma), which is
negative on the way up. The first step has nothing to remember and is of first order.
"""

import itertools
import math

from torch import Tensor

from despoof.core.errors import InputError
from despoof.diffusion.field import EpsFunction
from despoof.diffusion.schedule import NoiseSchedule
from despoof.diffusion.solvers.points import Times, ask, points


def dpm_solver(eps: EpsFunction, x: Tensor, times: Times, schedule: NoiseSchedule) -> Tensor:
    """Integrate from times[0] to times[-1]; as `ddim`, with len(times) − 1 evaluations.

    Raises:
        InputError: a time is 0, where the log-SNR is infinite.
    """
    grid = points(times, schedule)
    if not all(point.sigma for point in grid):
        raise InputError("DPM-Solver++ cannot step at t = 0. Let the grid end above it, e.g. at 1.")
    before: Tensor | None = None
    step_before = 0.0
    for here, there in itertools.pairwise(grid):
        step = there.half_log_snr - here.half_log_snr
        clean = (x - here.sigma * ask(eps, x, here)) / here.alpha
        ahead = clean if before is None else clean + step / (2 * step_before) * (clean - before)
        x = there.sigma / here.sigma * x - there.alpha * math.expm1(-step) * ahead
        before, step_before = clean, step
    return x
