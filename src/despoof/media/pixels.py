"""Any Pillow mode to 8-bit RGB: grey, palette, alpha, CMYK, 16-bit, 32-bit and float."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from despoof.core.errors import MediaError
from despoof.core.types import Image
from despoof.media.colour import to_srgb
from despoof.media.limits import Deadline, strips

GREY = 127
"""What lies behind transparent pixels; the grey that face crops are padded with, too."""

_ORIENTATION_TAG = 0x0112
_TRANSPOSE = PillowImage.Transpose
# EXIF orientation -> what makes the picture upright; whether its rows become columns; and whether
# the first of them is then the last.
_UPRIGHT = {
    2: (_TRANSPOSE.FLIP_LEFT_RIGHT, False, False),
    3: (_TRANSPOSE.ROTATE_180, False, True),
    4: (_TRANSPOSE.FLIP_TOP_BOTTOM, False, True),
    5: (_TRANSPOSE.TRANSPOSE, True, False),
    6: (_TRANSPOSE.ROTATE_270, True, True),
    7: (_TRANSPOSE.TRANSVERSE, True, True),
    8: (_TRANSPOSE.ROTATE_90, True, False),
}


def held_by(mode: str) -> int:
    """Return how many bytes of each pixel are held while a picture of a Pillow mode is converted.

    Those of Pillow's own copy, of the result, and of the result in other colours.
    """
    return (1 if mode in ("1", "L", "P") else 2 if mode.startswith("I;16") else 4) + 3 + 3


def rgb_pixels(image: PillowImage.Image, name: str, deadline: Deadline) -> Image:
    """Turn a loaded Pillow picture of any mode into upright RGB.

    Colours go to sRGB where a profile is embedded, transparent pixels are laid over mid grey (127),
    and the EXIF orientation is applied. Pillow keeps the high byte of 16-bit *colour* pictures, so
    those may be one level low; 16-bit grey is rounded exactly. A large picture is converted in
    strips of rows.

    Args:
        image: `load()` has been called, so that late EXIF chunks are known.
        name: what messages call it.
        deadline: looked at before each strip.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        MediaError: values that are not finite, or whose range has no meaning as a picture; or it
            takes too long.
    """
    method, swapped, upended = _UPRIGHT.get(_orientation(image), (None, False, False))
    width, height = image.size
    scale = _scale_of(image, name)
    pixels = np.empty((width, height, 3) if swapped else (height, width, 3), np.uint8)
    for top, end in strips(height, width):
        deadline.check()
        part = image if end - top == height else image.crop((0, top, width, end))
        part = _strip(part, scale)
        if method is not None:
            part = part.transpose(method)
        rows = slice(height - end, height - top) if upended else slice(top, end)
        pixels[(slice(None), rows) if swapped else rows] = np.asarray(part)
    return pixels


def _strip(image: PillowImage.Image, scale: float) -> PillowImage.Image:
    """Turn a picture into RGB as it lies; integers and floats by `scale`."""
    if image.mode.startswith("I;16"):
        image = to_srgb(image)  # at full depth: a linear profile needs it in the dark
    if image.mode.startswith("I") or image.mode == "F":
        profile = image.info.get("icc_profile")
        image = PillowImage.fromarray(_to_eight_bits(np.asarray(image), scale))
        image.info["icc_profile"] = profile
    elif image.has_transparency_data:
        # Grey with a transparent level becomes LA: its profile is for grey, not for RGBA.
        if image.mode not in ("RGBA", "LA"):
            image = image.convert("LA" if image.mode in ("L", "1") else "RGBA")
        image = _over_grey(to_srgb(image).convert("RGBA"))
    elif image.mode == "P":
        image = image.convert("RGB")
    image = to_srgb(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def over_grey(rgba: NDArray[np.uint8]) -> Image:
    """Lay (H, W, 4) uint8 RGBA over mid grey (127); return (H, W, 3) uint8 RGB."""
    pixels = np.empty((*rgba.shape[:2], 3), np.uint8)
    for top, end in strips(*rgba.shape[:2]):
        alpha = rgba[top:end, :, 3:].astype(np.uint16)
        mixed = rgba[top:end, :, :3] * alpha + (GREY * (255 - alpha) + 128)
        mixed += mixed >> 8
        pixels[top:end] = mixed >> 8  # mixed / 255, rounded: exact for all products of two bytes
    return pixels


def sixteen_to_eight(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Divide 16-bit values by 257 and round: 0 stays 0, 65535 becomes 255."""
    levels = np.empty(values.shape, np.uint8)
    for top, end in strips(len(values), values.size // len(values)):
        levels[top:end] = (values[top:end].astype(np.uint32) + 128) // 257
    return levels


def _over_grey(image: PillowImage.Image) -> PillowImage.Image:
    return PillowImage.fromarray(over_grey(np.asarray(image)))


def _orientation(image: PillowImage.Image) -> int:
    try:
        value: Any = image.getexif().get(_ORIENTATION_TAG, 1)
    except (OSError, SyntaxError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return 1  # broken EXIF says nothing; the pixels may still be fine
    return value if isinstance(value, int) else 1


def _scale_of(image: PillowImage.Image, name: str) -> float:
    """Return what takes a picture of integers or floats to 0..255, by the range of its values.

    Up to 1 (floats only): a fraction. Up to 255 (floats only): 8-bit values. Up to 65535: 16-bit
    values. Beyond (integers only): 31-bit values.
    """
    if image.mode not in ("I", "F"):
        return 1.0
    width, height = image.size
    top = -np.inf
    for start, end in strips(height, width):
        values: NDArray[Any] = np.asarray(image.crop((0, start, width, end)))
        if not np.isfinite(values).all():
            raise MediaError(f"{name} holds NaN or infinite values. Save it with finite values.")
        top = max(top, float(values.max()))
    if image.mode == "F" and top <= 1:
        return 255.0
    if image.mode == "F" and top <= 255:
        return 1.0
    if top <= 65535:
        return 1 / 257
    if image.mode == "I":
        return 255 / (2**31 - 1)
    raise MediaError(
        f"{name}: its float values reach {top:g}; expected at most 1, 255 or 65535. "
        "Scale them to [0, 1]."
    )


def _to_eight_bits(values: NDArray[Any], scale: float) -> NDArray[np.uint8]:
    """Scale one channel to 0..255, unsigned 16-bit values by 1/257; negative ones become black."""
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return sixteen_to_eight(values)
    return np.rint(np.clip(values * scale, 0, 255)).astype(np.uint8)
