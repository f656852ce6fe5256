"""What befalls a picture on the curves of robustness.py: one disturbance each, level by level."""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter

from despoof.core.types import Box, Image

COVER = (150, 175, 195)
"""Colour of what hides a face's lower part, as of a paper mask."""
GREY = (127, 127, 127)

Disturb = Callable[[Image, Box, float, np.random.Generator], "Disturbed"]
"""(picture, face's box in it, level, generator) -> what is checked."""


@dataclass(frozen=True)
class Disturbed:
    """A picture to check, and the box that is given with it; None: the face must be found."""

    image: Image
    box: Box | None = None


@dataclass(frozen=True)
class Curve:
    """One disturbance.

    Attributes:
        name: short, lower-case.
        unit: of its levels, in words.
        levels: from mild to strong, or from one side to the other.
        disturb: does it.
        boxed: the face's box is given and not searched for, also in the undisturbed picture.
        log: the axis is logarithmic.
        two_sided: 1 is mild, both ends are strong.
    """

    name: str
    unit: str
    levels: tuple[float, ...]
    disturb: Disturb
    boxed: bool = False
    log: bool = False
    two_sided: bool = False


def side_of(box: Box) -> float:
    """Return the longer side of a box, pixels."""
    return max(box[2] - box[0], box[3] - box[1])


def jpeg(image: Image, box: Box, level: float, rng: np.random.Generator) -> Disturbed:
    """Compress with a quality (Pillow, 4:2:0)."""
    stream = io.BytesIO()
    Pillow.fromarray(image).save(stream, "JPEG", quality=int(level), subsampling="4:2:0")
    return Disturbed(np.array(Pillow.open(stream)))


def resolution(image: Image, box: Box, level: float, rng: np.random.Generator) -> Disturbed:
    """Shrink until the face has `level` pixels, and enlarge again; a smaller face is left alone."""
    small = face_size(image, box, level, rng).image
    full = Pillow.fromarray(small).resize(image.shape[1::-1], Pillow.Resampling.BICUBIC)
    return Disturbed(np.array(full))


def face_size(image: Image, box: Box, level: float, rng: np.random.Generator) -> Disturbed:
    """Shrink until the face has `level` pixels; a smaller face is left alone."""
    share = min(1.0, level / side_of(box))
    if share == 1:
        return Disturbed(image)
    size = [max(8, round(share * side)) for side in image.shape[1::-1]]
    shrunk = Pillow.fromarray(image).resize((size[0], size[1]), Pillow.Resampling.BOX)
    return Disturbed(np.array(shrunk))


def blur(image: Image, box: Box, level: float, rng: np.random.Generator) -> Disturbed:
    """Blur with a Gaussian of `level` percent of the face's side."""
    sigma = level / 100 * side_of(box)
    return Disturbed(np.array(Pillow.fromarray(image).filter(ImageFilter.GaussianBlur(sigma))))


def sensor_noise(image: Image, box: Box, level: float, rng: np.random.Generator) -> Disturbed:
    """Add white Gaussian noise of standard deviation `level`, full scale 1, to each channel."""
    values = image + 255 * level * rng.standard_normal(image.shape, np.float32)
    return Disturbed(_bytes(values))


def low_light(image: Image, box: Box, level: float, rng: np.random.Generator) -> Disturbed:
    """Multiply the light (linear) by `level`, with a little read noise, and round to 8 bits."""
    encoded = _encoded(level * _linear(image))
    return Disturbed(_bytes(encoded + 255 * 0.005 * rng.standard_normal(image.shape, np.float32)))


def colour_cast(image: Image, box: Box, level: float, rng: np.random.Generator) -> Disturbed:
    """Multiply red by √`level` and blue by 1/√`level` in linear light: above 1 is warm."""
    gain = math.sqrt(level)
    return Disturbed(_bytes(_encoded(_linear(image) * np.array([gain, 1, 1 / gain]))))


def rotation(image: Image, box: Box, level: float, rng: np.random.Generator) -> Disturbed:
    """Turn by `level` degrees about the face, to a drawn side; the corners are grey."""
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    angle = level if rng.uniform() < 0.5 else -level
    turned = Pillow.fromarray(image).rotate(
        angle, Pillow.Resampling.BICUBIC, center=middle, fillcolor=GREY
    )
    return Disturbed(np.array(turned))


def crop_shift(image: Image, box: Box, level: float, rng: np.random.Generator) -> Disturbed:
    """Give a box that is off by `level` of the face's side, in a drawn direction."""
    angle = rng.uniform(0, 2 * math.pi)
    dx, dy = (level * side_of(box) * turn for turn in (math.cos(angle), math.sin(angle)))
    return Disturbed(image, (box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy))


def crop_size(image: Image, box: Box, level: float, rng: np.random.Generator) -> Disturbed:
    """Give a box that is `level` times as large."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half, tall = level * (box[2] - box[0]) / 2, level * (box[3] - box[1]) / 2
    return Disturbed(image, (x - half, y - tall, x + half, y + tall))


def occlusion(image: Image, box: Box, level: float, rng: np.random.Generator) -> Disturbed:
    """Hide the lower `level` of the face's box under one colour."""
    height, width = image.shape[:2]
    top = box[3] - level * (box[3] - box[1])
    rows = slice(max(0, round(top)), min(height, round(box[3])))
    columns = slice(max(0, round(box[0])), min(width, round(box[2])))
    covered = image.copy()
    covered[rows, columns] = COVER
    return Disturbed(covered)


CURVES = (
    Curve("JPEG quality", "quality", (95, 75, 50, 30, 15, 7), jpeg),
    Curve(
        "resolution", "px of the face, then enlarged", (160, 112, 80, 56, 40, 28), resolution,
        log=True,
    ),
    Curve("face size", "px of the face", (160, 112, 80, 60, 48, 36), face_size, log=True),
    Curve("blur", "σ, % of the face", (0.5, 1, 1.5, 2.2, 3, 4.5), blur),
    Curve("sensor noise", "sd, full scale 1", (0.01, 0.02, 0.04, 0.08, 0.16), sensor_noise,
          log=True),
    Curve("low light", "gain of the light", (0.5, 0.25, 0.12, 0.06, 0.03), low_light, log=True),
    Curve("colour cast", "red / blue", (0.4, 0.65, 1.5, 2.5), colour_cast, log=True,
          two_sided=True),
    Curve("rotation", "degrees", (10, 20, 30, 45, 60), rotation),
    Curve("crop shift", "of the face", (0.05, 0.1, 0.15, 0.2, 0.3), crop_shift, boxed=True),
    Curve("crop size", "box / face", (0.7, 0.85, 1.15, 1.3, 1.5), crop_size, boxed=True,
          two_sided=True),
    Curve("occlusion", "of the face, from below", (0.1, 0.2, 0.3, 0.4, 0.5), occlusion),
)  # fmt: skip


def _linear(image: Image) -> NDArray[np.float64]:
    """Bytes of sRGB to linear light, 1 = white."""
    x = image / 255.0
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def _encoded(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light to sRGB, 0 to 255, not rounded."""
    x = np.clip(light, 0, 1)
    return 255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)


def _bytes(values: NDArray[np.floating]) -> Image:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
