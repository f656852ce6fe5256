"""Measuring periodic patterns: spectra of windowed pictures, and the moiré rule of SPEC §6."""

import numpy as np

from despoof.recapture.resample import averaged


def sensed(light, oversampling):
    """What square sensor pixels collect from a canvas, (H, W, 3) float64."""
    height, width = light.shape[0] // oversampling, light.shape[1] // oversampling
    whole = light[: height * oversampling, : width * oversampling]
    return averaged(np.ascontiguousarray(whole), (height, width)).astype(np.float64)


def spectrum_of(plane):
    """Relative amplitude of every wave of a plane: a wave 1 + a cos() has a peak of height a."""
    window = np.outer(np.hanning(plane.shape[0]), np.hanning(plane.shape[1]))
    return np.abs(np.fft.fft2((plane / plane.mean() - 1) * window)) / (window.sum() / 2)


def folded(k):
    """Where sampling once a pixel sends a frequency: k − round(k), axis by axis."""
    k = np.asarray(k, float)
    return k - np.round(k)


def lattice(pitch, angle, m, n, cell=(1, 1)):
    """Frequency of a wave of a turned grid, cycles per sensor pixel."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.array([m / cell[0], n / cell[1]]) / pitch


def bins_apart(f, g, side):
    """Distance of two folded frequencies in bins, the larger axis counting; 0.5 is next to −0.5."""
    return np.abs(folded(np.asarray(f) - g)).max() * side


def strongest(spectrum, ignore=2):
    """Folded frequency (fx, fy) and height of the highest peak away from the mean."""
    side = spectrum.shape[0]
    seen = spectrum.copy()
    reach = np.arange(-ignore, ignore + 1)
    seen[np.ix_(reach, reach)] = 0
    row, column = np.unravel_index(seen.argmax(), seen.shape)
    return folded([column / side, row / side]), seen[row, column]


def nearby(spectrum, f, reach=4):
    """Folded frequency and height of the highest value within some bins of f."""
    side = spectrum.shape[0]
    middle = np.round(np.array(f) * side).astype(int)
    around = range(-reach, reach + 1)
    place = max(
        ((middle[1] + j, middle[0] + i) for i in around for j in around),
        key=lambda p: spectrum[p[0] % side, p[1] % side],
    )
    return np.array([place[1], place[0]]) / side, spectrum[place[0] % side, place[1] % side]


def mean_light(light):
    """Mean of each channel, borders fading out, so that parts of a period do not count."""
    height, width = light.shape[:2]
    window = np.outer(np.hanning(height), np.hanning(width))[..., None]
    return (light * window).sum(axis=(0, 1)) / window.sum()


def shift_of(plane, still):
    """Least squares: how far (x, y) a plane lies from where it should, pixels; for small shifts."""
    down, across = np.gradient(still.astype(np.float64))
    slopes = np.stack([across.ravel(), down.ravel()], axis=1)
    return -np.linalg.lstsq(slopes, (plane - still).ravel(), rcond=None)[0]
