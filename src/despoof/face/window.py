"""How much around a face a network sees: a window that never leaves the picture.

A crop pads what the picture lacks, and a network then learns to read the padding. A window shrinks
until it fits and moves inside instead, so that it always shows the picture and nothing else: all of
it, where the picture is a tight crop already. (The geometry is that of Silent-Face-Anti-Spoofing's
crops, described in words in its repository; the code is ours.)
"""

from typing import NamedTuple

from despoof.core.errors import InputError
from despoof.core.types import Box


class Window(NamedTuple):
    """Part of a picture, in pixels counted from its edge, and what it holds.

    Attributes:
        left: first column.
        top: first row.
        right: column behind the last one.
        bottom: row behind the last one.
        reach: height of the window by the face's box; what is left of the scale that was asked.
    """

    left: float
    top: float
    right: float
    bottom: float
    reach: float


def window_of(box: Box, scale: float, frame: Box) -> Window:
    """Grow a face's box by `scale` about its centre, no further than the frame, and move it inside.

    Both sides shrink by one factor where one of them does not fit, so the window keeps the box's
    aspect.

    Args:
        box: of the face, x1, y1, x2, y2; may reach over the frame.
        scale: sides of the window by the box's, at least 1.
        frame: the picture, (0, 0, W, H), or a part of it that is all there is.

    Returns:
        The window, within the frame.

    Raises:
        InputError: the box or the frame is empty, or the scale is below 1.
    """
    x1, y1, x2, y2 = box
    wide, high = x2 - x1, y2 - y1
    x0, y0, x3, y3 = frame
    if not (wide > 0 and high > 0 and x3 > x0 and y3 > y0 and scale >= 1):
        raise InputError(
            f"Box {box} in frame {frame}, scale {scale}: expected x1 < x2 and y1 < y2 in both, and "
            "a scale of at least 1."
        )
    grown = min(scale, (x3 - x0) / wide, (y3 - y0) / high)
    left = min(max((x1 + x2 - grown * wide) / 2, x0), x3 - grown * wide)
    top = min(max((y1 + y2 - grown * high) / 2, y0), y3 - grown * high)
    return Window(left, top, left + grown * wide, top + grown * high, grown)
