"""How much of the picture is left at a time: alpha, sigma, log-SNR and the ways back.

x_t = alpha(t) · x_0 + sigma(t) · noise with alpha² + sigma² = 1 ("variance preserving"). Time runs
from 0 (the clean picture) to `length` (noise) and is continuous; at an integer t ≥ 1 it is what
diffusers calls timestep t − 1. Between integers log alpha² is linear, so that every inverse is a
closed form. All inside is float64.
"""

import math
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator
from torch import Tensor

from despoof.core.config import StrictConfig
from despoof.core.errors import InputError

Float64s = NDArray[np.float64]
_COSINE_OFFSET = 0.008  # Nichol & Dhariwal 2021, as in diffusers' squaredcos_cap_v2
_COSINE_MAX_BETA = 0.999


class NoiseSchedule(StrictConfig):
    """A variance-preserving schedule; the defaults are DDPM's."""

    kind: Literal["linear", "cosine", "scaled-linear"] = "linear"
    length: int = Field(default=1000, ge=2, description="T: integer times 1 … T")
    beta_start: float = Field(default=1e-4, gt=0, lt=1, description="unused by cosine")
    beta_end: float = Field(default=2e-2, gt=0, lt=1, description="unused by cosine")

    @model_validator(mode="after")
    def _rising(self) -> "NoiseSchedule":
        if self.beta_start > self.beta_end:
            raise ValueError(f"beta_start {self.beta_start} is above beta_end {self.beta_end}")
        return self

    def betas(self) -> Float64s:
        """Return the (length,) betas; `betas()[t - 1]` leads from t − 1 to t."""
        if self.kind == "linear":
            return np.linspace(self.beta_start, self.beta_end, self.length)
        if self.kind == "scaled-linear":
            return np.linspace(self.beta_start**0.5, self.beta_end**0.5, self.length) ** 2
        share = np.arange(self.length + 1) / self.length
        kept = np.cos((share + _COSINE_OFFSET) / (1 + _COSINE_OFFSET) * math.pi / 2) ** 2
        return np.minimum(1 - kept[1:] / kept[:-1], _COSINE_MAX_BETA)

    @cached_property
    def _table(self) -> Float64s:
        """Give −log alpha² at the integer times 0 … length: 0, then rising."""
        return np.concatenate([[0.0], np.cumsum(-np.log1p(-self.betas()))])

    def alpha(self, t: ArrayLike) -> Float64s:
        """Return the share of the picture in x_t, in (0, 1]."""
        return np.exp(-0.5 * self._loss(t))

    def sigma(self, t: ArrayLike) -> Float64s:
        """Return the standard deviation of the noise in x_t, in [0, 1)."""
        return np.sqrt(-np.expm1(-self._loss(t)))

    def noise_ratio(self, t: ArrayLike) -> Float64s:
        """Return sigma / alpha: the noise beside a picture of full strength (EDM's sigma)."""
        return np.sqrt(np.expm1(self._loss(t)))

    def log_snr(self, t: ArrayLike) -> Float64s:
        """Return log(alpha² / sigma²): falling, infinite at t = 0."""
        with np.errstate(divide="ignore"):
            return -np.log(np.expm1(self._loss(t)))

    def t_of_alpha(self, alpha: ArrayLike) -> Float64s:
        """Return the time at which alpha has a value; `InputError` if it never has."""
        with np.errstate(divide="ignore"):
            return self._time(-2 * np.log(_within(alpha, "alpha", 0, 1)))

    def t_of_sigma(self, sigma: ArrayLike) -> Float64s:
        """Return the time at which sigma has a value; `InputError` if it never has."""
        with np.errstate(divide="ignore"):
            return self._time(-np.log1p(-(_within(sigma, "sigma", 0, 1) ** 2)))

    def t_of_noise_ratio(self, ratio: ArrayLike) -> Float64s:
        """Return the time at which sigma / alpha has a value; `InputError` if it never has."""
        return self._time(np.log1p(_within(ratio, "sigma / alpha", 0, math.inf) ** 2))

    def t_of_log_snr(self, log_snr: ArrayLike) -> Float64s:
        """Return the time at which the log-SNR has a value; `InputError` if it never has."""
        return self._time(np.logaddexp(0.0, -_within(log_snr, "log-SNR", -math.inf, math.inf)))

    def at(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return alpha and sigma as tensors that multiply a batch.

        Args:
            t: times, [B] or a single one without dimensions; best kept on the CPU.
            like: [B, …]; gives the dtype, the device and the number of dimensions.
        """
        times = t.detach().to("cpu", torch.float64).numpy()
        shape = (*t.shape, *[1] * (like.ndim - t.ndim))
        alpha, sigma = (
            torch.as_tensor(values).to(like.device, like.dtype).reshape(shape)
            for values in (self.alpha(times), self.sigma(times))
        )
        return alpha, sigma

    def _loss(self, t: ArrayLike) -> Float64s:
        times = _within(t, "time", 0, self.length)
        return np.interp(times, np.arange(self.length + 1), self._table)

    def _time(self, loss: Float64s) -> Float64s:
        last = float(self._table[-1])
        # A value that was computed from the last time may lie a rounding beyond it.
        if np.any(loss > last * (1 + 1e-9)):
            worst, limit = (float(np.expm1(value)) ** 0.5 for value in (loss.max(), last))
            raise InputError(
                f"sigma / alpha = {worst:.6g} is never reached: this schedule ends at {limit:.6g}. "
                "Ask for less noise."
            )
        return np.interp(loss, self._table, np.arange(self.length + 1))


def _within(values: ArrayLike, name: str, low: float, high: float) -> Float64s:
    array = np.asarray(values, np.float64)
    bad = ~((array >= low) & (array <= high))  # NaN is bad too
    if np.any(bad):
        raise InputError(
            f"{name} {float(array[bad].ravel()[0]):g} is outside {low:g} … {high:g}. "
            "Check the value."
        )
    return array
