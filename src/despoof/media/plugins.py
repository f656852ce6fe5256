"""One Pillow plug-in per format, loaded when it is first needed."""

import importlib

from PIL import Image as PillowImage

from despoof.media.formats import ImageFormat
from despoof.media.limits import Deadline, TimedBytes

_OPENERS: dict[ImageFormat, tuple[str, str]] = {
    "JPEG": ("PIL.JpegImagePlugin", "jpeg_factory"),  # also MPO, a phone's JPEG of several pictures
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WebP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "PPM": ("PIL.PpmImagePlugin", "PpmImageFile"),
    "HEIC": ("pillow_heif", "HeifImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
}


def open_header(kind: ImageFormat, data: bytes, deadline: Deadline) -> PillowImage.Image:
    """Read a picture's header; no pixels are decoded yet.

    Not `PIL.Image.open`: that tries every format that it knows, scripts included, and its own size
    limit is a global of the process which warns before it refuses. Raises what the plug-in raises,
    and a MediaError when it reads on after the deadline, now or when the pixels are loaded.
    """
    module, opener = _OPENERS[kind]
    return getattr(importlib.import_module(module), opener)(TimedBytes(data, deadline))
