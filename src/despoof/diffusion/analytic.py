"""A world in which the bridge is known exactly: Gaussian pictures, frequency by frequency.

If each coefficient of a picture (in an orthonormal basis) is Gaussian with variance S, then the
best guess of the noise is sigma x / (alpha² S + sigma²), and the probability-flow ODE scales x by
the ratio of its standard deviations. A bridge between two such worlds is a filter (SPEC §8.3).
Solvers are judged by that truth, which no solver made.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from despoof.core.errors import InputError
from despoof.diffusion.field import EpsFunction
from despoof.diffusion.schedule import Float64s, NoiseSchedule

# SPEC §8.3 gives shapes, not the last two figures; these give its error of 50 + 50 steps.
MOIRE_AT, MOIRE_WIDTH, MOIRE_PEAK, NOISE_FLOOR = (35.0, 12.0), 1.5, 0.5, 1e-3
LIVE_SHARE = 0.25


@dataclass(frozen=True)
class ToySpectra:
    """Variance of each coefficient, [size, size] float64, by frequency in cycles a picture."""

    live: Float64s
    attack: Float64s

    @property
    def all(self) -> Float64s:
        """Return the mixture's: 25 % live."""
        return LIVE_SHARE * self.live + (1 - LIVE_SHARE) * self.attack


def toy_spectra(size: int = 128) -> ToySpectra:
    """Return faces (k^−2.2, pixel variance .25) and their recaptures (blurred, moiré, noise).

    Raises:
        InputError: the size is below 8 px.
    """
    if size < 8:
        raise InputError(f"A toy picture of {size} px has too few frequencies. Take at least 8.")
    steps = np.fft.fftfreq(size, 1 / size)
    across, down = np.meshgrid(steps, steps)
    k = np.hypot(across, down)
    live = np.maximum(k, 1) ** -2.2
    live *= 0.25 * size**2 / live.sum()
    (u, v), width = MOIRE_AT, MOIRE_WIDTH
    moire = sum(
        np.exp(-((across - a) ** 2 + (down - b) ** 2) / (2 * width**2))
        for a, b in ((u, v), (-u, -v))
    )
    attack = live * np.exp(-2 * (k / 45) ** 2) * 0.85 + MOIRE_PEAK * moire + NOISE_FLOOR
    return ToySpectra(live, attack)


def analytic_eps(spectrum: Float64s, schedule: NoiseSchedule) -> EpsFunction:
    """Return the exact field of Gaussian coefficients with these variances (> 0).

    Args:
        spectrum: broadcast against the state's last dimensions.
        schedule: of the times.
    """
    if not (np.all(np.isfinite(spectrum)) and np.all(spectrum > 0)):
        raise InputError("A spectrum has values that are not above 0. Variances must be.")
    variance = torch.as_tensor(spectrum, dtype=torch.float64)

    def eps(x: Tensor, t: Tensor) -> Tensor:
        alpha, sigma = schedule.at(t, x.double())
        gain = sigma / (alpha**2 * variance.to(x.device) + sigma**2)
        return (gain * x.double()).to(x.dtype)

    return eps


def exact_encoding(
    spectrum: Float64s, schedule: NoiseSchedule, *, t_min: float = 0.0, t_max: float | None = None
) -> Float64s:
    """Return by what the exact ODE multiplies a coefficient from `t_min` up to `t_max`."""
    end = schedule.length if t_max is None else t_max
    first, last = (schedule.alpha(t) ** 2 * spectrum + schedule.sigma(t) ** 2 for t in (t_min, end))
    return np.sqrt(last / first)


def exact_bridge(
    source: Float64s,
    target: Float64s,
    schedule: NoiseSchedule,
    *,
    t_min: float = 0.0,
    t_max: float | None = None,
) -> Float64s:
    """Return by what the exact bridge multiplies a coefficient.

    With `t_min` 0 and `t_max` far up this is sqrt(target / source): what colours one world's
    noise like the other's.
    """
    up = exact_encoding(source, schedule, t_min=t_min, t_max=t_max)
    return up / exact_encoding(target, schedule, t_min=t_min, t_max=t_max)
