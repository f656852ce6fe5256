"""Any Pillow mode to 8-bit RGB: grey, palette, alpha, CMYK, 16-bit, 32-bit and float."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from despoof.core.errors import MediaError
from despoof.core.types import Image
from despoof.media.colour import to_srgb

GREY = 127
"""What lies behind transparent pixels; the grey that face crops are padded with, too."""

_ORIENTATION_TAG = 0x0112
_TRANSPOSE = PillowImage.Transpose
# EXIF orientation -> what makes the picture upright.
_UPRIGHT = {
    2: _TRANSPOSE.FLIP_LEFT_RIGHT,
    3: _TRANSPOSE.ROTATE_180,
    4: _TRANSPOSE.FLIP_TOP_BOTTOM,
    5: _TRANSPOSE.TRANSPOSE,
    6: _TRANSPOSE.ROTATE_270,
    7: _TRANSPOSE.TRANSVERSE,
    8: _TRANSPOSE.ROTATE_90,
}


def rgb_pixels(image: PillowImage.Image, name: str = "the picture") -> Image:
    """Turn a loaded Pillow picture of any mode into upright RGB.

    Colours go to sRGB where a profile is embedded, transparent pixels are laid over mid grey (127),
    and the EXIF orientation is applied. Pillow keeps the high byte of 16-bit *colour* pictures, so
    those may be one level low; 16-bit grey is rounded exactly.

    Args:
        image: `load()` has been called, so that late EXIF chunks are known.
        name: what messages call it.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        MediaError: values that are not finite, or whose range has no meaning as a picture.
    """
    orientation = _orientation(image)
    if image.mode.startswith("I;16"):
        image = to_srgb(image)  # at full depth: a linear profile needs it in the dark
    if image.mode.startswith("I") or image.mode == "F":
        profile = image.info.get("icc_profile")
        image = PillowImage.fromarray(_to_eight_bits(np.asarray(image), name))
        image.info["icc_profile"] = profile
    elif image.has_transparency_data:
        # Grey with a transparent level becomes LA: its profile is for grey, not for RGBA.
        if image.mode not in ("RGBA", "LA"):
            image = image.convert("LA" if image.mode in ("L", "1") else "RGBA")
        image = _over_grey(to_srgb(image).convert("RGBA"))
    elif image.mode == "P":
        image = image.convert("RGB")
    image = to_srgb(image)
    if image.mode != "RGB":
        image = image.convert("RGB")
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    return np.array(image, dtype=np.uint8)


def over_grey(rgba: NDArray[np.uint8]) -> Image:
    """Lay (H, W, 4) uint8 RGBA over mid grey (127); return (H, W, 3) uint8 RGB."""
    alpha = rgba[..., 3:].astype(np.uint16)
    mixed = rgba[..., :3] * alpha + GREY * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


def sixteen_to_eight(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Divide 16-bit values by 257 and round: 0 stays 0, 65535 becomes 255."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _over_grey(image: PillowImage.Image) -> PillowImage.Image:
    return PillowImage.fromarray(over_grey(np.asarray(image)))


def _orientation(image: PillowImage.Image) -> int:
    try:
        value: Any = image.getexif().get(_ORIENTATION_TAG, 1)
    except (OSError, SyntaxError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return 1  # broken EXIF says nothing; the pixels may still be fine
    return value if isinstance(value, int) else 1


def _to_eight_bits(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Scale one channel of integers or floats to 0..255, by the range that its values tell.

    Up to 1 (floats only): a fraction. Up to 255 (floats only): 8-bit values. Up to 65535: 16-bit
    values. Beyond (integers only): 31-bit values. Negative values become black.
    """
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return sixteen_to_eight(values)
    if not np.isfinite(values).all():
        raise MediaError(f"{name} holds NaN or infinite values. Save it with finite values.")
    top = float(values.max())
    floating = np.issubdtype(values.dtype, np.floating)
    if floating and top <= 1:
        scale = 255.0
    elif floating and top <= 255:
        scale = 1.0
    elif top <= 65535:
        scale = 1 / 257
    elif not floating:
        scale = 255 / (2**31 - 1)
    else:
        raise MediaError(
            f"{name}: its float values reach {top:g}; expected at most 1, 255 or 65535. "
            "Scale them to [0, 1]."
        )
    return np.rint(np.clip(values * scale, 0, 255)).astype(np.uint8)
