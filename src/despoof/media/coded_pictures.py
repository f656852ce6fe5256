"""Pictures whose colours are coded as films' are: HEIC and AVIF (nclx), PNG (cICP)."""

from typing import Any, cast

from PIL import Image as PillowImage

from despoof.media.formats import ImageFormat
from despoof.media.transfer import Coding


def coding_of(kind: ImageFormat, data: bytes, image: PillowImage.Image) -> Coding | None:
    """Return how a picture says that its colours are coded.

    Args:
        kind: its format.
        data: the whole file.
        image: its header; HEIC's decoder tells there what the primary picture has.

    Returns:
        None where the file does not say, or where an ICC profile says it (in HEIC and AVIF the
        profile is the exact one; in PNG the chunk goes before it).
    """
    if kind == "PNG":
        at = data.find(b"cICP", 0, data.find(b"IDAT"))
        return Coding(data[at + 5], data[at + 4]) if 0 < at < len(data) - 6 else None
    if image.info.get("icc_profile"):
        return None
    if kind == "HEIC":
        told: Any = image.info.get("nclx_profile")
        if not isinstance(told, dict):
            return None
        values = cast("dict[str, int]", told)
        return Coding(values["transfer_characteristics"], values["color_primaries"])
    if kind == "AVIF":
        at = data.find(b"colrnclx", 0, data.find(b"mdat"))
        if 0 < at < len(data) - 12:
            primaries, transfer = (data[at + i] * 256 + data[at + i + 1] for i in (8, 10))
            return Coding(transfer, primaries)
    return None
