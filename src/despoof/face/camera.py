"""From five landmarks in a picture to the camera that sees a generic head there."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.face.pose import roll

CANONICAL: NDArray[np.float64] = np.array(
    [[-0.5, 0, 0], [0.5, 0, 0], [0, 0.57, 0.58], [-0.41, 1.07, -0.04], [0.41, 1.07, -0.04]]
)
"""(5, 3) landmarks of a generic head: x right, y down, z towards the viewer; unit: the distance
between the eyes, whose middle is the origin. Rounded anthropometric proportions."""

_STIFFNESS = 0.03  # how much a plain frontal view is preferred to what noisy landmarks suggest


@dataclass(frozen=True)
class Camera:
    """A weak-perspective camera.

    Attributes:
        linear: (2, 3), canonical units to pixels; not quite a scaled rotation, since it also takes
            up how this face differs from the generic one.
        shift: (2,), pixels, where the middle between the eyes is seen.
        rotation: (3, 3), the rotation nearest to `linear`.
    """

    linear: NDArray[np.float64]
    shift: NDArray[np.float64]
    rotation: NDArray[np.float64]

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take (N, 3) canonical points to (N, 3): pixels x and y, and nearness in pixels."""
        size = math.sqrt(np.linalg.norm(self.linear[0]) * np.linalg.norm(self.linear[1]))
        return np.column_stack(
            [points @ self.linear.T + self.shift, points @ self.rotation[2] * size]
        )

    def angles(self) -> tuple[float, float]:
        """Return yaw and pitch in degrees; 0 looks at the camera.

        Positive yaw: the nose points to the right of the picture. Positive pitch: down.
        """
        gaze = self.rotation[:, 2]
        yaw = math.atan2(gaze[0], gaze[2])
        return math.degrees(yaw), math.degrees(math.asin(max(-1.0, min(1.0, gaze[1]))))


def fit_camera(landmarks: NDArray[np.floating]) -> Camera | None:
    """Fit the camera by least squares, drawn a little towards a frontal view.

    Args:
        landmarks: (5, 2), pixels, in the order of `Face.landmarks`.

    Returns:
        None where the landmarks are not finite or all but fall on one point.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if not np.isfinite(points).all():
        return None
    flat = CANONICAL[:, :2] - CANONICAL[:, :2].mean(axis=0)
    seen = points - points.mean(axis=0)
    size = math.sqrt((seen**2).sum() / (flat**2).sum())
    if size < 1e-3:
        return None
    angle = roll(points)
    cos, sin = size * math.cos(angle), size * math.sin(angle)
    frontal = np.array([[cos, -sin, 0], [sin, cos, 0]])
    solid = CANONICAL - CANONICAL.mean(axis=0)
    normal = solid.T @ solid + _STIFFNESS * np.eye(3)
    linear = np.linalg.solve(normal, solid.T @ seen + _STIFFNESS * frontal.T).T
    u, _, vt = np.linalg.svd(linear, full_matrices=False)
    rows = u @ vt
    rotation = np.vstack([rows, np.cross(rows[0], rows[1])])
    shift = points.mean(axis=0) - linear @ CANONICAL.mean(axis=0)
    return Camera(linear=linear, shift=shift, rotation=rotation)
