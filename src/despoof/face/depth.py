"""Relief labels of face crops: what a live face's depth map should look like.

`LandmarkDepth` needs nothing but five landmarks. `TddfaDepth` (in tddfa.py) fits a morphable model
that the user brings. Both say what the face prior sees: a photograph of a face has a relief too.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from despoof.core.types import Face, FaceCrop
from despoof.face.camera import CANONICAL, Camera, fit_camera
from despoof.face.crop import to_crop
from despoof.face.relief import splat


class DepthLabeller(Protocol):
    """Anything that gives a face crop its relief."""

    def __call__(self, crop: FaceCrop) -> NDArray[np.float32]:
        """Return (32, 32) float32 in [0, 1] over the crop: nearest 1, outside the face 0."""
        ...


@dataclass(frozen=True)
class LandmarkDepth:
    """A generic head's relief, turned and stretched to fit the five landmarks; a `DepthLabeller`.

    A face without landmarks is taken to look at the camera and to fill its box.
    """

    def __call__(self, crop: FaceCrop) -> NDArray[np.float32]:
        """Return the (32, 32) float32 relief of a crop; all 0 where the face lies outside it."""
        camera = None
        if crop.face.landmarks is not None:
            camera = _camera(crop.face.landmarks, crop)
        if camera is None:
            camera = _camera(_landmarks_in(crop.face), crop)
        if camera is None:  # a box of no size
            return np.zeros((32, 32), np.float32)
        return splat(camera.project(_HEAD), len(crop.image))


def _camera(landmarks: NDArray[np.floating], crop: FaceCrop) -> Camera | None:
    return fit_camera(to_crop(landmarks - 0.5, crop.matrix) + 0.5)


def _landmarks_in(face: Face) -> NDArray[np.float64]:
    # Measured on detector boxes: the eyes are at 0.39 of the height, and 0.49 of the width apart.
    x1, y1, x2, y2 = face.box
    eyes = np.array([(x1 + x2) / 2, y1 + 0.39 * (y2 - y1)])
    return eyes + CANONICAL[:, :2] * [0.49 * (x2 - x1), 0.36 * (y2 - y1)]


def _head() -> NDArray[np.float64]:
    """Return (N, 3) points of a generic head, in the unit of `CANONICAL`.

    An upright elliptic cylinder that narrows to chin and brow, a wedge for the nose, a swelling for
    the lips. Nothing in it was measured on anybody.
    """
    across, y = np.meshgrid(np.linspace(-1, 1, 141), np.linspace(-0.68, 1.84, 141))
    middle = 0.45
    reach = np.where(y < middle, middle + 0.68, 1.84 - middle)
    x = 1.14 * across * np.sqrt(np.clip(1 - ((y - middle) / reach) ** 2, 0, None))
    z = 1.35 * np.sqrt(1 - across**2) - 1.2 - 0.25 * ((y - middle) / 1.39) ** 2
    slope = np.interp(y, [-0.1, 0.57, 0.78], [0, 1, 0])
    z += 0.43 * slope * np.exp(-((x / (0.1 + 0.1 * slope)) ** 2))
    z += 0.1 * np.exp(-((x / 0.35) ** 2) - ((y - 1.08) / 0.2) ** 2)
    return np.stack([x, y, z], axis=-1).reshape(-1, 3)


_HEAD = _head()
