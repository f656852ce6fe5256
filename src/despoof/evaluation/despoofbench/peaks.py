"""Moiré and raster peaks in the spectrum of a noise, and how much of one an estimate keeps."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

LOWEST = 4.0
"""Cycles per picture: what is slower is shading, not a pattern."""

PROMINENT = 18.0
"""dB over the median of its ring that makes a spectral maximum a peak. White and pink noise stay
below 11 dB; the edges of a genuine face reach 14 dB in the median and 17 dB in one face of twenty
(LFW, 112 px)."""

_REACH = 1
"""Coefficients each way that belong to a peak: the Hann window spreads it by one."""


@dataclass(frozen=True)
class Peak:
    """The strongest peak of a noise.

    Attributes:
        fx, fy: cycles per picture; fx ≥ 0.
        snr: power over the median power of its ring, dB.
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
    near = maximum_filter(_prominence(estimate), 2 * _REACH + 1, mode="wrap")
    return max(0.0, float(near[peak.fy, peak.fx])) - peak.snr


def _prominence(noise: NDArray[np.floating]) -> NDArray[np.float64]:
    """Power over the median of the ring of the same frequency, dB; (S, S // 2 + 1)."""
    side = noise.shape[0]
    window = np.hanning(side + 1)[:-1]
    flat = (noise - noise.mean(axis=(0, 1))) * np.outer(window, window)[..., None]
    power = (np.abs(np.fft.rfft2(flat, axes=(0, 1))) ** 2).sum(axis=2)
    fy, fx = np.fft.fftfreq(side, 1 / side), np.fft.rfftfreq(side, 1 / side)
    radius = np.hypot(fy[:, None], fx[None, :])
    ring = np.rint(np.log2(np.maximum(radius, 1)) * 4).astype(np.int64)  # quarters of an octave
    counted = radius >= LOWEST
    found = np.zeros_like(power)
    floor = 1e-12 * side**2  # rounding of a noise that is zero
    for number in np.unique(ring[counted]):
        here = counted & (ring == number)
        median = max(float(np.median(power[here])), floor)
        found[here] = 10 * np.log10(np.maximum(power[here], floor) / median)
    return found
