"""Heun's method: the mean direction of both ends. Second order, two evaluations a step."""

import itertools

from torch import Tensor

from despoof.diffusion.field import EpsFunction
from despoof.diffusion.schedule import NoiseSchedule
from despoof.diffusion.solvers.points import Times, ask, euler, points


def heun(eps: EpsFunction, x: Tensor, times: Times, schedule: NoiseSchedule) -> Tensor:
    """Integrate from times[0] to times[-1]; as `ddim`, with 2 · (len(times) − 1) evaluations."""
    for here, there in itertools.pairwise(points(times, schedule)):
        first = ask(eps, x, here)
        second = ask(eps, euler(x, first, here, there), there)
        x = euler(x, (first + second) / 2, here, there)
    return x
