"""A face out of a picture, upright and square, with the way back to the picture's pixels.

Two ways to name a place in a picture meet here. `Face` (box, landmarks) counts from the picture's
edge: the whole picture is (0, 0, W, H), the first pixel's centre is (0.5, 0.5). Matrices count from
pixel centres, on both sides: (0, 0) is the centre of the top-left pixel. So a landmark p of a face
is `to_crop(p - 0.5, crop.matrix) + 0.5` in the crop, counted from the crop's edge.
"""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.core.errors import InputError
from despoof.core.types import Face, FaceCrop, Image
from despoof.face.pose import roll
from despoof.face.warp import warp


class CropConfig(StrictConfig):
    """What a network wants to see of a face; part of every system's configuration.

    Attributes:
        size: side of the square crop, pixels.
        scale: side of the square that is cut out, as a multiple of the face's size, which is the
            longer side of its box (SPEC §3.2: side = scale · l). The square is centred on the
            box's centre. (The published System 3 code cuts 2.5 l from 0.75 l left of the box and
            0.825 l above it: the same square but for 0.075 l, about the error of a detector.)
        align: turn the crop so that the face is upright, where landmarks are known.
    """

    size: int = Field(ge=16)
    scale: float = Field(gt=0, allow_inf_nan=False)
    align: bool = True


def crop_matrix(face: Face, config: CropConfig) -> NDArray[np.float64]:
    """Return the (2, 3) matrix that takes crop pixel centres (x, y, 1) to picture pixel centres.

    It scales, turns (by `pose.roll`, when `config.align` and landmarks are given) and shifts, and
    never shears or mirrors.

    Raises:
        InputError: the box is empty or not finite.
    """
    x1, y1, x2, y2 = face.box
    size = max(x2 - x1, y2 - y1)
    if not (all(map(math.isfinite, face.box)) and x2 > x1 and y2 > y1):
        raise InputError(
            f"The face's box is {face.box}; expected finite x1 < x2 and y1 < y2 in pixels. "
            "Pass x1, y1, x2, y2, not x, y, width, height."
        )
    step = config.scale * size / config.size  # picture pixels per crop pixel
    angle = roll(face.landmarks) if config.align and face.landmarks is not None else 0.0
    cos, sin = step * math.cos(angle), step * math.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    middle = np.array([(x1 + x2 - 1) / 2, (y1 + y2 - 1) / 2])  # of the box, from pixel centres
    half = (config.size - 1) / 2
    return np.column_stack([turn, middle - turn @ [half, half]])


def crop_face(image: Image, face: Face, config: CropConfig) -> FaceCrop:
    """Cut a face out of a picture; deterministic, antialiased, at most one extra resampling.

    Args:
        image: (H, W, 3) uint8 RGB.
        face: where the face is; may reach over the picture's border.
        config: size, scale and alignment of the crop.

    Returns:
        The crop. A crop pixel that reaches over the border, even in part, is grey 127 and invalid.

    Raises:
        InputError: the picture is not (H, W, 3) uint8, or the box is empty or not finite.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise InputError(
            f"The picture is {image.dtype} of shape {image.shape}; expected uint8 (H, W, 3) RGB. "
            "Convert it first, e.g. np.asarray(pil_image.convert('RGB'))."
        )
    matrix = crop_matrix(face, config)
    pixels, valid = warp(image, matrix, config.size)
    return FaceCrop(image=pixels, valid=valid, matrix=matrix, face=face)


def whole_picture_face(image: Image, context: float = 1.2) -> Face:
    """Return the face of a picture that already is a face crop (`--cropped`): no detection.

    The picture is taken to be `context` times as wide and high as the face at its centre. A crop
    scale that equals `context` shows the whole picture; a larger one pads it with grey.

    Raises:
        InputError: context is not a finite number of at least 1.
    """
    if not (math.isfinite(context) and context >= 1):
        raise InputError(
            f"context is {context}; expected a number of at least 1: the side of the picture as a "
            "multiple of the face's."
        )
    height, width = image.shape[:2]
    margin = (1 - 1 / context) / 2
    box = (width * margin, height * margin, width * (1 - margin), height * (1 - margin))
    return Face(box=box)


def to_picture(points: NDArray[np.floating], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take (..., 2) points of a crop to the picture; both count from pixel centres."""
    return np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]


def to_crop(points: NDArray[np.floating], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take (..., 2) points of a picture to the crop; both count from pixel centres."""
    back = np.linalg.inv(matrix[:, :2])
    return (np.asarray(points, dtype=np.float64) - matrix[:, 2]) @ back.T
