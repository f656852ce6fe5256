"""Clustered-dot halftone, band-limited: round dots on a turned lattice, one screen an ink.

A fine screen (few waves below the canvas' limit) is drawn as a Fourier series whose coefficients
depend on the tone; a coarse one as dots with edges as soft as a canvas pixel is wide. Both give
back the tone on average, and neither brings waves that the canvas would fold.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from despoof.recapture.inks import Plane

_TONES = 256
_TILE = 128
_COARSE = 6.0
"""Period from which dots are drawn as dots, canvas pixels."""
_ORBITS = tuple((m, n) for m in range(1, 5) for n in range(5) if m + n <= 6)
"""One wave of each four that quarter turns make of each other: they share a coefficient."""
_FAINT = 0.004
"""Waves that are nowhere stronger than this, of full ink, are not drawn."""


def clustered_dots(
    coverage: Plane, *, period: float, angle: float, phase: tuple[float, float]
) -> Plane:
    """Return the dots that print a coverage.

    Args:
        coverage: (H, W) in [0, 1], as it is wanted on average.
        period: of the screen, canvas pixels. Below 2 no dots are left, only their average.
        angle: of the screen, radians from the canvas' rows.
        phase: of the screen at the canvas' corner, periods.

    Returns:
        (H, W) ink; in [0, 1], but for the ringing of a screen close to the canvas' limit.
    """
    if period <= np.sqrt(2):  # (1, 0) leaves the canvas' square band at every angle
        return coverage
    tones = np.asarray(cv2.convertScaleAbs(coverage, alpha=_TONES - 1), np.uint8)
    if period >= _COARSE:
        return _drawn(tones, period, angle, phase)
    dots = coverage
    tables = _tables()
    for index, (m, n) in enumerate(_ORBITS):
        waves = ((m, n), (-n, m))
        turned = [_turned(wave, period, angle) for wave in waves]
        if any(max(abs(fx), abs(fy)) >= 0.5 for fx, fy in turned):
            continue
        # Of a pair of waves one stands across the other, so that both lose as much to the pixel.
        table = tables[index] * np.float32(2 * np.prod(np.sinc(turned[0])))
        if np.abs(table).max() < _FAINT:
            continue
        carrier = _carrier(coverage.shape, turned, [_shift(wave, phase) for wave in waves])
        carrier *= cv2.LUT(tones, table)
        dots = dots + carrier
    return dots


def _drawn(
    tones: NDArray[np.uint8], period: float, angle: float, phase: tuple[float, float]
) -> Plane:
    waves = ((1, 0), (0, 1))
    turned = [_turned(wave, period, angle) for wave in waves]
    screen = _carrier(tones.shape, turned, [_shift(wave, phase) for wave in waves])
    softness = 2 * np.pi / period  # what the screen changes over a canvas pixel, at its steepest
    levels = _levels(round(softness, 2))
    edge = (screen - np.asarray(cv2.LUT(tones, levels), np.float32)) * np.float32(1 / softness)
    return np.clip(edge + np.float32(0.5), 0, 1, out=edge)


def _turned(wave: tuple[int, int], period: float, angle: float) -> tuple[float, float]:
    """Return a wave of the screen in cycles per canvas pixel, along x and y."""
    m, n = wave
    cos, sin = np.cos(angle) / period, np.sin(angle) / period
    return float(m * cos - n * sin), float(m * sin + n * cos)


def _shift(wave: tuple[int, int], phase: tuple[float, float]) -> float:
    return float(2 * np.pi * (wave[0] * phase[0] + wave[1] * phase[1]))


def _carrier(
    shape: tuple[int, ...], waves: list[tuple[float, float]], shifts: list[float]
) -> Plane:
    """Return the sum of cosines cos(2π f·x + shift), (H, W); as one product of thin matrices."""
    f = np.asarray(waves)
    down = 2 * np.pi * np.outer(np.arange(shape[0]) + 0.5, f[:, 1])
    across = 2 * np.pi * np.outer(f[:, 0], np.arange(shape[1]) + 0.5) + np.asarray(shifts)[:, None]
    left = np.hstack([np.cos(down), -np.sin(down)]).astype(np.float32)
    right = np.vstack([np.cos(across), np.sin(across)]).astype(np.float32)
    return left @ right


@lru_cache(maxsize=1)
def _screen() -> NDArray[np.float64]:
    """Return cos u + cos v over one period, (128, 128)."""
    wave = np.cos((np.arange(_TILE) + 0.5) / _TILE * 2 * np.pi)
    return wave[:, None] + wave[None]


@lru_cache(maxsize=1)
def _areas() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return levels from −2 to 2, and the share of a period where the screen is above each."""
    levels = np.linspace(-2, 2, 1025)
    ordered = np.sort(_screen().ravel())
    below = np.interp(levels, ordered, (np.arange(ordered.size) + 0.5) / ordered.size)
    below[0], below[-1] = 0, 1
    return levels, 1 - below


@lru_cache(maxsize=1)
def _tables() -> NDArray[np.float32]:
    """Return (orbits, 256): the coefficient of each orbit's waves at each tone."""
    levels, areas = _areas()
    u = 2 * np.pi * (np.arange(_TILE) + 0.5) / _TILE
    tables = np.zeros((len(_ORBITS), _TONES), np.float32)
    softness = np.float64(4 * np.pi / _TILE)  # edges a sample wide: no steps from tone to tone
    for tone in range(_TONES):
        level = np.interp(1 - tone / (_TONES - 1), 1 - areas, levels)
        dots = np.clip((_screen() - level) / softness + 0.5, 0, 1)
        for index, (m, n) in enumerate(_ORBITS):
            tables[index, tone] = np.cos(n * u) @ dots @ np.cos(m * u) / _TILE**2
    return tables


@lru_cache(maxsize=64)
def _levels(softness: float) -> NDArray[np.float32]:
    """Return 256 levels of the screen: dots with soft edges at that level cover that tone."""
    levels, areas = _areas()
    # A soft edge averages the hard ones within ± softness / 2.
    wide = np.linspace(-2 - softness / 2, 2 + softness / 2, 1025)
    padded = np.concatenate([[-2 - softness], levels, [2 + softness]])
    total = np.concatenate([[0], np.cumsum(np.diff(padded) * _middles(areas))])
    upper, lower = (np.interp(wide + side * softness / 2, padded, total) for side in (1, -1))
    covered = (upper - lower) / softness
    tones = np.linspace(0, 1, _TONES)
    return np.interp(tones, covered[::-1], wide[::-1]).astype(np.float32)


def _middles(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    ends = np.concatenate([[1.0], areas, [0.0]])
    return (ends[1:] + ends[:-1]) / 2
