"""DDIM with eta = 0: Euler's method. First order, one evaluation a step.

Song et al. 2010.02502; read backwards it encodes (DDIB, 2203.08382). This is the paper's solver.
Nothing is clipped: clipping x_0 would break the way back.
"""

import itertools

from torch import Tensor

from despoof.diffusion.field import EpsFunction
from despoof.diffusion.schedule import NoiseSchedule
from despoof.diffusion.solvers.points import Times, ask, euler, points


def ddim(eps: EpsFunction, x: Tensor, times: Times, schedule: NoiseSchedule) -> Tensor:
    """Integrate from times[0] to times[-1].

    Args:
        eps: field of one domain.
        x: state at times[0], [B, …] floating.
        times: ascending encodes, descending decodes.
        schedule: what the times mean.

    Returns:
        The state at times[-1], like x; len(times) − 1 evaluations.
    """
    for here, there in itertools.pairwise(points(times, schedule)):
        x = euler(x, ask(eps, x, here), here, there)
    return x
