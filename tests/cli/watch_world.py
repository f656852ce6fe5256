"""A made-up world that is quick to watch: a square's colour says what it is, and to whom."""

import av
import numpy as np
import torch

from despoof.core.types import Decomposition, Face
from despoof.detector.checking import Detector
from despoof.face.crop import CropConfig

LIVE, SPOOF, BROKEN, NOTHING = (40, 220, 40), (220, 40, 40), (40, 40, 220), None
SIZE = (96, 64)


class Colours:
    """A system: green is live, red is a spoof, blue gives no number."""

    config = None

    def score(self, faces):
        red, green, blue = faces.mean(dim=(2, 3)).T
        return torch.where(blue > 0, torch.nan, green - red)

    def decompose(self, faces):
        evidence = torch.zeros(len(faces), 32, 32)
        return Decomposition(faces, torch.zeros_like(faces), evidence, self.score(faces))


def squares(image):
    """A face detector: the bright square on a grey ground."""
    bright = np.ptp(image.astype(int), axis=2) > 90
    if not bright.any():
        return []
    rows, columns = np.nonzero(bright)
    x1, y1, x2, y2 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return [Face((float(x1), float(y1), float(x2), float(y2)))]


def detector(**changes):
    """A detector of that world."""
    crop = CropConfig(size=16, scale=1.0)
    values = {"threshold": 0.0, "name": "colours", "face_detector": squares, "quality": None}
    return Detector(Colours(), crop, **values | changes)


def picture(colour, at=0):
    """A frame with a square of 32 px."""
    image = np.full((SIZE[1], SIZE[0], 3), 110, np.uint8)
    if colour is not None:
        left = 16 + at % 24
        image[16:48, left : left + 32] = colour
    return image


def write_clip(path, colours, rate=20):
    """A video with a frame for each colour."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate, options={"g": "5"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.bit_rate = 4_000_000
        for number, colour in enumerate(colours):
            frame = av.VideoFrame.from_ndarray(picture(colour, number // 4), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
