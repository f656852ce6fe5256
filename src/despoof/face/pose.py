"""How a face is turned in the picture, as far as five landmarks can tell."""

import math

import numpy as np
from numpy.typing import NDArray


def roll(landmarks: NDArray[np.floating]) -> float:
    """Return the angle in radians by which the face is turned in the picture; 0 is upright.

    Positive is clockwise on the screen (y points down), in (-pi, pi]. The directions along the
    eyes, along the mouth, and across the line from eyes to mouth are added up, so a longer one
    counts more. Against the roll of a fitted 3-D model on 1,586 faces of CelebA-Spoof this errs by
    4.3 degrees (standard deviation), the eyes alone by 4.7, the median of the three by 4.6.

    Args:
        landmarks: (5, 2), in the order of `Face.landmarks`. Landmarks that are not finite, or that
            all fall on one point, give 0.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = np.asarray(landmarks, dtype=np.float64)
    down = (left_mouth + right_mouth - left_eye - right_eye) / 2
    across = right_eye - left_eye + right_mouth - left_mouth + np.array([down[1], -down[0]])
    if not np.isfinite(across).all() or np.hypot(*across) < 1e-6:
        return 0.0
    return math.atan2(across[1], across[0])
