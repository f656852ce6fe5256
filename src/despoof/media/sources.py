"""Frames out of whatever a caller has: a path, bytes, a picture in memory, a file, stdin."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, Union, cast

import numpy as np
from PIL import Image as PillowImage

from despoof.core.errors import InputError, MediaError
from despoof.core.types import Frame
from despoof.media.arrays import image_from_array, image_from_tensor
from despoof.media.files import find_media, head_of, is_image, is_pipe, is_video
from despoof.media.formats import HEAD_BYTES, IMAGE_SUFFIXES, sniff_image
from despoof.media.guard import guarded
from despoof.media.images import read_bytes, read_noted, read_pillow
from despoof.media.limits import DEFAULT_LIMITS, ImageLimits
from despoof.media.names import check_name, check_text
from despoof.media.videos import read_video

__all__ = ["Source", "find_media", "is_image", "is_video", "read_frames"]

if TYPE_CHECKING:
    from torch import Tensor

Source: TypeAlias = Union[
    str, os.PathLike[str], bytes, BinaryIO, PillowImage.Image, "np.ndarray[Any, Any]", "Tensor"
]
"""What `read_frames` takes."""


@guarded
def read_frames(
    source: Source, count: int = 8, limits: ImageLimits = DEFAULT_LIMITS
) -> list[Frame]:
    """Read the frames of one picture or video.

    Args:
        source: one of
            a path (str, Path or any os.PathLike) of a picture, a video, or a pipe that gives one;
            "-" reads it from standard input;
            the bytes of a picture or a video, or a file open for reading bytes;
            a PIL image (its EXIF orientation is applied);
            a NumPy array, see `image_from_array`: (H, W[, 3 or 4]), uint8 or uint16;
            a torch tensor, see `image_from_tensor`: (3, H, W), float in [-1, 1] or uint8.
        count: how many frames of a video are wanted.
        limits: what is refused, see `ImageLimits`.

    Returns:
        One frame for a picture, 1 to `count` for a video. `source` is the path as it was given, or
        "-", "<bytes>", "<file>", "<PIL image>", "<array>", "<tensor>".

    Raises:
        InputError: an array, tensor or object that is no picture; a video and count below 1.
        MediaError: a file or bytes that cannot be read.
    """
    if (picture := _in_memory(source, limits)) is not None:
        return [picture]
    if isinstance(source, str | os.PathLike):
        return _from_path(os.fsdecode(source), count, limits)
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_bytes(bytes(source), "<bytes>", count, limits)
    if hasattr(source, "read"):
        file = cast("BinaryIO", source)
        return _from_bytes(read_bytes(file, limits.max_bytes, "<file>"), "<file>", count, limits)
    raise InputError(
        f"{type(source).__name__} is not a picture. Expected a path, bytes, an open file, a PIL "
        "image, a NumPy array or a torch tensor."
    )


def _in_memory(source: object, limits: ImageLimits) -> Frame | None:
    if isinstance(source, PillowImage.Image):
        return Frame(read_pillow(source, limits), "<PIL image>")
    if isinstance(source, np.ndarray):
        return Frame(image_from_array(cast("np.ndarray[Any, Any]", source), limits), "<array>")
    torch = sys.modules.get("torch")  # who holds a tensor has imported torch
    if torch is not None and isinstance(source, torch.Tensor):
        return Frame(image_from_tensor(cast("Tensor", source), limits), "<tensor>")
    return None


def _from_path(name: str, count: int, limits: ImageLimits) -> list[Frame]:
    if name == "-":
        data = read_bytes(sys.stdin.buffer, limits.max_bytes, "standard input")
        return _from_bytes(data, name, count, limits)
    check_name(name)
    path = Path(name)
    if path.is_dir():
        raise MediaError(f"{name} is a folder; expected a file. List its files with find_media.")
    if is_pipe(path):
        return _from_bytes(read_bytes(path, limits.max_bytes, name), name, count, limits)
    # Content first, so that a wrong suffix does no harm; the suffix tells how to complain.
    if sniff_image(head_of(path)) is not None or path.suffix.lower() in IMAGE_SUFFIXES:
        image, colour = read_noted(path, limits, name)
        return [Frame(image, name, colour=colour)]
    return read_video(path, count, limits, name)


def _from_bytes(data: bytes, name: str, count: int, limits: ImageLimits) -> list[Frame]:
    if sniff_image(data[:HEAD_BYTES]) is not None:
        image, colour = read_noted(data, limits, name)
        return [Frame(image, name, colour=colour)]
    check_text(data, name)
    return read_video(data, count, limits, name)
