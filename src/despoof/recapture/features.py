"""Local features of a picture, and the homography that two pictures' features agree on.

SIFT, because it survives what a print or a screen does to light: it looks at gradient directions,
and a homography of many matches can hardly come about by chance.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from despoof.core.types import Image
from despoof.recapture.plane import Homography, is_plausible

WORKING_SIDE = 448
"""Smaller pictures are enlarged to this side: a print seen by a phone keeps few strong corners."""

RATIO = 0.8  # Lowe 2004, §7.1
TOLERANCE = 2.0  # pixels of the fixed picture


@dataclass(frozen=True)
class Features:
    """Keypoints of one picture.

    Attributes:
        points: (N, 2) float32, x and y in pixels, counted from pixel centres.
        descriptors: (N, 128) float32, RootSIFT, unit length.
        shape: height and width of the picture, pixels.
    """

    points: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    shape: tuple[int, int]


@dataclass(frozen=True)
class Match:
    """Feature matches that one homography explains.

    Attributes:
        matrix: (3, 3) float64, moving pixel (x, y, 1) to fixed pixel, last entry 1.
        moving: (N, 2) float32, inliers in the moving picture, pixels.
        fixed: (N, 2) float32, the same in the fixed picture.
        tried: matches that passed the ratio test, inliers or not.
    """

    matrix: NDArray[np.float64]
    moving: NDArray[np.float32]
    fixed: NDArray[np.float32]
    tried: int


def find_features(image: Image, limit: int = 1200) -> Features:
    """Find at most `limit` SIFT keypoints of a (H, W, 3) uint8 picture.

    A picture without corners has none: (0, 2) points.
    """
    import cv2

    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = max(1.0, WORKING_SIDE / max(height, width))
    if scale > 1:
        size = (round(width * scale), round(height * scale))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC)
    sift = cv2.SIFT.create(limit, contrastThreshold=0.015, enable_precise_upscale=True)
    keys, found = sift.detectAndCompute(grey, None)
    if not keys:
        return Features(
            np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32), (height, width)
        )
    points = np.array([key.pt for key in keys], np.float32)
    ratio = np.array([width / grey.shape[1], height / grey.shape[0]], np.float32)
    descriptors = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-6)
    return Features((points + 0.5) * ratio - 0.5, np.sqrt(descriptors), (height, width))


def match_features(moving: Features, fixed: Features) -> Match | None:
    """Find the homography most matches agree on; None without four, or where it is no view.

    Deterministic: OpenCV's MAGSAC starts from a fixed seed of its own.
    """
    if min(len(moving.points), len(fixed.points)) < 4:
        return None
    likeness = moving.descriptors @ fixed.descriptors.T
    forth = _ratio_test(likeness)
    back = _ratio_test(likeness.T)
    pairs = np.array([(i, j) for i, j in forth.items() if back.get(j, i) == i], np.intp)
    if len(pairs) < 4:
        return None
    source, target = moving.points[pairs[:, 0]], fixed.points[pairs[:, 1]]
    matrix, chosen = find_homography(source, target, robust=True)
    if matrix is None or not is_plausible(matrix, moving.shape):
        return None
    inlier = _distinct(source, target, chosen)
    return Match(matrix, source[inlier], target[inlier], len(pairs))


def find_homography(
    source: NDArray[np.float32], target: NDArray[np.float32], robust: bool = False
) -> tuple[Homography | None, NDArray[np.bool_]]:
    """Fit a homography to (N, 2) points of two pictures, N at least 4.

    Args:
        source: points in the moving picture, pixels.
        target: the same points in the fixed picture.
        robust: by MAGSAC with TOLERANCE, else by least squares of all points.

    Returns:
        (3, 3), or None where the points lie on a line; and (N,) bool, the inliers.
    """
    import cv2

    method = cv2.USAC_MAGSAC if robust else 0
    found = cv2.findHomography(source, target, method, TOLERANCE, maxIters=5000, confidence=0.999)
    # The stubs do not know that OpenCV returns None for points without a homography.
    matrix = cast(NDArray[np.float64] | None, found[0])
    if matrix is None or abs(matrix[2, 2]) < 1e-9:
        return None, np.zeros(len(source), np.bool_)
    return matrix / matrix[2, 2], found[1].ravel().astype(np.bool_)


def _ratio_test(likeness: NDArray[np.float32]) -> dict[int, int]:
    # Rows to columns. Descriptors have length one: distance² = 2 − 2 × likeness.
    best = np.argmax(likeness, axis=1)
    rows = np.arange(len(likeness))
    first = likeness[rows, best]
    rest = likeness.copy()
    rest[rows, best] = -1
    near, next_near = (np.sqrt(np.maximum(2 - 2 * v, 0)) for v in (first, rest.max(axis=1)))
    kept = np.flatnonzero(near < RATIO * next_near)
    return dict(zip(kept.tolist(), best[kept].tolist(), strict=True))


def _distinct(
    source: NDArray[np.float32], target: NDArray[np.float32], inlier: NDArray[np.bool_]
) -> NDArray[np.intp]:
    # SIFT puts several keypoints (one per direction) on one place: they are one piece of evidence.
    chosen = np.flatnonzero(inlier)
    places = np.hstack([np.rint(source[chosen]), np.rint(target[chosen])])
    _, first = np.unique(places, axis=0, return_index=True)
    return chosen[np.sort(first)]
