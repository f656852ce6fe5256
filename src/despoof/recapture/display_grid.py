"""The pixels of a display as light on the canvas: integrated over canvas pixels, without alias.

A grid is a sum of plane waves, and a wave over a rectangle is a product of one wave across and one
wave down. So the whole grid is one product of two thin matrices, exact to rounding. A wave above
the canvas' own limit is left out: what remains can only alias in the sensor, as in a camera.
"""

import numpy as np
from numpy.typing import NDArray

from despoof.recapture.subpixels import Layout, cell_of, coefficients

_FAINT = 5e-4
"""Waves weaker than this, relative to the mean light, are not drawn."""


def pixel_grid(
    shape: tuple[int, int],
    *,
    layout: Layout,
    fill: tuple[float, float],
    pitch: float,
    angle: float,
    phase: tuple[float, float],
    oversampling: int,
) -> NDArray[np.float32] | None:
    """Return the gain by which the sub-pixels modulate an even light.

    Args:
        shape: height and width of the canvas.
        layout: of the sub-pixels.
        fill: open share of a sub-pixel's width and height.
        pitch: of the display's pixels, sensor pixels.
        angle: from the sensor's rows to the display's, radians.
        phase: of the grid at the canvas' corner, pixels of the display.
        oversampling: canvas pixels in a sensor pixel, along one axis.

    Returns:
        (H, W, 3) float32 with mean 1; None where the grid is too fine for the canvas, so that
        nothing of it is left.
    """
    height, width = shape
    size = pitch * oversampling  # of a display pixel, canvas pixels
    cell = cell_of(layout)
    order = int(np.ceil(size * max(cell) / np.sqrt(2)))
    m, n = np.meshgrid(np.arange(-order, order + 1), np.arange(-order, order + 1))
    cos, sin = np.cos(angle) / size, np.sin(angle) / size
    fx = m / cell[0] * cos - n / cell[1] * sin  # cycles per canvas pixel
    fy = m / cell[0] * sin + n / cell[1] * cos
    half = (m > 0) | ((m == 0) & (n > 0))  # the other half is its conjugate
    seen = half & (np.abs(fx) < 0.5) & (np.abs(fy) < 0.5)
    shift = np.exp(2j * np.pi * (m / cell[0] * phase[0] + n / cell[1] * phase[1]))
    area = np.sinc(fx) * np.sinc(fy)  # a canvas pixel collects light, it does not pick a point
    waves = 2 * coefficients(layout, fill, order) * (shift * area)[..., None]
    seen &= np.abs(waves).max(axis=2) > _FAINT
    if not seen.any():
        return None
    fx, fy, waves = fx[seen], fy[seen], waves[seen]
    across = np.exp(2j * np.pi * np.outer(fx, np.arange(width) + 0.5))[..., None] * waves[:, None]
    down = np.exp(2j * np.pi * np.outer(np.arange(height) + 0.5, fy))
    left = np.hstack([down.real, -down.imag]).astype(np.float32)
    right = np.vstack([across.real, across.imag]).astype(np.float32)
    return 1 + (left @ right.reshape(len(right), -1)).reshape(height, width, 3)
