"""Lay a portrait onto the photograph of its print or screen: geometry only, never light.

Light stays as it is, because the change of light is the noise that is looked for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Image
from despoof.recapture.features import Features, find_features, find_homography, match_features
from despoof.recapture.plane import Homography, is_plausible, move_points, warp_plane

MIN_INLIERS = 15
MIN_AGREEMENT = 0.5
"""What makes two pictures a pair; benchmarks/real_pairs.py prints the false matches it lets in."""

Band = NDArray[np.float32]


@dataclass(frozen=True)
class Registration:
    """How one picture lies in another.

    Attributes:
        matrix: (3, 3) float64, moving pixel (x, y, 1) to fixed pixel, counted from pixel centres.
        inliers: feature matches that it explains.
        error_px: median distance of held-out inliers from where the other half's homography puts
            them, pixels of the fixed picture; an upper bound, since it is of half the features.
        residual_px: median displacement that is left between blocks of the two pictures after
            alignment, by correlation: sees bending too. NaN where no block has texture.
        agreement: correlation of the two pictures' details (band-pass luma), in [-1, 1].
        overlap: share of the fixed picture that the moving one covers, in [0, 1].
    """

    matrix: Homography
    inliers: int
    error_px: float
    residual_px: float
    agreement: float
    overlap: float


def register(moving: Image, fixed: Image) -> Registration:
    """Find where the flat picture `moving` is seen in `fixed`.

    Args:
        moving: (H, W, 3) uint8, the genuine picture.
        fixed: (h, w, 3) uint8, a photograph that may show it.

    Raises:
        InputError: not two pictures of at least 32×32 px, or `fixed` does not show `moving`.
    """
    for image in (moving, fixed):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise InputError(f"A picture is (H, W, 3) uint8, got {image.shape} {image.dtype}.")
        if min(image.shape[:2]) < 32:
            raise InputError(f"A picture of {image.shape[:2]} px is too small; 32×32 is the least.")
    found = try_register(moving, fixed, find_features(moving), find_features(fixed))
    if found is None or not is_pair(found):
        seen = (
            "no common plane"
            if found is None
            else f"{found.inliers} matches, {found.agreement:.2f}"
        )
        raise InputError(
            f"The second picture does not show the first one ({seen}; a pair has at least "
            f"{MIN_INLIERS} matches and agreement {MIN_AGREEMENT}). Give a photo of that picture."
        )
    return found


def is_pair(found: Registration) -> bool:
    """Tell whether a registration is good enough to say that one picture shows the other."""
    return found.inliers >= MIN_INLIERS and found.agreement >= MIN_AGREEMENT


def try_register(
    moving: Image, fixed: Image, moving_features: Features, fixed_features: Features
) -> Registration | None:
    """As `register`, with features at hand and nothing refused; None without a common plane."""
    match = match_features(moving_features, fixed_features)
    if match is None or len(match.moving) < 8:
        return None
    shape = (fixed.shape[0], fixed.shape[1])
    target = _details(fixed)
    start = _measure(moving, target, match.matrix, shape)
    matrix = _refine(moving, target, match.matrix)
    end = _measure(moving, target, matrix, shape)
    if end[0] < start[0]:
        matrix, end = match.matrix, start
    agreement, overlap, residual = end
    error = _held_out(match.moving, match.fixed)
    return Registration(matrix, len(match.moving), error, residual, agreement, overlap)


def _details(image: Image) -> Band:
    # What a print keeps of a picture: neither the shading of the light nor the noise.
    import cv2

    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    band = cv2.GaussianBlur(luma, (0, 0), 1.2) - cv2.GaussianBlur(luma, (0, 0), 8)
    strength = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), 16)) + 4
    return np.asarray(band / strength, np.float32)


def _measure(
    moving: Image, target: Band, matrix: Homography, shape: tuple[int, int]
) -> tuple[float, float, float]:
    warped, inside = warp_plane(moving, matrix, shape)
    details = _details(warped)
    solid = _shrunk(inside)
    if solid.sum() < 400:
        return -1.0, 0.0, float("nan")
    agreement = float(np.corrcoef(details[solid], target[solid])[0, 1])
    return agreement, float(inside.mean()), _block_shift(details, target, solid)


def _shrunk(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    # Details near the border are of the border.
    import cv2

    padded = np.pad(inside.astype(np.uint8), 1)
    return cv2.erode(padded, np.ones((17, 17), np.uint8))[1:-1, 1:-1] > 0


def _refine(moving: Image, target: Band, matrix: Homography) -> Homography:
    import cv2

    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-6)
    start = np.linalg.inv(matrix)
    try:  # ECC (Evangelidis & Psarakis 2008): blind to gain and offset; its matrix goes backwards
        _, back = cv2.findTransformECC(
            target,
            _details(moving),
            (start / start[2, 2]).astype(np.float32),
            cv2.MOTION_HOMOGRAPHY,
            criteria,
            np.full(moving.shape[:2], 255, np.uint8),
            3,
        )
        better = np.linalg.inv(np.asarray(back, np.float64))
    except (cv2.error, np.linalg.LinAlgError):  # it did not converge: the features' answer stands
        return matrix
    better /= better[2, 2]
    return better if is_plausible(better, (moving.shape[0], moving.shape[1])) else matrix


def _held_out(moving: NDArray[np.float32], fixed: NDArray[np.float32]) -> float:
    errors: list[NDArray[np.float64]] = []
    for part in (0, 1):
        held = np.arange(len(moving)) % 2 == part
        matrix, _ = find_homography(moving[~held], fixed[~held])
        if matrix is None:
            return float("nan")
        gone = move_points(matrix, moving[held])
        errors.append(np.linalg.norm(gone - fixed[held], axis=1))
    return float(np.median(np.concatenate(errors)))


def _block_shift(a: Band, b: Band, solid: NDArray[np.bool_], side: int = 48) -> float:
    import cv2

    window = cv2.createHanningWindow((side, side), cv2.CV_32F)
    shifts: list[float] = []
    for y in range(0, a.shape[0] - side + 1, side // 2):
        for x in range(0, a.shape[1] - side + 1, side // 2):
            part = np.s_[y : y + side, x : x + side]
            if not solid[part].all():
                continue
            (dx, dy), response = cv2.phaseCorrelate(a[part], b[part], window)
            if response > 0.15:
                shifts.append(float(np.hypot(dx, dy)))
    return float(np.median(shifts)) if shifts else float("nan")
