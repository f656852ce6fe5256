"""The way of training: pictures with noise, and what a network is asked to say of them."""

from typing import Literal

from torch import Tensor

from despoof.core.errors import InputError
from despoof.diffusion.schedule import NoiseSchedule

Prediction = Literal["eps", "v"]


def add_noise(schedule: NoiseSchedule, x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Return x_t = alpha x + sigma noise.

    Args:
        schedule: of the times.
        x: clean pictures [B, …] in [-1, 1].
        noise: like x, standard normal.
        t: [B], or one for all.
    """
    if noise.shape != x.shape:
        raise InputError(f"Noise of {tuple(noise.shape)} does not fit pictures {tuple(x.shape)}.")
    alpha, sigma = schedule.at(t, x)
    return alpha * x + sigma * noise


def training_target(
    schedule: NoiseSchedule, x: Tensor, noise: Tensor, t: Tensor, prediction: Prediction
) -> Tensor:
    """Return what a network of this prediction should give: the noise, or v.

    v = alpha noise − sigma x (Salimans & Ho 2202.00512): the picture where there is much noise, the
    noise where there is little.
    """
    if prediction == "eps":
        return noise
    alpha, sigma = schedule.at(t, x)
    return alpha * noise - sigma * x


def eps_from(
    schedule: NoiseSchedule, said: Tensor, x: Tensor, t: Tensor, prediction: Prediction
) -> Tensor:
    """Return the noise in x_t that a network's answer means; like x.

    Args:
        schedule: of the times.
        said: the network's answer, like x.
        x: the noised picture [B, …].
        t: [B], or one for all.
        prediction: what the network was trained to say.
    """
    if prediction == "eps":
        return said
    alpha, sigma = schedule.at(t, x)
    return alpha * said + sigma * x


def clean_from(schedule: NoiseSchedule, eps: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """Return the clean picture that x_t is, if `eps` is the noise in it; not clipped."""
    alpha, sigma = schedule.at(t, x)
    return (x - sigma * eps) / alpha
