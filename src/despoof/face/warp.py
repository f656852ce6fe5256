"""One antialiased similarity warp: picture pixels in, square crop and validity mask out."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from despoof.core.types import Image

PADDING = 127
_TIE = 1e-6  # pixels; rounding must not make a crop pixel that ends on the border invalid
_Window = tuple[int, int, int, int]


def warp(image: Image, matrix: NDArray[np.float64], size: int) -> tuple[Image, NDArray[np.bool_]]:
    """Resample a picture on a square grid.

    Args:
        image: (H, W, 3) uint8.
        matrix: (2, 3), a similarity from crop to picture, both counted from pixel centres.
        size: side S of the crop, pixels.

    Returns:
        (S, S, 3) uint8, grey 127 where invalid, and (S, S) bool, True where the crop pixel's whole
        footprint lies in the picture.
    """
    valid = _footprint_inside(image, matrix, size)
    if not valid.any():
        return np.full((size, size, 3), PADDING, np.uint8), valid
    step = math.hypot(matrix[0, 0], matrix[1, 0])
    upright = matrix[1, 0] == 0 and matrix[0, 0] > 0
    if upright and step >= 1:
        pixels = _shrink(image, matrix, valid)
    else:
        pixels = _turn(image, matrix, size, step)
        if not valid.all():
            pixels[~valid] = PADDING
    return pixels, valid


def _footprint_inside(image: Image, matrix: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    grid = np.arange(size)
    reach = (abs(matrix[0, 0]) + abs(matrix[0, 1])) / 2 - _TIE
    inside = np.ones((size, size), np.bool_)
    for row, extent in zip(matrix, (image.shape[1], image.shape[0]), strict=True):
        place = row[0] * grid[None, :] + row[1] * grid[:, None] + row[2] + 0.5
        inside &= (place - reach >= 0) & (place + reach <= extent)
    return inside


def _shrink(image: Image, matrix: NDArray[np.float64], valid: NDArray[np.bool_]) -> Image:
    # Upright: the valid pixels are a rectangle, and one antialiased resize fills it exactly.
    step = float(matrix[0, 0])
    columns, rows = np.flatnonzero(valid.any(axis=0)), np.flatnonzero(valid.any(axis=1))
    first = matrix[:, 2] + 0.5 + step * (np.array([columns[0], rows[0]]) - 0.5)
    shape = (len(columns), len(rows))
    window = _window(image, first, first + step * np.array(shape), margin=2 * step)
    box = _clamped(first, first + step * np.array(shape), window)
    small = _picture(image, window).resize(shape, Pillow.Resampling.BICUBIC, box=box)
    pixels = np.full((*valid.shape, 3), PADDING, np.uint8)
    pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = np.asarray(small)
    return pixels


def _turn(image: Image, matrix: NDArray[np.float64], size: int, step: float) -> Image:
    # Turned: shrink what is needed to the crop's resolution first, since the bicubic affine
    # filter that follows looks at 4x4 pixels only and would alias.
    corners = np.array([[-0.5, size - 0.5, -0.5, size - 0.5], [-0.5, -0.5, size - 0.5, size - 0.5]])
    seen = matrix[:, :2] @ corners + matrix[:, 2:] + 0.5
    window = _window(image, seen.min(axis=1), seen.max(axis=1), margin=3 * max(step, 1))
    picture = _picture(image, window)
    width, height = (max(1, round(extent / max(step, 1))) for extent in picture.size)
    shape = (width, height)
    ratio = np.divide(shape, picture.size)
    if shape != picture.size:
        picture = picture.resize(shape, Pillow.Resampling.BICUBIC)
    # Pillow's matrix counts from edges on both sides.
    linear = matrix[:, :2]
    shift = matrix[:, 2] + 0.5 - linear @ [0.5, 0.5] - window[:2]
    a, b, c, d, e, f = (np.column_stack([linear, shift]) * ratio[:, None]).ravel().tolist()
    turned = picture.transform(
        (size, size),
        Pillow.Transform.AFFINE,
        (a, b, c, d, e, f),
        Pillow.Resampling.BICUBIC,
        fillcolor=(PADDING, PADDING, PADDING),
    )
    return np.array(turned)


def _window(
    image: Image, low: NDArray[np.float64], high: NDArray[np.float64], margin: float
) -> _Window:
    # Only this part of the picture is converted; a 12-megapixel photograph costs no more.
    height, width = image.shape[:2]
    left, top = (max(0, math.floor(value - margin)) for value in low.tolist())
    right = min(width, math.ceil(float(high[0]) + margin))
    bottom = min(height, math.ceil(float(high[1]) + margin))
    return left, top, right, bottom


def _clamped(
    low: NDArray[np.float64], high: NDArray[np.float64], window: _Window
) -> tuple[float, float, float, float]:
    left, top, right, bottom = window
    x1, y1 = max(0.0, float(low[0]) - left), max(0.0, float(low[1]) - top)
    x2, y2 = min(right, float(high[0])) - left, min(bottom, float(high[1])) - top
    return x1, y1, min(x2, right - left), min(y2, bottom - top)


def _picture(image: Image, window: _Window) -> Pillow.Image:
    left, top, right, bottom = window
    return Pillow.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
