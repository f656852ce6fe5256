"""The first capture, as it reached the attacker: compressed once already, maybe small."""

import io
from fractions import Fraction
from typing import Annotated, Literal

import cv2
import numpy as np
from PIL import Image as Pillow
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.core.types import Image


class SourceParams(StrictConfig):
    """How the picture that is shown was stored.

    Attributes:
        shrink: side of the stored picture, as a share of the genuine one's.
        codec: of the file.
        quality: of JPEG.
        crf: of H.264; higher is worse.
    """

    shrink: Annotated[float, Field(gt=0, le=1)] = 1.0
    codec: Literal["none", "jpeg", "h264"] = "none"
    quality: Annotated[int, Field(ge=1, le=100)] = 92
    crf: Annotated[int, Field(ge=0, le=51)] = 23


def reencode(image: Image, params: SourceParams, rng: np.random.Generator) -> Image:
    """Return the picture after it was stored and read again.

    Args:
        image: (H, W, 3) uint8 sRGB.
        params: of the storage.
        rng: unused; every stage takes one.

    Returns:
        (H, W, 3) uint8, the same size.
    """
    del rng
    height, width = image.shape[:2]
    small = image
    if params.shrink < 1:
        size = (max(16, round(width * params.shrink)), max(16, round(height * params.shrink)))
        small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    if params.codec == "jpeg":
        small = through_jpeg(small, params.quality)
    elif params.codec == "h264":
        small = through_h264(small, params.crf)
    if small.shape != image.shape:
        size = (width, height)
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    return small


def through_jpeg(image: Image, quality: int) -> Image:
    """Encode as JPEG (4:2:0) and decode; (H, W, 3) uint8 RGB."""
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Pillow.open(buffer))


def through_h264(image: Image, crf: int) -> Image:
    """Encode as two frames of H.264 and decode the second; (H, W, 3) uint8 RGB."""
    import av
    from av.video.frame import VideoFrame

    height, width = image.shape[:2]
    even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = even.shape[1], even.shape[0], "yuv420p"
        stream.options = {"crf": str(crf), "preset": "veryfast", "bf": "0", "threads": "1"}
        for _ in range(2):
            container.mux(stream.encode(VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file, "r") as stored:
        frames = [frame.to_ndarray(format="rgb24") for frame in stored.decode(video=0)]
    return np.ascontiguousarray(frames[-1][:height, :width], np.uint8)
