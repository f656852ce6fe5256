"""Put the medium in front of the camera: its picture, its border, what holds it, what is behind."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.core.types import Image
from despoof.recapture.background import SceneParams, fit_picture, paint_scene
from despoof.recapture.geometry import GeometryParams, Sight, look, matrix
from despoof.recapture.hands import HandParams, Layer, paint_hand
from despoof.recapture.light import Light
from despoof.recapture.resample import averaged, blur, dimmed, enlarged, sampled

Mask = NDArray[np.float32]
"""(H, W) float32 coverage in [0, 1]."""


class SurroundParams(StrictConfig):
    """What can be seen besides the picture.

    Attributes:
        border: white margin or bezel at the left, top, right and bottom, in picture widths.
        border_light: of it, linear R G B.
        corner: radius of the medium's corners, in picture widths.
        rim: how much brighter its outermost edge is (paper's cut, a frame of metal).
        scene: what is behind.
        hands: what holds it.
        shadow: share of the scene's light that the medium takes from what is close behind it.
    """

    border: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    border_light: tuple[float, float, float] = (0.85, 0.85, 0.83)
    corner: float = Field(default=0.0, ge=0, le=0.5)
    rim: float = Field(default=0.0, ge=0, le=2)
    scene: SceneParams = SceneParams()
    hands: tuple[HandParams, ...] = ()
    shadow: float = Field(default=0.3, ge=0, le=1)


@dataclass(frozen=True)
class Placed:
    """A scene with the medium in it, on the canvas.

    Attributes:
        light: (H, W, 3) linear light.
        matrix: 3×3, pixels of the whole picture to pixels of the canvas (geometry.matrix).
        inside: coverage by the picture, hands in front of it taken away.
        sheet: coverage by the medium, border included, hands taken away.
        normals: (h, w, 3) of its surface, towards the camera, on a coarse grid.
    """

    light: Light
    matrix: NDArray[np.float64]
    inside: Mask
    sheet: Mask
    normals: NDArray[np.float32]


def place(
    light: Light,
    params: GeometryParams,
    rng: np.random.Generator,
    *,
    frame: tuple[int, int],
    surround: SurroundParams | None = None,
    distortion: float = 0.0,
    background: Image | None = None,
    part: tuple[tuple[int, int], tuple[int, int]] | None = None,
) -> Placed:
    """See a medium in perspective, with what is around it.

    Args:
        light: (h, w, 3) linear light of the medium's picture, as finely sampled as the canvas
            (geometry.raster_size), so that seeing it neither blurs nor aliases its dots.
        params: pose.
        rng: paints the scene; pose and hands are parameters.
        frame: height and width of the canvas.
        surround: what is around; nothing is painted where the picture fills the frame.
        distortion: of the lens, see geometry.look.
        background: a picture to put behind instead of the scene that `surround` names.
        part: where `light` is only a part of the picture: x and y of its corner, and height and
            width of the whole.
    """
    surround = surround or SurroundParams()
    corner, size = part or ((0, 0), (light.shape[0], light.shape[1]))
    sight = look(params, size, frame, distortion=distortion)
    seen = sampled(light, sight.map - np.asarray(corner, np.float32))
    to_canvas = matrix(params, size, frame)
    inside = _coverage(sight, size, (0.0, 0.0, 0.0, 0.0), 0.0)
    if inside.min() >= 1:
        return Placed(seen, to_canvas, inside, inside, sight.normals)
    sheet = _coverage(sight, size, surround.border, surround.corner)
    border = np.asarray(surround.border_light, np.float32)
    blend(seen, np.broadcast_to(border, seen.shape), 1 - inside)
    if surround.rim:
        inner = _coverage(sight, size, _grow(surround.border, -1.5 / size[1]), surround.corner)
        edge = 1 + np.float32(surround.rim) * (sheet - np.minimum(inner, sheet))
        seen = dimmed(seen, edge)
    behind = _scene(surround, frame, rng, background)
    front: list[Layer] = []
    for hand in surround.hands:
        back, top = _hand(hand, surround, to_canvas, size, frame)
        blend(behind, back.light, back.cover)
        front.append(top)
    if surround.shadow:
        behind = dimmed(behind, 1 - np.float32(surround.shadow) * _shadow(sheet))
    blend(seen, behind, 1 - sheet)
    for layer in front:
        blend(seen, layer.light, layer.cover)
        inside, sheet = inside * (1 - layer.cover), sheet * (1 - layer.cover)
    return Placed(seen, to_canvas, inside, sheet, sight.normals)


def view(light: Light, sight: Sight) -> Light:
    """Resample a picture along lines of sight; what is beyond its edge repeats the edge."""
    return sampled(light, sight.map)


def blend(under: Light, over: Light, cover: Mask) -> None:
    """Paint `over` onto `under`, in place, where it covers."""
    rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
    if not len(rows):
        return
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    share = np.ascontiguousarray(cover[box])
    lower, upper = np.ascontiguousarray(under[box]), np.ascontiguousarray(over[box])
    under[box] = cv2.blendLinear(lower, upper, 1 - share, share)


def _coverage(
    sight: Sight, size: tuple[int, int], border: tuple[float, float, float, float], corner: float
) -> Mask:
    """Share of each pixel within a (rounded) rectangle around the picture, edges one pixel soft."""
    height, width = size
    left, top, right, bottom = (width * side for side in border)
    x, y = cv2.split(sight.map)
    middle = ((width + right - left - 1) / 2, (height + bottom - top - 1) / 2)
    half = ((width + left + right) / 2, (height + top + bottom) / 2)
    radius = width * corner
    dx, dy = np.abs(x - middle[0]) - (half[0] - radius), np.abs(y - middle[1]) - (half[1] - radius)
    if radius:
        outer = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)
        return np.clip(0.5 + radius - outer, 0, 1, dtype=np.float32)
    return np.clip(0.5 - np.maximum(dx, dy), 0, 1, dtype=np.float32)


def _grow(
    border: tuple[float, float, float, float], by: float
) -> tuple[float, float, float, float]:
    left, top, right, bottom = border
    return left + by, top + by, right + by, bottom + by


def _scene(
    surround: SurroundParams,
    frame: tuple[int, int],
    rng: np.random.Generator,
    picture: Image | None,
) -> Light:
    if picture is not None:
        return fit_picture(picture, frame)
    small = ((frame[0] + 1) // 2, (frame[1] + 1) // 2)
    return enlarged(paint_scene(surround.scene, small, rng), frame)


def _hand(
    hand: HandParams,
    surround: SurroundParams,
    to_canvas: NDArray[np.float64],
    size: tuple[int, int],
    frame: tuple[int, int],
) -> tuple[Layer, Layer]:
    """Both layers of a hand, painted at half resolution."""
    height, width = size
    small = ((frame[0] + 1) // 2, (frame[1] + 1) // 2)
    from_unit = np.array([[width, 0, -0.5], [0, width, -0.5], [0, 0, 1.0]])
    halve = np.diag([0.5, 0.5, 1.0])
    left, top, right, bottom = surround.border
    sheet = (-left, -top, 1 + right, height / width + bottom)
    layers = paint_hand(hand, halve @ to_canvas @ from_unit, sheet, small)
    back, front = (
        Layer(enlarged(layer.light, frame), enlarged(layer.cover, frame)) for layer in layers
    )
    return back, front


def _shadow(sheet: Mask) -> Mask:
    """Soft, a little below the medium."""
    small = averaged(sheet, (32, 32))
    small = blur(np.roll(small, 1, axis=0), 1.5)
    return enlarged(small, (sheet.shape[0], sheet.shape[1]))
