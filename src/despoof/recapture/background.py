"""What is behind the medium: a wall, a table, a room, the one who holds it, or the dark.

Painted at half the canvas' resolution: a camera that is focused on a medium near by blurs it.
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.core.types import Image
from despoof.recapture.light import Light, to_light
from despoof.recapture.resample import averaged, blur, enlarged

SceneKind = Literal["wall", "table", "room", "holder", "dark"]


class SceneParams(StrictConfig):
    """One scene.

    Attributes:
        kind: what is there.
        level: light of a bright surface in it.
        colour: of the wall, the table or the room's light, R G B with 1 = neutral.
        cloth: reflectance of the holder's clothes, R G B.
        blur: Gaussian sigma, share of the frame.
    """

    kind: SceneKind = "wall"
    level: float = Field(default=0.6, ge=0, le=4)
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    cloth: tuple[float, float, float] = (0.1, 0.1, 0.12)
    blur: float = Field(default=0.006, ge=0, le=0.2)


def paint_scene(params: SceneParams, size: tuple[int, int], rng: np.random.Generator) -> Light:
    """Paint a scene of a height and width; (H, W, 3) linear light."""
    height, width = size
    paint = {"wall": _wall, "table": _table, "room": _room, "holder": _holder, "dark": _dark}
    canvas = paint[params.kind](params, height, width, rng)
    sigma = max(0.6, params.blur * max(size))
    canvas = blur(canvas, sigma)
    canvas *= params.level * (1 + 0.03 * clouds(size, rng, coarsest=2, octaves=3))[..., None]
    return np.maximum(canvas, 0.0, out=canvas)


def fit_picture(picture: Image, size: tuple[int, int]) -> Light:
    """Cut and scale any picture so that it fills a height and width; linear light."""
    height, width = picture.shape[:2]
    zoom = max(size[0] / height, size[1] / width)
    cut_h, cut_w = min(height, round(size[0] / zoom)), min(width, round(size[1] / zoom))
    top, left = (height - cut_h) // 2, (width - cut_w) // 2
    part = to_light(picture[top : top + cut_h, left : left + cut_w])
    return averaged(part, size)


def clouds(
    size: tuple[int, int], rng: np.random.Generator, *, coarsest: int = 3, octaves: int = 4
) -> NDArray[np.float32]:
    """Noise of equal power in every octave (1/f), (H, W) float32, mean 0, deviation about 1."""
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        cells = coarsest * 2**octave
        small = rng.standard_normal((cells, cells), dtype=np.float32)
        total += enlarged(small, size)
    return total / np.float32(0.75 * octaves**0.5)


def ramp(size: tuple[int, int], rng: np.random.Generator, depth: float) -> NDArray[np.float32]:
    """A plane of light around 1 that falls by `depth` from one side to the other; (H, W)."""
    angle = rng.uniform(0, 2 * np.pi)
    y = np.linspace(-0.5, 0.5, size[0], dtype=np.float32)[:, None]
    x = np.linspace(-0.5, 0.5, size[1], dtype=np.float32)[None]
    return np.float32(1) + depth * (np.cos(angle) * x + np.sin(angle) * y).astype(np.float32)


def _plain(params: SceneParams, size: tuple[int, int], rng: np.random.Generator) -> Light:
    shade = ramp(size, rng, rng.uniform(0.1, 0.7))
    return (shade[..., None] * np.asarray(params.colour, np.float32)).astype(np.float32)


def _wall(params: SceneParams, height: int, width: int, rng: np.random.Generator) -> Light:
    """A wall: nearly even, perhaps with an edge, a skirting or a switch."""
    canvas = _plain(params, (height, width), rng)
    if rng.uniform() < 0.5:  # a corner of the room or a door frame
        at, lean = rng.uniform(0, width), rng.normal(0, 0.05) * width
        side = np.array([[at - lean, 0], [width, 0], [width, height], [at + lean, height]])
        mask = cv2.fillConvexPoly(np.zeros((height, width), np.uint8), side.astype(np.int32), 1)
        canvas *= (1 - mask * rng.uniform(0.05, 0.4))[..., None].astype(np.float32)
    for _ in range(int(rng.integers(0, 3))):
        _rectangle(canvas, rng, 0.03, 0.15)
    return canvas


def _table(params: SceneParams, height: int, width: int, rng: np.random.Generator) -> Light:
    """Wood: streaks along one direction."""
    canvas = _plain(params, (height, width), rng) * np.array([0.5, 0.3, 0.17], np.float32)
    across = clouds((height, 3), rng, coarsest=8, octaves=4)[:, :1]
    grain = 1 + 0.18 * across + 0.06 * clouds((height, width), rng)
    return (canvas * grain[..., None]).astype(np.float32)


def _room(params: SceneParams, height: int, width: int, rng: np.random.Generator) -> Light:
    """Furniture, screens and a window: soft rectangles of many sizes over a wall."""
    canvas = _plain(params, (height, width), rng) * np.float32(0.7)
    for _ in range(int(rng.integers(4, 12))):
        _rectangle(canvas, rng, 0.08, 0.6)
    if rng.uniform() < 0.3:  # a window or a lamp, brighter than anything else
        _rectangle(canvas, rng, 0.1, 0.4, brightness=rng.uniform(1.2, 2.5))
    return canvas


def _dark(params: SceneParams, height: int, width: int, rng: np.random.Generator) -> Light:
    """A dark room: little but the medium's own light."""
    return _room(params, height, width, rng) * np.float32(0.04)


def _holder(params: SceneParams, height: int, width: int, rng: np.random.Generator) -> Light:
    """The chest and the shoulders of the one who holds the medium, a wall or a room behind."""
    back = _wall if rng.uniform() < 0.6 else _room
    canvas = back(params, height, width, rng)
    x, y = rng.normal(0.5, 0.12) * width, rng.uniform(0.15, 0.6) * height
    half = rng.uniform(0.35, 0.7) * width
    body = np.zeros((height, width), np.uint8)
    cv2.ellipse(body, (int(x), int(y + half)), (int(half), int(half)), 0, 180, 360, 1, -1)
    body[min(height, int(y + half)) :, max(0, int(x - half)) : max(1, int(x + half))] = 1
    folds = 1 + 0.25 * clouds((height, width), rng, coarsest=3, octaves=3)
    cloth = folds[..., None] * np.asarray(params.cloth, np.float32)
    return np.where(body[..., None] > 0, cloth, canvas).astype(np.float32)


def _rectangle(
    canvas: Light,
    rng: np.random.Generator,
    low: float,
    high: float,
    brightness: float | None = None,
) -> None:
    """Paint one leaning rectangle; its sides are between two shares of the frame."""
    height, width = canvas.shape[:2]
    sides = np.exp(rng.uniform(np.log(low), np.log(high), 2)) * (width, height)
    box = ((rng.uniform(0, width), rng.uniform(0, height)), tuple(sides), rng.normal(0, 3))
    grey = brightness or rng.beta(1.2, 2.0)
    colour = grey * (1 + rng.normal(0, 0.15, 3))
    corners = cv2.boxPoints(box).astype(np.int32)
    left, top = np.clip(corners.min(axis=0), 0, (width, height))
    right, bottom = np.clip(corners.max(axis=0) + 1, 0, (width, height))
    if right <= left or bottom <= top:
        return
    size = (int(bottom - top), int(right - left))
    mask = cv2.fillConvexPoly(np.zeros(size, np.uint8), corners - (left, top), 1)
    shaded = ramp(size, rng, rng.uniform(0, 0.8))[..., None] * colour
    part = canvas[top:bottom, left:right]
    cv2.copyTo(shaded.astype(np.float32), mask, part)
    canvas[top:bottom, left:right] = part
