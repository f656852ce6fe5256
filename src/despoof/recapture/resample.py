"""Blur, scale and sample arrays of light: OpenCV's filters with the types of this room."""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""(H, W) or (H, W, C) float32."""


def blur(values: Plane, sigma: float) -> Plane:
    """Gaussian blur, mirrored at the border; sigma in pixels."""
    blurred = cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, np.float32)


def enlarged(values: Plane, size: tuple[int, int]) -> Plane:
    """Interpolate linearly to a height and width."""
    return np.asarray(cv2.resize(values, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def averaged(values: Plane, size: tuple[int, int]) -> Plane:
    """Average over areas down to a height and width."""
    return np.asarray(cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA), np.float32)


def fitted(values: Plane, size: tuple[int, int]) -> Plane:
    """Bring to a height and width: averaged where that is smaller, cubic where it is larger."""
    if size[0] * size[1] < values.shape[0] * values.shape[1]:
        return averaged(values, size)
    return np.asarray(cv2.resize(values, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def dimmed(light: Plane, factor: Plane) -> Plane:
    """Multiply (H, W, 3) light by an (H, W) factor: three times as fast as numpy broadcasts it."""
    return np.asarray(cv2.multiply(light, cv2.merge((factor, factor, factor))), np.float32)


def sampled(values: Plane, places: Plane) -> Plane:
    """Sample at (H, W, 2) positions x, y, linearly; beyond the border is the border's value."""
    x, y = cv2.split(places)
    found = cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)
