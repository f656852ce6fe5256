"""The lens: what it blurs, darkens and scatters. Its distortion is applied where geometry samples.

Widths are in sensor pixels and hold on a canvas `oversampling` times finer.
"""

import math
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.recapture.light import Light
from despoof.recapture.resample import blur, dimmed

_LARGEST_KERNEL = (
    11  # cv2 filters directly up to here; wider disks become Gaussians of equal spread
)


class OpticsParams(StrictConfig):
    """One lens, focused more or less well, and a hand that shakes.

    Attributes:
        defocus: standard deviation of the blur spot along one axis, sensor pixels.
        spot: its form.
        sharpness: Gaussian sigma of diffraction and aberrations, sensor pixels.
        motion: length of the shake during the exposure, sensor pixels.
        motion_angle: its direction, degrees.
        distortion: radial term k1, see geometry.look.
        vignetting: tangent of the field angle at the frame's corner; light falls with cos⁴.
        flare: share of the light that is scattered over the whole frame.
    """

    defocus: float = Field(default=0.0, ge=0, le=10)
    spot: Literal["gaussian", "disk"] = "gaussian"
    sharpness: float = Field(default=0.0, ge=0, le=3)
    motion: float = Field(default=0.0, ge=0, le=32)
    motion_angle: float = 0.0
    distortion: float = Field(default=0.0, ge=-0.2, le=0.2)
    vignetting: float = Field(default=0.0, ge=0, le=1)
    flare: float = Field(default=0.0, ge=0, le=0.5)


def through_lens(
    light: Light, params: OpticsParams, rng: np.random.Generator, *, oversampling: int = 2
) -> Light:
    """Pass (H, W, 3) linear light of the canvas through a lens; nothing here is left to chance."""
    del rng
    gaussian, kernel = spread(params, oversampling)
    if kernel is not None:
        found = cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
        light = np.asarray(found, np.float32)
    if params.motion * oversampling > _LARGEST_KERNEL - 1:
        light = _shake(light, params.motion * oversampling, math.radians(params.motion_angle))
    if gaussian > 0.2:
        light = blur(light, gaussian)
    if params.vignetting:
        light = dimmed(light, _falloff((light.shape[0], light.shape[1]), params.vignetting))
    if params.flare:
        mean = np.array(cv2.mean(light)[:3]) * params.flare
        light = light * np.float32(1 - params.flare) + mean.astype(np.float32)
    return light.astype(np.float32, copy=False)


def spread(params: OpticsParams, oversampling: int) -> tuple[float, NDArray[np.float32] | None]:
    """The point spread on the canvas: sigma of its Gaussian part, and a kernel for the rest."""
    variance = (params.sharpness * oversampling) ** 2
    kernel: NDArray[np.float32] | None = None
    radius = 2 * params.defocus * oversampling  # a disk of radius R spreads R / 2 along an axis
    if params.spot == "gaussian" or not 0.7 < radius < (_LARGEST_KERNEL - 1) / 2:
        variance += (params.defocus * oversampling) ** 2
    else:
        kernel = _disk(radius)
    length = params.motion * oversampling
    if 0.3 < length <= _LARGEST_KERNEL - 1:
        line = _line(length, math.radians(params.motion_angle))
        kernel = line if kernel is None else _chain(kernel, line)
    return math.sqrt(variance), kernel


def _chain(one: NDArray[np.float32], two: NDArray[np.float32]) -> NDArray[np.float32]:
    pad = two.shape[0] // 2
    wide = np.pad(one, pad)
    return np.asarray(cv2.filter2D(wide, -1, two, borderType=cv2.BORDER_CONSTANT), np.float32)


def _disk(radius: float) -> NDArray[np.float32]:
    """A disk with a soft edge of one sample, sum 1."""
    half = math.ceil(radius)
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    disk = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return (disk / disk.sum()).astype(np.float32)


def _line(length: float, angle: float) -> NDArray[np.float32]:
    """A line through the middle, spread bilinearly over the samples it crosses, sum 1."""
    half = math.ceil(length / 2) + 1
    along = np.linspace(-length / 2, length / 2, 4 * math.ceil(length) + 1)
    x, y = along * math.cos(angle) + half, along * math.sin(angle) + half
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    for dy in (0, 1):
        for dx in (0, 1):
            weight = (1 - np.abs(x - x0 - dx)) * (1 - np.abs(y - y0 - dy))
            np.add.at(
                kernel, (np.minimum(y0 + dy, 2 * half), np.minimum(x0 + dx, 2 * half)), weight
            )
    return kernel / kernel.sum()


def _shake(light: Light, length: float, angle: float) -> Light:
    """A long line, by halving: the mean of two copies length / 2 apart, and so on."""
    size = light.shape[1::-1]
    step = length / 4
    while step > 0.25:
        dx, dy = step * math.cos(angle), step * math.sin(angle)
        both = [
            cv2.warpAffine(
                light,
                np.array([[1, 0, sign * dx], [0, 1, sign * dy]], np.float64),
                size,
                borderMode=cv2.BORDER_REFLECT_101,
            )
            for sign in (-1, 1)
        ]
        light = np.asarray(cv2.addWeighted(both[0], 0.5, both[1], 0.5, 0), np.float32)
        step /= 2
    return light


def _falloff(size: tuple[int, int], tangent: float) -> NDArray[np.float32]:
    """cos⁴ of the field angle, (H, W)."""
    height, width = size
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height - 0.5) * height
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width - 0.5) * width
    corner = (height**2 + width**2) / 4
    square = (x * x)[None] + (y * y)[:, None]
    return ((1 + square * np.float32(tangent**2 / corner)) ** -2).astype(np.float32)
