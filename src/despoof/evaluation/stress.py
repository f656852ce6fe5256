"""A stressed twin of a face crop: the same camera trouble for live and attack.

A test set whose classes differ in focus, noise or compression rewards a system for seeing just
that. Its twin gives both classes the same random blur, resolution, exposure, colour, noise and
JPEG. All of it follows from (seed, path) alone, so every system is judged on the same pixels, and
the class is not known here.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures

from despoof.core.device import seed_of
from despoof.core.errors import InputError
from despoof.core.types import Image


@dataclass(frozen=True)
class StressRanges:
    """Uniform ranges (low, high) that each picture's stress is drawn from; moderately strong.

    Attributes:
        blur: sigma of a Gaussian, px of a 128-px crop; scaled with the crop's side.
        downscale: factor of the side; the picture is brought back to its size at the end.
        exposure: gain on all channels, sRGB-encoded values in [0, 1].
        white_balance: gains of red and of blue, drawn separately; green stays.
        noise: standard deviation of white Gaussian sensor noise, independent per pixel and
            channel of the downscaled picture, unit of full scale.
        jpeg: quality of Pillow's encoder (4:2:0), whole numbers, both ends included.
    """

    blur: tuple[float, float] = (0.0, 1.5)
    downscale: tuple[float, float] = (0.5, 1.0)
    exposure: tuple[float, float] = (0.6, 1.4)
    white_balance: tuple[float, float] = (0.85, 1.15)
    noise: tuple[float, float] = (0.0, 0.04)
    jpeg: tuple[int, int] = (35, 95)

    def __post_init__(self) -> None:
        for name, (low, high) in vars(self).items():
            floor = {"blur": 0, "noise": 0, "jpeg": 1}.get(name, 1e-3)
            ceiling = {"downscale": 1, "jpeg": 100}.get(name, np.inf)
            if not floor <= low <= high <= ceiling:
                raise InputError(
                    f"Stress range {name}=({low}, {high}) is not allowed; "
                    f"expected {floor} <= low <= high <= {ceiling}."
                )


@dataclass(frozen=True)
class Stress:
    """What one picture suffers; the fields as in `StressRanges`, one value each.

    Attributes:
        blur: sigma in px of a 128-px crop.
        downscale: factor of the side.
        exposure: gain on all channels.
        red: gain of red.
        blue: gain of blue.
        noise: standard deviation, unit of full scale.
        jpeg: quality.
        noise_seed: of the noise pattern.
    """

    blur: float
    downscale: float
    exposure: float
    red: float
    blue: float
    noise: float
    jpeg: int
    noise_seed: int


DEFAULT_RANGES = StressRanges()


def draw_stress(seed: int, path: str, ranges: StressRanges = DEFAULT_RANGES) -> Stress:
    """Draw the stress of one picture; a function of its arguments and nothing else.

    Args:
        seed: of the twin; one for a whole table.
        path: as the manifest gives it (relative, so that it is the same on every machine).
        ranges: what to draw from.
    """
    generator = np.random.default_rng(seed_of(seed, "stress", path))

    def pick(limits: tuple[float, float]) -> float:
        return float(generator.uniform(*limits))

    return Stress(
        blur=pick(ranges.blur),
        downscale=pick(ranges.downscale),
        exposure=pick(ranges.exposure),
        red=pick(ranges.white_balance),
        blue=pick(ranges.white_balance),
        noise=pick(ranges.noise),
        jpeg=int(generator.integers(ranges.jpeg[0], ranges.jpeg[1], endpoint=True)),
        noise_seed=seed_of(seed, "stress noise", path),
    )


def apply_stress(crop: Image, stress: Stress) -> Image:
    """Blur, downscale, expose, add noise, compress, and bring back to size, in that order.

    Args:
        crop: (S, S, 3) uint8 RGB, S >= 8; not changed.
        stress: what to apply.

    Returns:
        (S, S, 3) uint8 RGB.

    Raises:
        InputError: the crop is not a square uint8 RGB picture of at least 8 px.
    """
    side = crop.shape[0]
    if crop.ndim != 3 or crop.shape != (side, side, 3) or crop.dtype != np.uint8 or side < 8:
        raise InputError(
            f"A face crop is (S, S, 3) uint8 with S >= 8, got {crop.shape} {crop.dtype}."
        )
    light = _blur(crop / 255.0, stress.blur * side / 128)
    small = max(4, round(side * stress.downscale))
    light = _resize(_to_bytes(light), small) / 255.0
    light = light * stress.exposure * np.array([stress.red, 1.0, stress.blue])
    pattern = np.random.default_rng(stress.noise_seed).standard_normal(light.shape)
    return _resize(_jpeg(_to_bytes(light + stress.noise * pattern), stress.jpeg), side)


def stressed_twin(
    crop: Image, *, seed: int, path: str, ranges: StressRanges = DEFAULT_RANGES
) -> Image:
    """Return the stressed twin of a face crop: `draw_stress`, then `apply_stress`."""
    return apply_stress(crop, draw_stress(seed, path, ranges))


def _blur(light: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Separable Gaussian, cut at 3 sigma, edges repeated; below 0.1 px nothing is left to do."""
    if sigma < 0.1:
        return light
    radius = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        margin = [(radius, radius) if a == axis else (0, 0) for a in range(3)]
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(light, margin, mode="edge"), len(weights), axis=axis
        )
        light = windows @ weights
    return light


def _to_bytes(light: NDArray[np.float64]) -> Image:
    return np.rint(255 * np.clip(light, 0, 1)).astype(np.uint8)


def _resize(image: Image, side: int) -> Image:
    """Antialiased when it shrinks; unchanged when the side is the same."""
    resized = Pictures.fromarray(image).resize((side, side), Pictures.Resampling.BICUBIC)
    return np.array(resized)  # a copy: torch wants arrays that it may write to


def _jpeg(image: Image, quality: int) -> Image:
    stream = io.BytesIO()
    Pictures.fromarray(image).save(stream, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Pictures.open(stream))
