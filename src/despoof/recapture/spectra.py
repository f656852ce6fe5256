"""Power spectra by octave: how much detail of which size, and how much of it two pictures share.

Octave k (0 = finest) holds spatial frequencies in [2^-(k+2), 2^-(k+1)] cycles per pixel.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError

OCTAVES = 5

Plane = NDArray[np.floating]
"""(H, W) floats, one channel."""


@dataclass(frozen=True)
class Transfer:
    """How the details of one plane come back in another one, by octave, finest first.

    Attributes:
        gain: (OCTAVES,) amplitude of the shared part over the first plane's; 1 = kept.
        noise: (OCTAVES,) power of what the second plane has on its own, units squared.
        power: (OCTAVES,) power of the second plane, units squared.
        source: (OCTAVES,) power of the first plane, units squared.
    """

    gain: NDArray[np.float64]
    noise: NDArray[np.float64]
    power: NDArray[np.float64]
    source: NDArray[np.float64]


def octave_power(plane: Plane, tile: int = 64) -> NDArray[np.float64]:
    """Mean power by octave of a plane, finest first.

    Hann-windowed tiles overlapping by half, each freed of its mean. White noise of variance v has
    power v times the octave's share of the frequency plane: the sum over octaves is below v, since
    the corners beyond half a cycle per pixel and the lowest frequencies are in none.

    Returns:
        (OCTAVES,) float64, units of the plane squared.

    Raises:
        InputError: the plane is not 2-D, or smaller than a tile.
    """
    return np.asarray(_band_means(np.abs(_tiles(plane, tile)) ** 2, tile), np.float64)


def octave_transfer(
    first: Plane, second: Plane, inside: NDArray[np.bool_] | None = None, tile: int = 64
) -> Transfer:
    """Split the second plane's detail into what comes from the first plane and what does not.

    Only tiles that lie `inside` count. What is shared is found from the cross spectrum of each
    octave, so what registration missed counts as noise of the fine octaves.

    Raises:
        InputError: shapes differ, or no tile lies inside.
    """
    if first.shape != second.shape:
        raise InputError(f"Planes of {first.shape} and {second.shape}; expected one shape.")
    a, b = _tiles(first, tile, inside), _tiles(second, tile, inside)
    if not len(a):
        raise InputError(f"No tile of {tile} px lies inside; give a larger or fuller picture.")
    source = _band_means(np.abs(a) ** 2, tile)
    power = _band_means(np.abs(b) ** 2, tile)
    shared = _band_means((b * np.conj(a)).real, tile)
    gain = shared / np.maximum(source, 1e-12)
    noise = np.maximum(power - shared**2 / np.maximum(source, 1e-12), 0)
    return Transfer(gain, noise, power, source)


def _tiles(
    plane: Plane, tile: int, inside: NDArray[np.bool_] | None = None
) -> NDArray[np.complex128]:
    if plane.ndim != 2 or min(plane.shape) < tile:
        raise InputError(f"A plane of {plane.shape}; expected (H, W) of at least {tile}×{tile}.")
    window = np.outer(np.hanning(tile + 1)[:-1], np.hanning(tile + 1)[:-1])
    window /= np.sqrt((window**2).mean())
    found: list[NDArray[np.complex128]] = []
    for y in _starts(plane.shape[0], tile):
        for x in _starts(plane.shape[1], tile):
            part = np.s_[y : y + tile, x : x + tile]
            if inside is not None and not inside[part].all():
                continue
            piece = plane[part].astype(np.float64)
            weight = window / window.sum()
            found.append(np.fft.fft2((piece - (piece * weight).sum()) * window) / tile)
    return np.array(found).reshape(-1, tile, tile)


def _starts(length: int, tile: int) -> list[int]:
    last = length - tile
    return sorted({*range(0, last + 1, tile // 2), last})


def _band_means(power: NDArray[np.float64], tile: int) -> NDArray[np.float64]:
    line = np.fft.fftfreq(tile)
    radius = np.hypot(line[:, None], line[None, :])
    mean = power.mean(axis=0)
    edges = [2.0 ** -(k + 1) for k in range(OCTAVES + 1)]
    bands = [(radius <= high) & (radius > low) for high, low in pairwise(edges)]
    return np.array([mean[band].sum() / tile**2 for band in bands])
