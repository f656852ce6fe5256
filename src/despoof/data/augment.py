"""Random cameras and codecs for pictures of both classes; poses are in `data.transforms`.

Live and attack pictures of every set at hand come from different cameras. So whatever a camera or
a codec does is drawn here from one distribution for both classes, and cannot tell them apart.
"""

import io
import math

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from despoof.core.config import StrictConfig


class AugmentConfig(StrictConfig):
    """Ranges, drawn uniformly for each picture, whatever its class."""

    scale: tuple[float, float] = Field(default=(1.05, 1.9), description="crop side / face")
    aspect: float = Field(default=0.1, ge=0, description="log of the largest stretch of one axis")
    shift: float = Field(default=0.06, ge=0, description="of the face, each way")
    rotation: float = Field(default=12.0, ge=0, description="degrees, each way")
    blur: float = Field(
        default=1.5, ge=0, description="largest Gaussian sigma, pixels of a 128-px crop"
    )
    noise: float = Field(default=0.05, ge=0, description="largest sensor-noise sd, full scale 1")
    exposure: float = Field(default=0.5, ge=0, description="log2 of the largest gain (stops)")
    gamma: float = Field(default=0.35, ge=0, description="log of the largest exponent")
    white_balance: float = Field(default=0.2, ge=0, description="log of the largest channel gain")
    saturation: float = Field(default=0.5, ge=0, description="largest relative change")
    downscale: float = Field(
        default=0.45, ge=0.1, le=1, description="smallest share of the side kept"
    )
    jpeg: tuple[int, int] = Field(default=(30, 95), description="quality")
    probability: float = Field(default=0.6, ge=0, le=1, description="of each photometric step")
    together: float = Field(
        default=0.4, ge=0, le=1, description="share of pictures that get every photometric step"
    )
    erase: float = Field(default=0.25, ge=0, le=1, description="probability of a grey rectangle")


def photometry(faces: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Camera and codec: (B, 3, S, S) in [0, 1] to the same; never applied to noise or depth."""
    n, _, side, _ = faces.shape
    # Bad pictures are bad in every way at once: a far, dim, noisy, compressed face. Steps that
    # come one by one would hardly ever show that.
    all_on = _uniform(n, generator) < config.together

    def on() -> Tensor:
        return ((_uniform(n, generator) < config.probability) | all_on).float()

    def knob(largest: float) -> Tensor:
        return torch.exp(largest * _signed(n, generator) * on()).view(n, 1, 1, 1)

    gains = torch.exp(config.white_balance * _signed(3 * n, generator).view(n, 3, 1, 1))
    gains = torch.where(on().view(n, 1, 1, 1) > 0, gains, torch.ones_like(gains))
    faces = faces * gains * knob(config.exposure * math.log(2))
    faces = faces.clamp(1e-4, 1) ** knob(config.gamma)
    grey = faces.mean(dim=1, keepdim=True)
    faces = grey + (faces - grey) * (1 + config.saturation * _signed(n, generator) * on()).view(
        n, 1, 1, 1
    )
    sigma = config.blur * side / 128 * _uniform(n, generator) * on()
    faces = gaussian_blur(faces, sigma)
    keep = 1 - (1 - config.downscale) * _uniform(n, generator) * on()
    amount = config.noise * _uniform(n, generator) ** 2 * on()
    quality = torch.randint(config.jpeg[0], config.jpeg[1] + 1, (n,), generator=generator)
    coded = on() > 0
    seeds = torch.randint(2**31, (n,), generator=generator).tolist()
    pixels = faces.clamp(0, 1).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    views = [
        recode(
            pixels[i],
            float(keep[i]),
            int(quality[i]) if coded[i] else None,
            float(amount[i]),
            np.random.default_rng(seeds[i]),
        )
        for i in range(n)
    ]
    faces = torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2).float().div_(255)
    return _erase(faces, (_uniform(n, generator) < config.erase).float(), generator)


def gaussian_blur(faces: Tensor, sigma: Tensor) -> Tensor:
    """Blur each (3, S, S) picture of a batch by its own sigma (pixels; 0 = untouched)."""
    radius = max(1, math.ceil(3 * float(sigma.max())))
    x = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (x[None] / sigma.clamp(min=1e-3)[:, None]) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(3, dim=0)
    n, channels, height, width = faces.shape
    flat = faces.reshape(1, n * channels, height, width)
    flat = F.pad(flat, (radius, radius, 0, 0), mode="replicate")
    flat = F.conv2d(flat, kernel[:, None, None, :], groups=n * channels)
    flat = F.pad(flat, (0, 0, radius, radius), mode="replicate")
    flat = F.conv2d(flat, kernel[:, None, :, None], groups=n * channels)
    return flat.view(n, channels, height, width)


def recode(
    pixels: NDArray[np.uint8],
    keep: float,
    quality: int | None,
    noise: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Shrink to a share of the side, add sensor noise, code as JPEG, enlarge: in that order.

    Noise and blocks arise in the small picture and grow with it, as in a far face cut out of a
    frame; added after the enlargement they would be finer than any camera makes them.

    Args:
        pixels: (S, S, 3).
        keep: share of the side.
        quality: of the JPEG round trip; None = none.
        noise: standard deviation, full scale 1.
        rng: of the noise.
    """
    side = pixels.shape[0]
    image = Pillow.fromarray(pixels)
    small = round(side * keep)
    if small < side:
        image = image.resize((small, small), Pillow.Resampling.BOX)
    if noise > 0:
        values = np.asarray(image, np.float32)
        values = values + 255 * noise * rng.standard_normal(values.shape, np.float32)
        image = Pillow.fromarray(np.rint(values.clip(0, 255)).astype(np.uint8))
    if quality is not None:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        image = Pillow.open(buffer)
    if small < side:
        image = image.resize((side, side), Pillow.Resampling.BICUBIC)
    return np.asarray(image)


def _erase(faces: Tensor, chosen: Tensor, generator: torch.Generator) -> Tensor:
    n, _, side, _ = faces.shape
    extent = side * (0.1 + 0.25 * _uniform(2 * n, generator).view(n, 2))
    corner = _uniform(2 * n, generator).view(n, 2) * (side - extent)
    axis = torch.arange(side)
    rows = (axis >= corner[:, :1]) & (axis < corner[:, :1] + extent[:, :1])
    columns = (axis >= corner[:, 1:]) & (axis < corner[:, 1:] + extent[:, 1:])
    hole = rows[:, None, :, None] & columns[:, None, None, :] & (chosen > 0).view(n, 1, 1, 1)
    return torch.where(hole, torch.tensor(127 / 255), faces)


def _uniform(n: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator)


def _signed(n: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator) * 2 - 1
