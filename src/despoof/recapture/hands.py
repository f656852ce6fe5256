"""The hand that holds the medium: fingers over its edge, the rest of the hand behind it."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.recapture.light import Light
from despoof.recapture.resample import blur

Side = Literal["left", "right", "top", "bottom"]

_INWARD = {"left": (1.0, 0.0), "right": (-1.0, 0.0), "top": (0.0, 1.0), "bottom": (0.0, -1.0)}


class HandParams(StrictConfig):
    """One hand.

    Attributes:
        side: of the medium that it holds.
        along: where on that side, 0 to 1.
        fingers: how many lie on the front; one is a thumb.
        reach: how far they reach over the edge, share of the picture's width.
        width: of a finger, share of the picture's width.
        slant: of the fingers against the side's normal, degrees.
        skin: light of well-lit skin, R G B.
    """

    side: Side = "right"
    along: float = Field(default=0.6, ge=0, le=1)
    fingers: int = Field(default=1, ge=1, le=4)
    reach: float = Field(default=0.12, ge=0, le=0.5)
    width: float = Field(default=0.09, gt=0, le=0.3)
    slant: float = 0.0
    skin: tuple[float, float, float] = (0.45, 0.26, 0.18)


@dataclass(frozen=True)
class Layer:
    """Something painted over the frame: (H, W, 3) linear light and its (H, W) coverage."""

    light: Light
    cover: NDArray[np.float32]


def paint_hand(
    params: HandParams,
    to_frame: NDArray[np.float64],
    sheet: tuple[float, float, float, float],
    size: tuple[int, int],
) -> tuple[Layer, Layer]:
    """Paint the parts of a hand behind the medium and in front of it.

    Args:
        params: the hand.
        to_frame: 3×3, from picture coordinates (width 1 along x and y) to pixels of the layer.
        sheet: x1, y1, x2, y2 of the medium, border included, in picture coordinates.
        size: height and width of the layers.
    """
    inward = np.array(_INWARD[params.side])
    sideways = np.array([-inward[1], inward[0]])
    x1, y1, x2, y2 = sheet
    x = {"left": x1, "right": x2}.get(params.side, x1 + params.along * (x2 - x1))
    y = {"top": y1, "bottom": y2}.get(params.side, y1 + params.along * (y2 - y1))
    edge = np.array([x, y])
    turn = np.radians(params.slant)
    ahead = np.cos(turn) * inward + np.sin(turn) * sideways
    unit = float(
        np.linalg.norm(np.subtract(*_project(to_frame, np.array([edge + sideways, edge]))))
    )
    thick = params.width * unit
    front = np.zeros(size, np.uint8)
    tips: list[NDArray[np.float64]] = []
    for k in range(params.fingers):
        offset = (k - (params.fingers - 1) / 2) * params.width * 1.02
        shorter = 1 - 0.12 * abs(offset) / params.width
        tip = edge + sideways * offset + ahead * (params.reach * shorter - params.width / 2)
        _capsule(front, to_frame, tip, tip - ahead * (params.reach + 2 * params.width), thick)
        tips.append(tip)
    back = front.copy()
    palm = edge - ahead * 2.2 * params.width
    _capsule(back, to_frame, palm, palm - ahead * 2 * params.width, 3.8 * thick)
    _capsule(back, to_frame, palm, palm - ahead * 1.5, 2.9 * thick)
    skin = np.asarray(params.skin, np.float32)
    nails = np.zeros(size, np.uint8)
    for tip in tips:
        root = tip - ahead * 0.35 * params.width
        _capsule(nails, to_frame, tip + ahead * 0.1 * params.width, root, 0.55 * thick)
    finger = _shaded(front, skin, thick / 2)
    shine = 1 + 0.22 * blur(nails.astype(np.float32) / np.float32(255), max(0.6, thick / 12))
    front_layer = Layer((finger.light * shine[..., None]).astype(np.float32), finger.cover)
    return _shaded(back, skin * 0.85, 1.9 * thick), front_layer


def _project(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return found[:, :2] / found[:, 2:]


def _capsule(
    mask: NDArray[np.uint8],
    to_frame: NDArray[np.float64],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    thick: float,
) -> None:
    """Draw a thick line with round ends."""
    ends = np.clip(np.rint(_project(to_frame, np.array([start, end]))), -8000, 8000).astype(int)
    cv2.line(mask, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 255, max(1, round(thick)))


def _shaded(mask: NDArray[np.uint8], skin: NDArray[np.float32], radius: float) -> Layer:
    """Round off a silhouette: darker and redder towards its edge, as a lit cylinder is."""
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, 3) / max(radius, 1.0)
    height = np.sqrt(np.clip(1 - (1 - np.minimum(depth, 1)) ** 2, 0, 1))
    height = blur(height.astype(np.float32), max(0.5, radius / 6))
    shade = 0.5 + 0.5 * height
    light = np.dstack([skin[0] * shade**0.8, skin[1] * shade, skin[2] * shade])
    cover = blur(mask.astype(np.float32) / np.float32(255), 0.8)
    return Layer(light.astype(np.float32), cover)
