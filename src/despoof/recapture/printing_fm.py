"""Stochastic (FM) halftone: dots of one size, spread as blue noise."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from despoof.recapture.inks import Plane

_SIDE = 128


def stochastic_dots(coverage: Plane, *, dot: float, offset: tuple[int, int]) -> Plane:
    """Return the dots that print a coverage.

    Args:
        coverage: (H, W) in [0, 1], as it is wanted on average.
        dot: side of a dot, canvas pixels. Below 1 no dots are left: blue noise averages out.
        offset: into the pattern, dots; another one for every ink.

    Returns:
        (H, W) ink in [0, 1].
    """
    if dot < 1:
        return coverage
    height, width = coverage.shape
    rows, columns = max(1, round(height / dot)), max(1, round(width / dot))
    means = cv2.resize(coverage, (columns, rows), interpolation=cv2.INTER_AREA)
    pattern = blue_noise()
    y = (np.arange(rows) + offset[0]) % _SIDE
    x = (np.arange(columns) + offset[1]) % _SIDE
    dots = (means > pattern[y[:, None], x]).astype(np.float32)
    # Enlarging by area shares a canvas pixel among the dots that it covers.
    return np.asarray(cv2.resize(dots, (width, height), interpolation=cv2.INTER_AREA), np.float32)


@lru_cache(maxsize=1)
def blue_noise() -> NDArray[np.float32]:
    """Return (128, 128) thresholds, every rank once, in (0, 1), without low frequencies.

    White noise whose low frequencies are taken away and whose ranks are made even again, until
    both hold.
    """
    fy, fx = np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE)
    keep = 1 - np.exp(-(fx**2 + fy**2) / (2 * 0.22**2))
    noise = np.random.default_rng(1987).random((_SIDE, _SIDE))
    for _ in range(40):
        smooth = np.fft.irfft2(np.fft.rfft2(noise - noise.mean()) * keep, s=noise.shape)
        ranks = np.empty(noise.size)
        ranks[smooth.ravel().argsort()] = np.arange(noise.size)
        noise = ((ranks + 0.5) / noise.size).reshape(noise.shape)
    return noise.astype(np.float32)
