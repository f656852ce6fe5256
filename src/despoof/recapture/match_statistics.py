"""What a medium and a camera did to a picture's light, detail and colour, measured on a pair.

Pure functions of a registered pair (genuine, attack), real or simulated: the same figures for both
tell where a simulator is not true to life. Light is linear, 1 = full scale.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Image
from despoof.recapture.light import to_light
from despoof.recapture.spectra import octave_transfer
from despoof.recapture.statistics import LUMA, luma, noise_level

SMOOTH = 2.5  # px: light is compared where neither noise nor misregistration of a pixel matters


@dataclass(frozen=True)
class PairStatistics:
    """One registered pair in figures.

    Attributes:
        slope: light that comes back per unit of genuine light, of luminance.
        lift: light that comes back where the genuine picture is black.
        black_share: lift / (lift + slope): flare, ambient light and ink against full white, in
            [0, 1]; free of exposure. Its inverse is the effective contrast ratio.
        gamma: exponent of the power law that fits best where slope and lift are free; 1 = none.
        black, white: 1st and 99th percentile of the attack's luma inside the picture, code [0, 1].
        genuine_black, genuine_white: the same of the genuine picture.
        saturation: chroma that comes back per unit of genuine chroma, both relative to
            luminance; 1 = kept. What one sees: lift washes colours out too.
        medium_saturation: the same after lift and white balance are taken off, so what is left is
            the medium's own gamut.
        red_gain, blue_gain: median gain of red and of blue over that of green; 1 = same white.
        shading: standard deviation of what is left of log light after the tone curve, wider than
            SHADE px: uneven light, in units of log2 (stops).
        blur: Gaussian sigma that explains the loss of shared detail best, px.
        noise: robust noise level of the attack's luma, code [0, 1].
        genuine_noise: the same of the genuine picture.
        gain: (5,) shared detail by octave, finest first, over that of the coarsest octave.
        own: (5,) power of the attack that is not shared, as a share of its power, by octave.
    """

    slope: float
    lift: float
    black_share: float
    gamma: float
    black: float
    white: float
    genuine_black: float
    genuine_white: float
    saturation: float
    medium_saturation: float
    red_gain: float
    blue_gain: float
    shading: float
    blur: float
    noise: float
    genuine_noise: float
    gain: tuple[float, ...]
    own: tuple[float, ...]


def pair_statistics(
    genuine: Image, attack: Image, inside: NDArray[np.bool_] | None = None
) -> PairStatistics:
    """Measure what became of a genuine picture.

    Args:
        genuine: (H, W, 3) uint8, registered to the attack, its light untouched.
        attack: (H, W, 3) uint8.
        inside: (H, W) bool, where the genuine picture is known; everywhere when not given.

    Raises:
        InputError: shapes differ, or less than a 64×64 square lies inside.
    """
    if genuine.shape != attack.shape:
        raise InputError(f"Pictures of {genuine.shape} and {attack.shape}; expected one shape.")
    mask = np.ones(attack.shape[:2], np.bool_) if inside is None else inside
    transfer = octave_transfer(luma(genuine), luma(attack), mask)
    before, after = _smooth_light(genuine), _smooth_light(attack)
    solid = _inner(mask)
    a, b = before[solid], after[solid]
    slope, lift, gamma = _tone(a @ LUMA, b @ LUMA)
    gains = _gains(a, b)
    low, high = np.percentile(luma(attack)[mask], [1, 99])
    low_0, high_0 = np.percentile(luma(genuine)[mask], [1, 99])
    gain = transfer.gain / max(float(transfer.gain[-1]), 1e-6)
    return PairStatistics(
        slope=slope,
        lift=lift,
        black_share=lift / max(lift + slope, 1e-6),
        gamma=gamma,
        black=float(low),
        white=float(high),
        genuine_black=float(low_0),
        genuine_white=float(high_0),
        saturation=_saturation(a, b),
        medium_saturation=_saturation(a, np.maximum(b - lift, 0) / (gains / gains[1])),
        red_gain=float(gains[0] / gains[1]),
        blue_gain=float(gains[2] / gains[1]),
        shading=_shading(before @ LUMA, after @ LUMA, solid, slope, lift),
        blur=_blur(gain),
        noise=noise_level(attack, mask),
        genuine_noise=noise_level(genuine, mask),
        gain=tuple(gain.tolist()),
        own=tuple((transfer.noise / np.maximum(transfer.power, 1e-12)).tolist()),
    )


def tone_curve(
    genuine: Image, attack: Image, inside: NDArray[np.bool_], steps: int = 8
) -> NDArray[np.float64]:
    """Median luminance of the attack for `steps` equal steps of the genuine luma code.

    Returns:
        (steps,) linear light; NaN where fewer than 50 pixels have that code.
    """
    solid = _inner(inside)
    light = (_smooth_light(attack) @ LUMA)[solid]
    code = _smooth_light(genuine) @ LUMA
    step = np.minimum((_encode(code[solid]) * steps).astype(np.intp), steps - 1)
    return np.array(
        [np.median(light[step == k]) if (step == k).sum() >= 50 else np.nan for k in range(steps)]
    )


def _encode(light: NDArray[np.floating]) -> NDArray[np.float64]:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _smooth_light(image: Image) -> NDArray[np.float64]:
    from scipy import ndimage

    return ndimage.gaussian_filter(to_light(image).astype(np.float64), (SMOOTH, SMOOTH, 0))


def _inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from scipy import ndimage

    solid = ndimage.binary_erosion(mask, iterations=round(3 * SMOOTH), border_value=0)
    if solid.sum() < 256:
        raise InputError(f"Only {int(mask.sum())} px are inside; too few to compare light.")
    return solid


def _tone(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float, float]:
    # Medians over equal steps of genuine light: highlights and glare pull less than in a fit of
    # pixels. Lift is not below zero.
    order = np.array_split(np.argsort(a), 24)
    x = np.array([np.median(a[part]) for part in order])
    y = np.array([np.median(b[part]) for part in order])
    slope, lift = _line(x, y)
    best = min(
        np.arange(0.5, 2.05, 0.1),
        key=lambda g: float(np.sum((y - _apply(_line(x**g, y), x**g)) ** 2)),
    )
    return slope, lift, float(best)


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    slope, lift = np.polyfit(x, y, 1)
    if lift < 0:
        return float((x @ y) / max(float(x @ x), 1e-12)), 0.0
    return float(slope), float(lift)


def _apply(line: tuple[float, float], x: NDArray[np.float64]) -> NDArray[np.float64]:
    return line[0] * x + line[1]


def _gains(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    # Where both are neither dark nor clipped.
    good = (
        (a.min(axis=1) > 0.03)
        & (a.max(axis=1) < 0.9)
        & (b.min(axis=1) > 0.02)
        & (b.max(axis=1) < 0.95)
    )
    if good.sum() < 50:
        return np.full(3, np.nan)
    return np.exp(np.median(np.log(b[good] / a[good]), axis=0))


def _saturation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    def chroma(light: NDArray[np.float64]) -> NDArray[np.float64]:
        grey = light @ LUMA
        return (light[:, [0, 2]] - grey[:, None]) / (grey[:, None] + 0.02)

    bright = (a @ LUMA > 0.03) & (b @ LUMA > 0.02) & (b.max(axis=1) < 0.97)
    if bright.sum() < 50:
        return float("nan")
    x, y = chroma(a[bright]), chroma(b[bright])
    x, y = x - np.median(x, axis=0), y - np.median(y, axis=0)
    keep = (np.abs(x) < 1.5).all(axis=1) & (np.abs(y) < 1.5).all(axis=1)
    x, y = x[keep], y[keep]
    return float((x * y).sum() / max(float((x * x).sum()), 1e-12))


def _shading(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    solid: NDArray[np.bool_],
    slope: float,
    lift: float,
) -> float:
    from scipy import ndimage

    rest = np.log2(np.maximum(b, 1e-3) / np.maximum(slope * a + lift, 1e-3))
    rest = np.clip(rest, -3, 3) * solid
    weight = ndimage.gaussian_filter(solid.astype(np.float64), SHADE)
    wide = ndimage.gaussian_filter(rest, SHADE) / np.maximum(weight, 1e-6)
    return float(wide[solid].std())


SHADE = 20.0


def _blur(gain: NDArray[np.float64]) -> float:
    # Gaussian MTF exp(−2 π² σ² f²) at the octaves' middles, over that of the coarsest one.
    middle = 0.75 * 2.0 ** -(np.arange(len(gain)) + 1)
    sigma = np.arange(0, 4.01, 0.02)
    model = np.exp(-2 * np.pi**2 * sigma[:, None] ** 2 * (middle**2 - middle[-1] ** 2))
    return float(sigma[np.argmin(((model - np.clip(gain, 0, 1)) ** 2).sum(axis=1))])
