"""How a face is turned, as far as five landmarks can tell."""

import math

import numpy as np
from numpy.typing import NDArray


def roll(landmarks: NDArray[np.floating]) -> float:
    """Return the angle in radians by which the face is turned in the picture; 0 is upright.

    Positive is clockwise on the screen (y points down), in (-pi, pi]. Three directions vote: along
    the eyes, along the mouth, and across the line from eyes to mouth; the middle one wins, so one
    landmark that is far off (a hand over the mouth, a lock over an eye) moves it little.

    Args:
        landmarks: (5, 2), in the order of `Face.landmarks`. Landmarks that are not finite, or that
            all fall on one point, give 0.
    """
    left_eye, right_eye, _, left_mouth, right_mouth = np.asarray(landmarks, dtype=np.float64)
    down = (left_mouth + right_mouth - left_eye - right_eye) / 2
    across = np.array([right_eye - left_eye, right_mouth - left_mouth, [down[1], -down[0]]])
    mean = across.sum(axis=0)
    if not np.isfinite(mean).all() or np.hypot(*mean) < 1e-6:
        return 0.0
    middle = math.atan2(mean[1], mean[0])
    # Angles relative to the mean, so that the median does not jump where the angle wraps.
    apart = np.arctan2(across[:, 1], across[:, 0]) - middle
    turned = middle + float(np.median((apart + math.pi) % (2 * math.pi) - math.pi))
    return math.remainder(turned, 2 * math.pi)
