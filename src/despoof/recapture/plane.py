"""Homographies between two pictures of one flat thing: apply, judge, resample."""

import numpy as np
from numpy.typing import NDArray

from despoof.core.types import Image

Homography = NDArray[np.float64]
"""(3, 3), last entry 1; maps (x, y, 1) of one picture to the other, counted from pixel centres."""


def move_points(matrix: Homography, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Map (N, 2) pixels through a homography; points on its horizon become infinite."""
    rows = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return rows[:, :2] / rows[:, 2:]


def is_plausible(
    matrix: Homography,
    shape: tuple[int, int],
    scales: tuple[float, float] = (0.2, 5.0),
    squeeze: float = 4.0,
) -> bool:
    """Tell whether a homography can be a view of a picture of `shape` (height, width).

    It must not turn the picture over nor have its horizon in it, magnify or shrink it beyond
    `scales` nor squash it by more than `squeeze`, at the middle and at the corners' half-way.
    """
    if not np.isfinite(matrix).all():
        return False
    height, width = shape
    for x, y in ((0.5, 0.5), (0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
        place = np.array([x * width, y * height, 1.0])
        depth = float(matrix[2] @ place)
        if depth * matrix[2, 2] <= 1e-6:
            return False
        moved = matrix[:2] @ place / depth
        slope = (matrix[:2, :2] - moved[:, None] * matrix[2, :2]) / depth
        if np.linalg.det(slope) <= 0:
            return False
        large, small = np.linalg.svd(slope, compute_uv=False)
        if large > scales[1] or small < scales[0] or large > squeeze * small:
            return False
    return True


def warp_plane(
    moving: Image, matrix: Homography, shape: tuple[int, int]
) -> tuple[Image, NDArray[np.bool_]]:
    """Resample a picture in the frame of another one.

    Args:
        moving: (H, W, 3) uint8.
        matrix: moving pixel to fixed pixel.
        shape: height and width of the fixed picture.

    Returns:
        (h, w, 3) uint8, 0 where nothing is known, and (h, w) bool, True where the bicubic filter
        saw picture only. Where the picture shrinks it is low-passed first.
    """
    import cv2

    height, width = moving.shape[:2]
    middle = np.array([[width / 2, height / 2]])
    steps = move_points(matrix, middle + np.array([[0, 0], [1, 0], [0, 1]]))
    shrink = 1 / np.sqrt(abs(np.linalg.det(np.stack([steps[1] - steps[0], steps[2] - steps[0]]))))
    source = moving
    if shrink > 1.2:
        source = cv2.GaussianBlur(moving, (0, 0), 0.5 * float(np.sqrt(shrink**2 - 1)))
    size = (shape[1], shape[0])
    warped = cv2.warpPerspective(source, matrix, size, flags=cv2.INTER_CUBIC)
    solid = np.zeros((height, width), np.uint8)
    solid[2:-2, 2:-2] = 255
    inside = cv2.warpPerspective(solid, matrix, size, flags=cv2.INTER_NEAREST) > 0
    warped[~inside] = 0
    return np.asarray(warped, np.uint8), inside
