"""A decoded video frame to upright RGB with square pixels."""

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import numpy as np

from despoof.core.types import Image
from despoof.media.film_colour import colour_of, rgb_of

if TYPE_CHECKING:
    from av.sidedata.sidedata import SideData
    from av.video.frame import VideoFrame

Turn = tuple[bool, bool, bool]
"""Exchange rows and columns; then mirror left and right; then mirror top and bottom."""


def upright(frame: "VideoFrame", name: str, aspect: float = 1.0) -> Image:
    """Convert a frame to sRGB, stretch it to square pixels and lay it as its display matrix says.

    Args:
        frame: as decoded; any pixel format that FFmpeg knows.
        name: what messages call its source.
        aspect: width of a pixel over its height; 1 for nearly all videos.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        MediaError: its colours are coded in a way that cannot be brought to sRGB.
    """
    width = max(1, round(frame.width * aspect))
    pixels = rgb_of(frame, width, colour_of(frame, name))
    swapped, mirrored, upended = _turn_of(frame)
    if swapped:
        pixels = pixels.transpose(1, 0, 2)
    if mirrored:
        pixels = pixels[:, ::-1]
    if upended:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels, dtype=np.uint8)


def turn_of(matrix: bytes) -> Turn:
    """Return what lays a picture as a display matrix does: one of eight turns and mirror images.

    A pixel at x, y (right, down) is shown at x' = a x + c y, y' = b x + d y, but for a shift. A
    matrix between two of the eight is rounded; one that says nothing leaves the picture.

    >>> turn_of(struct.pack("<9i", -65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30))
    (False, True, False)

    Args:
        matrix: 36 bytes, nine 32-bit integers of this machine's order: a b u c d v x y w.
    """
    if len(matrix) < 36:
        return False, False, False
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    swapped = abs(b) + abs(c) > abs(a) + abs(d)
    across, down = (c, b) if swapped else (a, d)
    return swapped, across < 0, down < 0


def _turn_of(frame: "VideoFrame") -> Turn:
    from av.sidedata.sidedata import Type

    beside = cast("Iterable[SideData]", frame.side_data)  # a Mapping that gives its values
    found = (bytes(one) for one in beside if one.type == Type.DISPLAYMATRIX)
    return turn_of(next(found, b""))
