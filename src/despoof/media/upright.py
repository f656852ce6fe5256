"""A decoded video frame to upright RGB with square pixels."""

from typing import TYPE_CHECKING

import numpy as np

from despoof.core.types import Image

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


def upright(frame: "VideoFrame", aspect: float = 1.0) -> Image:
    """Convert a frame to RGB, stretch it to square pixels and turn it as its metadata say.

    Args:
        frame: as decoded; any pixel format that FFmpeg knows.
        aspect: width of a pixel over its height; 1 for nearly all videos.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    width = max(1, round(frame.width * aspect))
    pixels = frame.to_ndarray(format="rgb24", width=width, height=frame.height)
    quarter_turns = round(frame.rotation / 90)  # counterclockwise, as np.rot90 turns
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns), dtype=np.uint8)
