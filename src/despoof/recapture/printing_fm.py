"""Stochastic (FM) halftone: dots of one size, spread as blue noise."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from despoof.recapture.inks import Plane

_SIDE = 64


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
    """Return (64, 64) thresholds, every rank once, in (0, 1), without low frequencies.

    Void and cluster (Ulichney 1993): a dot more goes where dots are farthest, a dot less where they
    are densest, by a Gaussian sum over the dots of a tile that repeats.
    """
    axis = (np.arange(_SIDE) + _SIDE // 2) % _SIDE - _SIDE // 2
    bell = np.exp(-(axis**2) / (2 * 1.5**2))
    near = np.tile(np.outer(bell, bell), (2, 2))
    noise = np.random.default_rng(1993).random(_SIDE**2) * 1e-6  # decides between equals
    crowding = noise.copy()
    on = np.zeros(_SIDE**2, bool)

    def turn(place: int) -> None:
        row, column = divmod(place, _SIDE)
        bump = near[_SIDE - row : 2 * _SIDE - row, _SIDE - column : 2 * _SIDE - column].ravel()
        crowding[:] += -bump if on[place] else bump
        on[place] = not on[place]

    def densest() -> int:
        return int(np.where(on, crowding, -np.inf).argmax())

    def emptiest() -> int:
        return int(np.where(on, np.inf, crowding).argmin())

    first = _SIDE**2 // 10
    for place in np.random.default_rng(1).permutation(_SIDE**2)[:first].tolist():
        turn(place)
    while True:  # spread the first dots evenly
        taken = densest()
        turn(taken)
        void = emptiest()
        turn(void)
        if void == taken:
            break
    ranks = np.empty(_SIDE**2)
    start = on.copy(), crowding.copy()
    for rank in range(first - 1, -1, -1):
        place = densest()
        ranks[place] = rank
        turn(place)
    on[:], crowding[:] = start
    for rank in range(first, _SIDE**2):
        place = emptiest()
        ranks[place] = rank
        turn(place)
    return ((ranks + 0.5) / _SIDE**2).reshape(_SIDE, _SIDE).astype(np.float32)
