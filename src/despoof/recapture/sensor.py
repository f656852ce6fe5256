"""The sensor: square pixels behind a colour mosaic, gain, shot and read noise, quantisation."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.recapture.light import Light
from despoof.recapture.resample import averaged, blur

Raw = NDArray[np.float32]
"""(H, W) one value a pixel behind an RGGB mosaic, or (H, W, 3) without one; full scale 1."""

PEDESTAL = 1 / 16
"""How far below 0 a raw value may lie, as the black level of real sensors allows."""

_TARGET = 0.25  # what an automatic exposure makes of the mean


class SensorParams(StrictConfig):
    """One sensor and one exposure.

    Attributes:
        mosaic: False = every pixel sees all three colours.
        fill: side of the part of a pixel that sees light.
        lowpass: Gaussian sigma of the optical low-pass, pixels.
        exposure: gain.
        metering: 0 = `exposure` alone, 1 = the mean is brought to mid grey before.
        shot: a of the noise's variance a I + b; I is the signal, full scale 1.
        read: b.
        bits: of the converter.
        sensitivity: of the red and the blue pixels, green = 1: what they miss is amplified later.
        crosstalk: how much a pixel sees of the other two colours.
    """

    mosaic: bool = True
    fill: float = Field(default=1.0, gt=0, le=1)
    lowpass: float = Field(default=0.0, ge=0, le=2)
    exposure: float = Field(default=1.0, gt=0, le=16)
    metering: float = Field(default=0.0, ge=0, le=1)
    shot: float = Field(default=0.0, ge=0, le=0.1)
    read: float = Field(default=0.0, ge=0, le=0.01)
    bits: int = Field(default=12, ge=8, le=16)
    sensitivity: tuple[float, float] = (1.0, 1.0)
    crosstalk: float = Field(default=0.0, ge=0, le=0.8)


def expose(
    light: Light, params: SensorParams, rng: np.random.Generator, *, oversampling: int = 2
) -> Raw:
    """Turn (H, W, 3) light of the canvas into raw values of a sensor 1 / oversampling as large."""
    if params.lowpass:
        sigma = params.lowpass * oversampling
        light = blur(light, sigma)
    seen = area_sample(light, oversampling, params.fill)
    gain = params.exposure
    if params.metering:
        mean = max(float(seen.mean()), 1e-4)
        gain *= float(np.clip((_TARGET / mean) ** params.metering, 0.2, 6))
    seen = seen @ _colours(params).T * np.float32(gain)
    raw = mosaic(seen) if params.mosaic else seen
    spread = np.sqrt(params.shot * np.clip(raw, 0, 1) + params.read)
    raw = raw + spread * rng.standard_normal(raw.shape, dtype=np.float32)
    levels = 2**params.bits - 1
    return (np.rint(np.clip(raw, -PEDESTAL, 1) * levels) / levels).astype(np.float32)


def area_sample(light: Light, factor: int, fill: float = 1.0) -> Light:
    """Average the middle `fill` of every block of factor × factor samples.

    Samples at the rim of that middle count by the part that lies in it; below three samples a side
    there is no narrower middle, and the whole block is averaged.
    """
    edges = np.arange(factor + 1) / factor - 0.5
    reach = np.clip(edges, -fill / 2, fill / 2)
    weights = np.diff(reach) / fill
    size = light.shape[0] // factor, light.shape[1] // factor
    if np.ptp(weights) < 1e-6:
        return averaged(light, size)
    blocks = light.reshape(size[0], factor, size[1], factor, -1)
    return np.einsum("yixjc,i,j->yxc", blocks, weights, weights).astype(np.float32)


def mosaic(seen: Light) -> Raw:
    """Keep one colour a pixel: red and green in even rows, green and blue in odd ones."""
    raw = seen[..., 1].copy()
    raw[0::2, 0::2] = seen[0::2, 0::2, 0]
    raw[1::2, 1::2] = seen[1::2, 1::2, 2]
    return raw


def to_linear(params: SensorParams) -> NDArray[np.float32]:
    """The 3×3 matrix that turns white-balanced colours of this sensor into linear sRGB."""
    return np.linalg.inv(_mixing(params)).astype(np.float32)


def white_gains(params: SensorParams) -> NDArray[np.float32]:
    """Gains of red, green and blue that make white neutral again."""
    return np.array([1 / params.sensitivity[0], 1, 1 / params.sensitivity[1]], np.float32)


def _mixing(params: SensorParams) -> NDArray[np.float32]:
    mix = (1 - params.crosstalk) * np.eye(3) + params.crosstalk / 3
    return mix.astype(np.float32)


def _colours(params: SensorParams) -> NDArray[np.float32]:
    return _mixing(params) / white_gains(params)[:, None]
