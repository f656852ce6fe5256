"""Embedded colour profiles to sRGB: a phone's Display P3 would otherwise look flat.

What a profile does decides, never what it is called: anybody can name a profile "sRGB".
"""

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

_MODES = ("L", "RGB", "RGBA", "CMYK", "I;16", "I;16L", "I;16B")


def to_srgb(image: PillowImage.Image) -> PillowImage.Image:
    """Convert a decoded picture from its embedded ICC profile to sRGB.

    Args:
        image: mode L, LA, RGB, RGBA, CMYK or 16-bit grey; other modes come back unchanged.

    Returns:
        RGB (RGBA for RGBA and LA). The same object where there is no profile, the profile changes
        nothing (by a level at most), or it is broken or for another kind of picture: a picture in
        slightly wrong colours is better than none.
    """
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes):
        return image
    if image.mode == "LA":
        return _with_alpha(image, profile)
    if image.mode not in _MODES:
        return image
    from PIL import ImageCms

    try:
        if image.mode[0] in "LI":
            return _grey(image, profile)
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            image.mode,
            "RGBA" if image.mode == "RGBA" else "RGB",
        )
        return image if _changes_nothing(transform, image.mode) else transform.apply(image)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image


def _grey(image: PillowImage.Image, profile: bytes) -> PillowImage.Image:
    """Look every level of a grey picture up: 8 bits of 8, or of 16."""
    from PIL import ImageCms

    # Optimised, the engine interpolates between few levels: a linear profile's dark is 10 off.
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        "I;16",
        "RGB",
        flags=ImageCms.Flags.NOOPTIMIZE,
    )
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    table = np.asarray(transform.apply(PillowImage.fromarray(levels))).reshape(-1, 3)
    eight = table[::257]
    if np.abs(eight.astype(np.int16) - np.arange(256)[:, None]).max() <= 1:
        return image
    codes = np.asarray(image)
    return PillowImage.fromarray(eight[codes] if image.mode == "L" else table[codes])


def _with_alpha(image: PillowImage.Image, profile: bytes) -> PillowImage.Image:
    grey = image.getchannel("L")
    grey.info["icc_profile"] = profile
    colours = to_srgb(grey)
    if colours is grey:
        return image
    colours = colours.convert("RGBA")
    colours.putalpha(image.getchannel("A"))
    return colours


def _changes_nothing(transform: "ImageCmsTransform", mode: str) -> bool:
    """Whether a transform leaves all of the colours on a grid where they are, to within a level."""
    if mode not in ("RGB", "RGBA"):
        return False
    steps = np.linspace(0, 255, 16).astype(np.uint8)
    shown = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(16, -1, 3)
    probe = PillowImage.fromarray(shown).convert(mode)
    found = np.asarray(transform.apply(probe).convert("RGB"))
    return bool(np.abs(found.astype(np.int16) - shown).max() <= 1)
