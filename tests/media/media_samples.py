"""Small pictures with known colours, and small videos whose brightness tells the time."""

import io
from fractions import Fraction

import av
import numpy as np
from PIL import Image

RED, GREEN, BLUE, YELLOW = (200, 40, 30), (30, 180, 60), (40, 60, 210), (220, 200, 40)


def quadrants(width=64, height=48):
    """Four colours, so that every turn and mirror image differs."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = RED
    picture[: height // 2, width // 2 :] = GREEN
    picture[height // 2 :, : width // 2] = BLUE
    picture[height // 2 :, width // 2 :] = YELLOW
    return picture


def encoded(image, kind, **options):
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def centres(picture):
    """The colours in the middles of the four quadrants."""
    height, width = picture.shape[:2]
    return np.array([picture[height * y // 4, width * x // 4] for y in (1, 3) for x in (1, 3)])


def grey_at(seconds, total):
    """The brightness that `write_video` gives the frame at a time."""
    return 30 + 190 * seconds / total


def write_video(
    target, times, total, *, codec="mpeg4", kind=None, size=(64, 48), gop=12, sar=None, **options
):
    """Write one grey frame per time (seconds); the grey tells the time."""
    with av.open(target if kind else str(target), "w", format=kind, options=options) as container:
        stream = container.add_stream(codec, rate=25, options={"g": str(gop)})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.max_b_frames = 0
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if sar:
            stream.codec_context.sample_aspect_ratio = sar
        for time in times:
            grey = np.full((size[1], size[0], 3), round(grey_at(time, total)), np.uint8)
            grey[: size[1] // 2, : size[0] // 2, 0] = 255  # red corner: which way is up
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target


def seen_seconds(frame, total):
    """Read the time back from a frame's brightness (lower right: no red corner there)."""
    height, width = frame.image.shape[:2]
    grey = frame.image[height * 5 // 8 : height * 7 // 8, width * 5 // 8 : width * 7 // 8].mean()
    return (grey - 30) / 190 * total
