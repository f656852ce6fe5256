"""The single panels of an evidence picture: arrays to pictures, and the legends below them."""

import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from despoof.core.types import Image
from despoof.detector import FaceParts

BACKGROUND, TEXT, QUIET = (24, 26, 30), (236, 238, 241), (150, 156, 166)
LABEL_COLOURS = {"live": (58, 160, 92), "spoof": (204, 62, 56), "undecided": (188, 138, 32)}

# Inferno (matplotlib, CC0) at nine even steps: dark is 0, bright is 1, also for the colour-blind.
_INFERNO = np.array(
    [
        (0, 0, 4),
        (31, 12, 72),
        (85, 15, 109),
        (136, 34, 106),
        (186, 54, 85),
        (227, 89, 51),
        (249, 140, 10),
        (249, 201, 50),
        (252, 255, 164),
    ],
    dtype=np.float64,
)
_NICE = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's built-in font."""
    return ImageFont.load_default(size=size)


def printable(text: str) -> str:
    """Return a text with what the built-in font lacks written otherwise: é as e, unknown as ?.

    >>> printable("Zoë − 写真 ×2")
    'Zoe - ?? x2'
    """
    text = text.translate(str.maketrans("×−–—", "x---"))
    parts = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" or c in "±·°…" else "?" for c in parts)


def text_width(text: str, size: int) -> float:
    """Return the width of a line in pixels, as `write` draws it."""
    return font(size).getlength(printable(text))


def write(
    canvas: Pillow.Image,
    place: tuple[float, float],
    text: str,
    *,
    size: int,
    colour: tuple[int, int, int] = TEXT,
    width: int | None = None,
) -> float:
    """Write a line, cut to `width` pixels with an ellipsis; return the x where it ends."""
    text = printable(text)
    if width is not None and text_width(text, size) > width:
        while text and text_width(text + "…", size) > width:
            text = text[:-1]
        text += "…"
    ImageDraw.Draw(canvas).text(place, text, colour, font(size))
    return place[0] + text_width(text, size)


def photo(image: Image, side: int) -> Pillow.Image:
    """A face crop, enlarged smoothly."""
    return Pillow.fromarray(np.ascontiguousarray(image)).resize(
        (side, side), Pillow.Resampling.BICUBIC
    )


def full_scale(*faces: FaceParts) -> float:
    """The noise that is drawn as black or white: the round number from 99.5 % of all |noise| up.

    One number for several faces makes their panels comparable. Padding does not count.
    """
    seen = [_finite(face.noise)[face.crop.valid] for face in faces]
    sizes = np.concatenate([np.abs(values).ravel() for values in seen]) if seen else np.zeros(0)
    top = float(np.quantile(sizes, 0.995)) if sizes.size else 0.0
    return next((step for step in _NICE if step * 1.0001 >= top), _NICE[-1])


def noise_photo(face: FaceParts, scale: float, side: int) -> Pillow.Image:
    """Signed noise about mid grey; ±scale is white and black, padding is the background."""
    grey = np.clip(_finite(face.noise) / scale, -1, 1) * 127.5 + 127.5
    picture = np.rint(grey).astype(np.uint8)
    picture[~face.crop.valid] = BACKGROUND
    return photo(picture, side)


def noise_legend(face: FaceParts, scale: float) -> tuple[str, str]:
    """The two lines below a noise panel: how it is drawn, and what is in it."""
    inside = np.abs(_finite(face.noise)[face.crop.valid])
    strength = float(inside.mean()) if inside.size else 0.0
    return (
        f"noise ×{1 / scale:g} · grey = 0 · full scale ±{scale:g}",
        f"mean |noise| {strength:.4f} = {strength * 127.5:.2f} of 255 levels",
    )


def evidence_photo(evidence: NDArray[np.float32], side: int) -> Pillow.Image:
    """The 32×32 map, its cells kept as squares; dark 0, bright 1."""
    return Pillow.fromarray(_inferno(_finite(evidence))).resize(
        (side, side), Pillow.Resampling.NEAREST
    )


def colour_bar(width: int, height: int) -> Pillow.Image:
    """0 on the left to 1 on the right."""
    return Pillow.fromarray(np.repeat(_inferno(np.linspace(0, 1, width)[None]), height, axis=0))


def _inferno(values: NDArray[np.floating]) -> Image:
    steps = np.linspace(0, 1, len(_INFERNO))
    channels = [np.interp(values, steps, _INFERNO[:, c]) for c in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def _finite(values: NDArray[np.float32]) -> NDArray[np.float32]:
    # A broken network must not stop the picture that shows that it is broken.
    return np.nan_to_num(values, nan=0.0, posinf=2.0, neginf=-2.0)
