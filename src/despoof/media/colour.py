"""Embedded colour profiles to sRGB: a phone's Display P3 would otherwise look flat."""

from io import BytesIO

from PIL import Image as PillowImage


def to_srgb(image: PillowImage.Image) -> PillowImage.Image:
    """Convert a decoded picture from its embedded ICC profile to sRGB.

    Args:
        image: mode L, RGB, RGBA or CMYK; other modes come back unchanged.

    Returns:
        RGB (RGBA for RGBA). The same object where there is no profile, the profile is sRGB
        already, or it is broken: a picture in slightly wrong colours is better than none.
    """
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or image.mode not in ("L", "RGB", "RGBA", "CMYK"):
        return image
    from PIL import ImageCms

    try:
        embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(embedded).lower():
            return image
        converted = ImageCms.profileToProfile(
            image,
            embedded,
            ImageCms.createProfile("sRGB"),
            outputMode="RGBA" if image.mode == "RGBA" else "RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return image if converted is None else converted
