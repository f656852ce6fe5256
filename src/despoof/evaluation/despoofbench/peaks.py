"""Moiré and raster peaks in the spectrum of a noise, and how much of one an estimate keeps."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, median_filter

LOWEST = 6.0
"""Cycles per picture: what is slower is shading, not a pattern."""

PROMINENT = 14.0
"""dB over the median of its neighbourhood that makes a spectral maximum a peak. White noise stays
below 10 dB; the edges of a genuine face reach 10.6 dB in the median and 13.3 dB at most (60 faces
of LFW, 112 px)."""

NEIGHBOURHOOD = 9
"""Side of the square around a coefficient whose median power is the background. A spectrum of
edges is smooth but leans to some directions, so rings of one frequency are no background."""

_REACH = 1
"""Coefficients each way that belong to a peak: the Hann window spreads it by one."""


@dataclass(frozen=True)
class Peak:
    """The strongest peak of a noise.

    Attributes:
        fx, fy: cycles per picture; fx ≥ 0.
        snr: power over the median power of its neighbourhood, dB.
    """

    fx: int
    fy: int
    snr: float


def find_peak(noise: NDArray[np.floating]) -> Peak | None:
    """Return the strongest peak of an (S, S, C) noise, None where nothing stands out.

    Power is summed over channels: the moiré of a screen is coloured, and often cancels in grey.
    """
    prominence = _prominence(noise)
    row, column = np.unravel_index(int(np.argmax(prominence)), prominence.shape)
    snr = float(prominence[row, column])
    if snr < PROMINENT:
        return None
    fy = int(row) if row <= noise.shape[0] // 2 else int(row) - noise.shape[0]
    return Peak(fx=int(column), fy=fy, snr=snr)


def peak_kept(truth: NDArray[np.floating], estimate: NDArray[np.floating]) -> float:
    """Peak SNR of the estimate minus that of the truth, at the truth's strongest peak, dB.

    0 = the estimate shows the pattern as clearly as the truth does; an estimate without it has
    minus the truth's whole SNR. More than 0: it stands out more than in the truth, because less of
    everything else was estimated.

    Args:
        truth: (S, S, C).
        estimate: the same of the estimate.

    Returns:
        dB; NaN where the truth has no peak.
    """
    peak = find_peak(truth)
    if peak is None:
        return math.nan
    near = maximum_filter(_prominence(estimate), 2 * _REACH + 1, mode=("wrap", "nearest"))
    return max(0.0, float(near[peak.fy, peak.fx])) - peak.snr


def _prominence(noise: NDArray[np.floating]) -> NDArray[np.float64]:
    """Power over the median of its neighbourhood, dB; (S, S // 2 + 1), 0 below `LOWEST`."""
    side = noise.shape[0]
    window = np.hanning(side + 1)[:-1]
    flat = (noise - noise.mean(axis=(0, 1))) * np.outer(window, window)[..., None]
    power = (np.abs(np.fft.fft2(flat, axes=(0, 1))) ** 2).sum(axis=2)
    floor = 1e-12 * side**2  # rounding of a noise that is zero
    power = np.maximum(power, floor)
    found = 10 * np.log10(power / median_filter(power, NEIGHBOURHOOD, mode="wrap"))
    frequency = np.fft.fftfreq(side, 1 / side)
    found[np.hypot(frequency[:, None], frequency[None, :]) < LOWEST] = 0
    return found[:, : side // 2 + 1]
