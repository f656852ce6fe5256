"""What spoils a picture of a face: blur, noise, blocks of compression, a covered chin.

Measures alone, pure functions of pixels; which value is too much decides `quality.QualityPolicy`.
Medians below are of 521 live faces of three development sets, or of 89 of them disturbed
(`benchmarks/quality_gate.py`).
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from despoof.core.types import Box, Image

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue (BT.601)."""

_SIDE = 512  # px: of a larger face, only the middle is measured
_BLOCK = 8  # px, side of a block of JPEG and of most video codecs


def face_luma(image: Image, box: Box) -> NDArray[np.float64]:
    """Return the luma (0 to 255) of a face's box as it lies in the picture, [h, w].

    Of boxes beyond 512 px a side only the middle; [0, 0] where the box shows nothing of the
    picture.
    """
    height, width = image.shape[:2]
    rows = _span(box[1], box[3], height)
    columns = _span(box[0], box[2], width)
    return image[rows, columns].astype(np.float64) @ LUMA


def blockiness(luma: NDArray[np.floating]) -> float:
    """Return how much larger the steps between blocks of 8 pixels are than all others.

    Along both axes: the excess of a difference over the mean of its two neighbours, averaged over
    every eighth place, for the place where it is largest, over the mean difference; the smaller
    of both axes. So it depends neither on contrast nor on where the grid begins. 0 for a picture
    below 24 pixels. Medians of live faces: .04 to .24 by set; after JPEG (4:2:0) of quality 30
    .55, 15 1.07, 7 1.83. Scaled after compression, a picture shows no grid.

    Args:
        luma: [h, w] of the picture as it is, not scaled.
    """
    if min(luma.shape) < 3 * _BLOCK:
        return 0.0
    return min(_block_excess(luma), _block_excess(luma.T))


def noise_level(luma: NDArray[np.floating]) -> float:
    """Return the standard deviation of the noise, in the units of `luma`.

    Immerkær's mask (CVIU 64, 1996), which sees neither gradients nor straight edges, with the
    median of its magnitudes instead of the mean, so that features of the face do not count.
    Noise of single channels is averaged by the luma: white noise of sd 20 in each gives 13.

    Args:
        luma: [h, w] of the picture as it is, not scaled; below 3 pixels the answer is 0.
    """
    if min(luma.shape) < 3:
        return 0.0
    once = luma[:-2] - 2 * luma[1:-1] + luma[2:]
    found = once[:, :-2] - 2 * once[:, 1:-1] + once[:, 2:]
    return float(np.median(np.abs(found)) / (6 * 0.6745))


def chin_gap(look: Image) -> float:
    """Return how far the chin's colour is from the cheeks', in levels of chroma (Cb, Cr).

    Medians of both areas. A darker chin is compared with cheeks as dark, for a beard or shade is
    no cover: chroma falls with the luma. Medians of live faces: 4.1 to 6.1 by set, at most 25;
    under a flat cover of another colour 50.

    Args:
        look: [64, 64, 3], the box of a face and nothing else.
    """
    colour = np.asarray(Pillow.fromarray(look).convert("YCbCr"), np.float64) - [0, 128, 128]
    cheeks, chin = (np.median(part.reshape(-1, 3), axis=0) for part in _parts(colour))
    shade = min(1.0, (chin[0] + 1) / (cheeks[0] + 1))
    return float(np.hypot(*(chin - shade * cheeks)[1:]))


def chin_texture(look: Image) -> float:
    """Return the standard deviation of the chin's luma; near 0 = one flat colour, no skin.

    Args:
        look: as for `chin_gap`.
    """
    return float(_parts(look.astype(np.float64) @ LUMA)[1].std())


def sharpness(luma: NDArray[np.floating], inside: NDArray[np.bool_]) -> float:
    """Return how fine the finest detail of a picture is; 0 for a flat one.

    The ratio of second to first differences (root mean squares): contrast cancels out, and a blur
    lowers it. Medians of faces at 64 px: 1.26 to 1.41 by set; blurred with a standard deviation
    of 1 % of the face's size .92, of 1.5 % .71, of 2.2 % .51, of 3 % .40.

    Args:
        luma: (S, S), 0 to 255.
        inside: (S, S) bool, which pixels count.
    """
    core = luma[1:-1, 1:-1]
    counts = inside[1:-1, 1:-1] & inside[:-2, 1:-1] & inside[2:, 1:-1]
    counts &= inside[1:-1, :-2] & inside[1:-1, 2:]
    if not counts.any():
        return 0.0
    right, below = luma[1:-1, 2:], luma[2:, 1:-1]
    left, above = luma[1:-1, :-2], luma[:-2, 1:-1]
    bend = 4 * core - left - right - above - below
    slope = ((right - left) ** 2 + (below - above) ** 2) / 4
    # One grey level beneath, so that the noise of a flat picture does not look sharp.
    return math.sqrt((bend[counts] ** 2).mean()) / (math.sqrt(slope[counts].mean()) + 1)


def _span(low: float, high: float, limit: int) -> slice:
    first, last = max(0, math.floor(low)), min(limit, math.ceil(high))
    spare = max(0, last - first - _SIDE) // 2
    return slice(first + spare, max(first, last - spare))


def _block_excess(luma: NDArray[np.floating]) -> float:
    step = np.abs(np.diff(luma, axis=1))
    excess = step[:, 1:-1] - (step[:, :-2] + step[:, 2:]) / 2
    places = [excess[:, place::_BLOCK].mean() for place in range(_BLOCK)]
    # Half a grey level beneath: a picture without any steps has no blocks.
    return float(max(places) / (step.mean() + 0.5))


def _parts(look: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cut cheeks (between eyes and mouth) and chin out of a look of 64 pixels."""
    return look[26:38, 16:48], look[46:60, 20:44]
