"""What is not the picture: grain of the paper, mottle of the ink, bands of the print head."""

import cv2
import numpy as np
from numpy.typing import NDArray

from despoof.recapture.inks import Plane


def grain(shape: tuple[int, int], size: float, rng: np.random.Generator) -> Plane:
    """Return band-limited noise, (H, W), mean 0, standard deviation 1.

    Args:
        shape: of the canvas.
        size: of a grain, canvas pixels; below 1 every pixel has its own.
        rng: the chance.
    """
    size = max(1.0, size)
    small = (max(2, round(shape[0] / size)), max(2, round(shape[1] / size)))
    noise: Plane = rng.standard_normal(small, dtype=np.float32)
    if small != shape:
        enlarged = cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
        noise = np.asarray(enlarged, np.float32)
    noise -= noise.mean()
    return noise / max(float(noise.std()), 1e-6)


def bands(length: int, period: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the uneven feed of a print head along one axis, (length,), mean 0, amplitude about 1.

    A sine of that period (canvas pixels) whose strength and phase wander, as gears do.
    """
    place = np.arange(length) / period
    wander = np.interp(np.linspace(0, 1, length), np.linspace(0, 1, 6), rng.uniform(0.3, 1.0, 6))
    drift = np.interp(np.linspace(0, 1, length), np.linspace(0, 1, 6), rng.uniform(0, 0.4, 6))
    wave = wander * np.sin(2 * np.pi * (place + drift + rng.random()))
    return (wave - wave.mean()).astype(np.float32)
