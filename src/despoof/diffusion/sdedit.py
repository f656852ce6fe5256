"""SDEdit: bury what differs in fresh noise, then decode with the field of live faces.

Meng et al. 2108.01073. Not a bijection, so it can leave live faces where they are (SPEC §1.7 item
4); but fine detail below the noise is invented anew.
"""

import torch
from torch import Tensor

from despoof.core.errors import InputError
from despoof.diffusion.bridge import BridgeConfig, Bridged
from despoof.diffusion.field import CountedEps, EpsFunction
from despoof.diffusion.schedule import NoiseSchedule
from despoof.diffusion.solvers.points import points
from despoof.diffusion.solvers.registry import SOLVERS

DEFAULT = BridgeConfig(solver="dpm-solver", steps=10, t_max=300.0)


def sdedit(
    x: Tensor,
    eps_target: EpsFunction,
    schedule: NoiseSchedule,
    noise: Tensor,
    config: BridgeConfig = DEFAULT,
) -> Bridged:
    """Noise pictures up to `config.t_max` at once and decode them; one evaluation a step or two.

    Args:
        x: clean pictures [B, …] in [-1, 1].
        eps_target: field of live faces.
        schedule: of the field.
        noise: standard normal, like x: the caller's, so that the same seed gives the same face.
        config: of the decoding; `against` does not apply.

    Raises:
        InputError: the noise is not like x.
    """
    if noise.shape != x.shape or noise.dtype != x.dtype:
        raise InputError(
            f"Noise is {noise.dtype} {tuple(noise.shape)}, pictures are {x.dtype} "
            f"{tuple(x.shape)}. Draw it with torch.randn_like."
        )
    times = config.times(schedule)
    end = points(times, schedule)[-1]
    target = CountedEps(eps_target)
    state = x.to(torch.float64 if config.precision == "fp64" else torch.float32)
    latent = (end.alpha * state + end.sigma * noise,)
    genuine = SOLVERS[config.solver](target, latent, times[::-1], schedule)[0]
    return Bridged(genuine, state - genuine, latent, target.nfe)
