"""The cheapest residual: where two fields disagree about the same noised picture. No ODE.

To first order the bridge's noise is −∫ (eps_source − eps_target) ds over s = sigma / alpha, with
both fields asked along the same path. A few log-spaced s and the rule of the rectangle in log s
give it; where the fields agree it is exactly zero (SPEC §8.2 item 6).
"""

import math

import torch
from torch import Tensor

from despoof.core.errors import InputError
from despoof.diffusion.bridge import Bridged
from despoof.diffusion.field import CountedEps, EpsFunction
from despoof.diffusion.schedule import NoiseSchedule
from despoof.diffusion.solvers.points import ask, points

SIGMAS = (0.02, 8.0)


def score_difference(
    x: Tensor,
    eps_source: EpsFunction,
    eps_target: EpsFunction,
    schedule: NoiseSchedule,
    *,
    count: int = 4,
    sigmas: tuple[float, float] = SIGMAS,
    noise: Tensor | None = None,
) -> Bridged:
    """Estimate the bridge's noise from 2 · count evaluations.

    Args:
        x: clean pictures [B, …] in [-1, 1].
        eps_source: field of all faces.
        eps_target: field of live faces.
        schedule: of both.
        count: how many noise levels; at least 2.
        sigmas: first and last sigma / alpha, within the schedule.
        noise: what pictures are noised with, broadcast against x: the same for both fields and all
            levels. None asks about alpha · x itself: exact for linear fields, but a network was
            never shown pictures with less noise than their time says.

    Returns:
        `Bridged` whose latent is empty: there is none.

    Raises:
        InputError: `count` or `sigmas` are out of range.
    """
    low, high = sigmas
    if count < 2 or not 0 < low < high:
        raise InputError(f"{count} levels from {low:g} to {high:g}: take at least 2, ascending.")
    step = math.log(high / low) / (count - 1)
    ratios = [low * math.exp(i * step) for i in range(count)]
    source, target = CountedEps(eps_source), CountedEps(eps_target)
    found = torch.zeros_like(x)
    for ratio, point in zip(
        ratios, points(schedule.t_of_noise_ratio(ratios), schedule), strict=True
    ):
        noised = point.alpha * x if noise is None else point.alpha * x + point.sigma * noise
        differ = ask(target, noised, point) - ask(source, noised, point)
        found = found + ratio * step * differ
    return Bridged(x - found, found, (), source.nfe + target.nfe)
