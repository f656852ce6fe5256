"""Octave bands of a square picture's spectrum, and an error that weighs them all alike."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FIRST_EDGE = 4.0
"""Cycles per picture below which everything is one band: shading, exposure, colour."""


@lru_cache(maxsize=8)
def octaves(side: int) -> NDArray[np.int64]:
    """Number the octave of every coefficient of `rfft2` of a (side, side) picture.

    Bands by radial frequency in cycles per picture: 0–4, 4–8, 8–16, … The corners beyond the
    Nyquist frequency side / 2 belong to the last band that begins below it.

    Returns:
        (side, side // 2 + 1), 0 for the lowest band. Do not write to it.

    >>> octaves(16)[0].tolist()
    [0, 0, 0, 0, 1, 1, 1, 1, 1]
    """
    down = np.fft.fftfreq(side, 1 / side)[:, None]
    along = np.fft.rfftfreq(side, 1 / side)[None, :]
    radius = np.hypot(down, along)
    band = 1 + np.floor(np.log2(np.maximum(radius, FIRST_EDGE) / FIRST_EDGE)).astype(np.int64)
    band[radius < FIRST_EDGE] = 0
    return np.minimum(band, octave_count(side) - 1)


def octave_count(side: int) -> int:
    """Return how many bands `octaves` has: all that begin below the Nyquist frequency.

    >>> [octave_count(side) for side in (16, 32, 112, 128, 256)]
    [2, 3, 5, 5, 6]
    """
    return 1 + max(0, int(np.ceil(np.log2(side / 2 / FIRST_EDGE))))


def band_energy(pictures: Tensor) -> Tensor:
    """(B, C, S, S) real to (B, bands): mean |FFT|² (orthonormal) of each octave."""
    side = pictures.shape[-1]
    power = torch.fft.rfft2(pictures.float(), norm="ortho").abs().square().mean(dim=1).flatten(1)
    band = torch.from_numpy(octaves(side)).to(pictures.device).flatten()
    totals = power.new_zeros(len(power), octave_count(side)).index_add(1, band, power)
    return totals / torch.bincount(band, minlength=octave_count(side))


def whitened_error(error: Tensor, reference: Tensor, floor: float = 1e-5) -> Tensor:
    """Root-mean-square error of each octave relative to that of a reference, averaged over octaves.

    A plain pixel loss is nearly all low frequency, so a regressor blurs what is finer; here every
    octave counts the same. 1 is the loss of an answer of zero on pictures like the reference.

    Args:
        error: (B, C, S, S) estimate − truth.
        reference: (N ≥ 1, C, S, S) true noise; its mean band energies are the unit.
        floor: added to all energies, [-1, 1] units squared, so that an empty band is no division
            by zero and no root of it.

    Returns:
        (B,) at least 0.

    Source: SPEC §8.4, level 4 ("weight FFT bands equally (whitened spectrum loss)").
    """
    return octave_error(error, band_energy(reference.detach()).mean(dim=0), floor)


def octave_error(error: Tensor, unit: Tensor, floor: float = 1e-5) -> Tensor:
    """`whitened_error` by band energies that were measured before.

    Args:
        error: (B, C, S, S) estimate − truth.
        unit: (bands,) mean energy of each octave of the truth, see `band_energy`.
        floor: see `whitened_error`.

    Returns:
        (B,) at least 0.
    """
    return ((band_energy(error) + floor) / (unit + floor)).sqrt().mean(dim=1)
