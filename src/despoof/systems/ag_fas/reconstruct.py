"""SDEdit in the latent: noise up to a time, then down again with the field of live faces."""

import torch
from torch import Tensor

from despoof.core.errors import InputError
from despoof.diffusion.field import EpsFunction
from despoof.diffusion.grids import time_grid
from despoof.diffusion.schedule import Float64s, NoiseSchedule
from despoof.diffusion.solvers.ddim import ddim
from despoof.diffusion.solvers.dpm_solver import dpm_solver
from despoof.diffusion.solvers.points import points
from despoof.systems.ag_fas.generator_config import ReconstructConfig


def walk(settings: ReconstructConfig, schedule: NoiseSchedule) -> Float64s:
    """Return the descending times of a reconstruction, in the schedule's units (timestep + 1).

    ddim: Stable Diffusion's grid (diffusers' "leading" spacing with offset 1: timesteps 1, 21 …
    981 for 50 steps), those up to `start`; then one step to the schedule's first time, where
    Stable Diffusion's `set_alpha_to_one=False` ends, too. 801 of 50 gives 41 calls. A start
    between two of its times begins at the lower one.

    dpm-solver: `steps` calls, even in log-SNR between `start` and the first time.

    Raises:
        InputError: the grid has no time at or below `start`.
    """
    if settings.solver == "dpm-solver":
        end = float(settings.start + 1)
        return time_grid(schedule, "log-snr", settings.steps, t_min=1.0, t_max=end)[::-1]
    stride = schedule.length // settings.grid_steps
    timesteps = [1 + i * stride for i in range(settings.grid_steps)] if stride else []
    kept = [timestep for timestep in timesteps if timestep <= settings.start]
    if not kept:
        raise InputError(
            f"reconstruct.grid_steps {settings.grid_steps} leaves no step of a schedule of "
            f"{schedule.length} times; expected at most that many."
        )
    return torch.tensor([1.0, *(1.0 + t for t in kept)], dtype=torch.float64).numpy()[::-1]


def through_noise(
    latents: Tensor,
    noise: Tensor,
    eps: EpsFunction,
    schedule: NoiseSchedule,
    settings: ReconstructConfig,
) -> Tensor:
    """Return latents that were noised and decoded again.

    Args:
        latents: [B, C, H, W] of faces.
        noise: standard normal, like the latents or with one row for all.
        eps: field of live faces' latents.
        schedule: of the field.
        settings: start, grid and solver; the rest does not apply.
    """
    times = walk(settings, schedule)
    start = points(times, schedule)[0]
    noised = start.alpha * latents + start.sigma * noise
    solve = ddim if settings.solver == "ddim" else dpm_solver
    return solve(eps, noised, times, schedule)
