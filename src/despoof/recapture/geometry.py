"""Where the medium is in the frame: a plane or a bent sheet in front of a perspective camera.

Lengths are in frames: the longer side of the photograph is 1, its middle is (0, 0), x to the right,
y down, z away from the camera. Pixel centres are at (i + ½).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.recapture.resample import enlarged

Map = NDArray[np.float32]
"""(H, W, 2): for every pixel of the photograph, x and y of what it shows, in pixels of that."""

_STEP, _BENT_STEP = 8, 4  # px between the places where the map is computed; interpolated between
_FAR = 1e4


class GeometryParams(StrictConfig):
    """Pose and form of the medium.

    Attributes:
        yaw, pitch, roll: degrees about the vertical, the horizontal and the optical axis.
        distance: of the camera, frames; small is a strong perspective.
        scale: 1 = a frontal picture just covers the frame, 0.5 = it is half as long and wide.
        shift: x and y of the picture's middle, frames.
        bend: angle in radians over which the picture's width is rolled; 0 = flat, positive = the
            sides come towards the camera.
        bend_axis: direction of the cylinder's axis, degrees from the vertical of the sheet.
    """

    yaw: float = Field(default=0.0, ge=-60, le=60)
    pitch: float = Field(default=0.0, ge=-60, le=60)
    roll: float = Field(default=0.0, ge=-180, le=180)
    distance: float = Field(default=2.0, ge=0.8)
    scale: float = Field(default=1.0, gt=0.05, le=10)
    shift: tuple[float, float] = (0.0, 0.0)
    bend: float = Field(default=0.0, ge=-2.5, le=2.5)
    bend_axis: float = 0.0


@dataclass(frozen=True)
class Sight:
    """What each pixel of a frame looks at.

    Attributes:
        map: (H, W, 2) float32, position in the picture, pixels of the picture (0, 0 = the middle
            of its first pixel); far outside where the line of sight misses a bent sheet.
        normals: (h, w, 3) float32 on a coarse grid over the frame, unit, towards the camera.
    """

    map: Map
    normals: NDArray[np.float32]


def matrix(
    params: GeometryParams, picture: tuple[int, int], frame: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the 3×3 homography from pixels of the picture to pixels of the frame.

    Exact for a flat medium and a lens without distortion; else it touches the true mapping where
    the middle of the picture is.

    Args:
        params: the pose.
        picture: height and width of the picture.
        frame: height and width of the photograph.
    """
    (ph, pw), (fh, fw) = picture, frame
    unit = _unit(params, picture, frame)
    longer = max(fh, fw)
    to_sheet = np.array(
        [[unit, 0, (0.5 - pw / 2) * unit], [0, unit, (0.5 - ph / 2) * unit], [0, 0, 1]]
    )
    turn = _rotation(params)
    d = params.distance
    project = np.array([[d, 0, 0], [0, d, 0], [0, 0, 1.0]]) @ np.column_stack(
        [turn[:, 0], turn[:, 1], [0, 0, d]]
    )
    to_pixels = np.array(
        [
            [longer, 0, params.shift[0] * longer + fw / 2 - 0.5],
            [0, longer, params.shift[1] * longer + fh / 2 - 0.5],
            [0, 0, 1],
        ]
    )
    found = to_pixels @ project @ to_sheet
    return found / found[2, 2]


def look(
    params: GeometryParams,
    picture: tuple[int, int],
    frame: tuple[int, int],
    *,
    distortion: float = 0.0,
    shape: tuple[int, int] | None = None,
) -> Sight:
    """Follow the line of sight of every pixel to the medium.

    Args:
        params: the pose.
        picture: height and width of the picture on the medium, pixels.
        frame: height and width of the photograph; only their ratio counts.
        distortion: radial term k1 of the lens: the pixel at radius r (1 = the frame's corner) looks
            where an ideal one at r (1 + k1 r²) does.
        shape: height and width of the map; the frame's when not given.
    """
    height, width = shape or frame
    step = _BENT_STEP if params.bend else _STEP
    rows, columns = -(-height // step) + 2, -(-width // step) + 2
    longer = max(frame)
    ax, ay = frame[1] / longer, frame[0] / longer
    x = (((np.arange(columns) - 0.5) * step) / width - 0.5) * ax
    y = (((np.arange(rows) - 0.5) * step) / height - 0.5) * ay
    x, y = np.meshgrid(x, y)
    bulge = 1 + distortion * (x * x + y * y) / ((ax * ax + ay * ay) / 4)
    unit = _unit(params, picture, frame)
    sights = (x * bulge - params.shift[0], y * bulge - params.shift[1])
    a, b, normals = _meet(params, *sights, params.bend / (unit * picture[1]))
    coarse = np.dstack([a / unit + picture[1] / 2 - 0.5, b / unit + picture[0] / 2 - 0.5])
    # Nodes lie in the middles of cells of `step` pixels, as `enlarged` has it; one cell is margin.
    fine = enlarged(coarse.astype(np.float32), (rows * step, columns * step))
    return Sight(
        np.ascontiguousarray(fine[step : step + height, step : step + width]),
        normals[1:-1, 1:-1].astype(np.float32),
    )


def raster_size(
    params: GeometryParams, picture: tuple[int, int], frame: tuple[int, int]
) -> tuple[int, int]:
    """Height and width at which the picture has as many pixels as the frame shows of it."""
    zoom = _unit(params, picture, frame) * max(frame)
    return max(8, round(picture[0] * zoom)), max(8, round(picture[1] * zoom))


def visible(
    params: GeometryParams,
    picture: tuple[int, int],
    frame: tuple[int, int],
    *,
    distortion: float = 0.0,
) -> tuple[int, int, int, int]:
    """The part of the picture that the frame shows: left, top, right, bottom, a little generous.

    The rest of it need not be printed or shown.
    """
    places = look(params, picture, frame, distortion=distortion, shape=(32, 32)).map
    found: list[tuple[int, int]] = []
    for axis, side in ((0, picture[1]), (1, picture[0])):
        along = places[..., axis]
        steps = [np.abs(np.diff(along, axis=k)).max() for k in (0, 1)]
        margin = float(min(0.75 * sum(steps), side)) + 2
        low, high = (int(np.clip(v, 0, side)) for v in (along.min() - margin, along.max() + margin))
        low = min(low, side - 8)
        found.append((low, max(high, low + 8)))
    (left, right), (top, bottom) = found
    return left, top, right, bottom


def covers(params: GeometryParams, size: tuple[int, int], *, distortion: float = 0.0) -> bool:
    """Whether the frame shows nothing but the picture, for a picture shaped like the frame."""
    seen = look(params, size, size, distortion=distortion).map
    inner = (seen > 0).all() and (seen[..., 0] < size[1] - 1).all()
    return bool(inner and (seen[..., 1] < size[0] - 1).all())


def _unit(params: GeometryParams, picture: tuple[int, int], frame: tuple[int, int]) -> float:
    """Length of a pixel of the picture on the sheet, frames."""
    longer = max(frame)
    return params.scale * max(frame[0] / picture[0], frame[1] / picture[1]) / longer


def _rotation(params: GeometryParams) -> NDArray[np.float64]:
    yaw, pitch, roll = (math.radians(v) for v in (params.yaw, params.pitch, params.roll))
    about_y = np.array(
        [[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]]
    )
    about_x = np.array(
        [[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]]
    )
    about_z = np.array(
        [[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]]
    )
    return about_z @ about_x @ about_y


def _meet(
    params: GeometryParams,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    bend: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Meet lines of sight with the sheet: its own two coordinates (frames) and its normals.

    The sheet is the cylinder κ (a² + z²) = 2 z that touches the plane z = 0 along its axis; with
    κ = 0 the same solution is the plane's.
    """
    axis = math.radians(params.bend_axis)
    spin = np.array(
        [[math.cos(axis), math.sin(axis), 0], [-math.sin(axis), math.cos(axis), 0], [0, 0, 1]]
    )
    turn = spin @ _rotation(params).T  # from the camera's axes to the cylinder's
    rays = np.stack([x, y, np.full_like(x, params.distance)], axis=-1) @ turn.T
    eye = turn @ np.array([0, 0, -params.distance])
    kappa = -bend  # towards the camera is negative z
    square = kappa * (rays[..., 0] ** 2 + rays[..., 2] ** 2)
    linear = 2 * kappa * (eye[0] * rays[..., 0] + eye[2] * rays[..., 2]) - 2 * rays[..., 2]
    rest = kappa * (eye[0] ** 2 + eye[2] ** 2) - 2 * eye[2]
    inside = linear**2 - 4 * square * rest
    root = np.sqrt(np.maximum(inside, 0)) - linear  # of the two, the side that touches the plane
    points = eye + (2 * rest / root)[..., None] * rays
    lean = np.stack([kappa * points[..., 0], np.zeros_like(x), kappa * points[..., 2] - 1], axis=-1)
    lean /= np.linalg.norm(lean, axis=-1, keepdims=True)  # 1 but where the sight misses
    arc = points[..., 0]
    if kappa:
        arc = np.arctan2(lean[..., 0], -lean[..., 2]) / kappa
    arc = np.where(inside < 0, _FAR, arc)
    flat = np.stack([arc, points[..., 1]], axis=-1) @ spin[:2, :2]
    return flat[..., 0], flat[..., 1], lean @ turn
