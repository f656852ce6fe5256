"""Sub-pixel layouts of displays, as the Fourier coefficients of what shines in one cell."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Layout = Literal["rgb", "bgr", "vertical", "rgbg", "diamond", "rgbw"]
"""Stripes in two orders, stripes that lie, PenTile stripes, PenTile diamonds, RGB with white."""

_RED, _GREEN, _BLUE, _WHITE = (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)


@dataclass(frozen=True)
class Lamp:
    """One sub-pixel at full aperture; lengths in pixels of the panel.

    Attributes:
        colour: which of R, G, B it feeds.
        x: middle, along a row.
        y: middle, down a column.
        width: across; of a diamond, between its corners.
        height: likewise.
        diamond: a square that stands on its corner instead of a rectangle.
    """

    colour: tuple[int, int, int]
    x: float
    y: float
    width: float
    height: float
    diamond: bool = False


_THIRD = 1 / 3
_LAMPS: dict[Layout, tuple[Lamp, ...]] = {
    "rgb": tuple(
        Lamp(colour, (2 * i + 1) / 6, 0.5, _THIRD, 1)
        for i, colour in enumerate((_RED, _GREEN, _BLUE))
    ),
    "bgr": tuple(
        Lamp(colour, (2 * i + 1) / 6, 0.5, _THIRD, 1)
        for i, colour in enumerate((_BLUE, _GREEN, _RED))
    ),
    "vertical": tuple(
        Lamp(colour, 0.5, (2 * i + 1) / 6, 1, _THIRD)
        for i, colour in enumerate((_RED, _GREEN, _BLUE))
    ),
    # Two pixels share one red and one blue; green is narrow and has its own.
    "rgbg": (
        Lamp(_RED, 0.35, 0.5, 0.7, 1),
        Lamp(_GREEN, 0.85, 0.5, 0.3, 1),
        Lamp(_BLUE, 1.35, 0.5, 0.7, 1),
        Lamp(_GREEN, 1.85, 0.5, 0.3, 1),
    ),
    # Greens on a square lattice, reds and blues on the two colours of a chessboard between them.
    "diamond": (
        *(Lamp(_GREEN, x + 0.5, y + 0.5, 0.62, 0.62, True) for x in (0, 1) for y in (0, 1)),
        *(Lamp(_RED, x, x, 0.8, 0.8, True) for x in (0, 1)),
        *(Lamp(_BLUE, x, 1 - x, 0.8, 0.8, True) for x in (0, 1)),
    ),
    # Quarters of a double pixel.
    "rgbw": (
        Lamp(_RED, 0.5, 0.5, 1, 1),
        Lamp(_GREEN, 1.5, 0.5, 1, 1),
        Lamp(_BLUE, 0.5, 1.5, 1, 1),
        Lamp(_WHITE, 1.5, 1.5, 1, 1),
    ),
}
_CELLS: dict[Layout, tuple[int, int]] = {"rgbg": (2, 1), "diamond": (2, 2), "rgbw": (2, 2)}


def cell_of(layout: Layout) -> tuple[int, int]:
    """Return width and height of the layout's repeating cell in pixels of the panel."""
    return _CELLS.get(layout, (1, 1))


@lru_cache(maxsize=256)
def coefficients(layout: Layout, fill: tuple[float, float], order: int) -> NDArray[np.complex128]:
    """Return what shines, as a Fourier series over one cell.

    Args:
        layout: of the sub-pixels.
        fill: share of a sub-pixel's width and height that the black matrix leaves open.
        order: harmonics of the cell from −order to order along both axes.

    Returns:
        (2·order + 1, 2·order + 1, 3) complex; [order + n, order + m, c] is the coefficient of
        exp 2πi(m x / cell width + n y / cell height) for channel c. The mean of every channel is 1.
    """
    wide, high = cell_of(layout)
    steps = np.arange(-order, order + 1)
    fx, fy = np.meshgrid(steps / wide, steps / high)
    series = np.zeros((*fx.shape, 3), np.complex128)
    for lamp in _LAMPS[layout]:
        a, b = lamp.width * fill[0], lamp.height * fill[1]
        if lamp.diamond:
            size = a * b / 2 * np.sinc((a * fx + b * fy) / 2) * np.sinc((a * fx - b * fy) / 2)
        else:
            size = a * b * np.sinc(a * fx) * np.sinc(b * fy)
        wave = size * np.exp(-2j * np.pi * (fx * lamp.x + fy * lamp.y))
        series += wave[..., None] * np.asarray(lamp.colour)
    return series / series[order, order]
