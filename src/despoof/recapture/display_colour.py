"""Colour of displays: primaries shown unmanaged, the white point, and the tone of the panel."""

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from despoof.recapture.light import Light

Gamut = Literal["srgb", "p3", "adobe", "ntsc45", "washed"]
"""Primaries of a panel that is driven with sRGB values: two wide ones, two narrow ones."""

_PRIMARIES: dict[Gamut, tuple[tuple[float, float], ...]] = {
    "srgb": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    "adobe": ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)),
    "ntsc45": ((0.590, 0.350), (0.330, 0.555), (0.153, 0.119)),  # cheap TN panels, 45 % of NTSC
    "washed": ((0.550, 0.350), (0.335, 0.520), (0.170, 0.150)),  # projectors, old panels at a slant
}
_D65 = (0.3127, 0.3290)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Share of R, G and B in the luminance of white, sRGB primaries."""


@lru_cache(maxsize=16)
def gamut_matrix(gamut: Gamut) -> NDArray[np.float64]:
    """Return (3, 3), from the panel's R, G, B to linear sRGB; grey stays grey (rows sum to 1)."""
    return np.linalg.inv(_to_xyz("srgb")) @ _to_xyz(gamut)


def white_gains(kelvin: float) -> NDArray[np.float64]:
    """Return von-Kries gains of R, G, B for a white of a colour temperature; luminance is 1.

    Args:
        kelvin: correlated colour temperature, 4000 to 25000 (CIE daylight locus); 6504 gives 1.
    """
    white = np.linalg.inv(_to_xyz("srgb")) @ _xyz(_daylight(kelvin))
    neutral = np.linalg.inv(_to_xyz("srgb")) @ _xyz(_daylight(6504.0))
    gains = white / neutral
    return gains / (gains @ LUMINANCE)


@lru_cache(maxsize=64)
def panel_curve(gamma: float) -> NDArray[np.float32]:
    """Return 65536 values: sRGB-decoded light in [0, 1] to the light of a panel of that gamma."""
    light = np.linspace(0, 1, 65536)
    code = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (code**gamma).astype(np.float32)


def apply_curve(light: Light, curve: NDArray[np.float32]) -> Light:
    """Map light through a table of 65536 values over [0, 1]; what is outside is clipped."""
    steps = (np.clip(light, 0, 1) * 65535 + 0.5).astype(np.uint16)
    return curve.take(steps, mode="clip")


def _to_xyz(gamut: Gamut) -> NDArray[np.float64]:
    primaries = np.stack([_xyz(point) for point in _PRIMARIES[gamut]], axis=1)
    return primaries * np.linalg.solve(primaries, _xyz(_D65))


def _xyz(point: tuple[float, float]) -> NDArray[np.float64]:
    x, y = point
    return np.array([x / y, 1, (1 - x - y) / y])


def _daylight(kelvin: float) -> tuple[float, float]:
    """Chromaticity of CIE daylight."""
    t = 1000 / kelvin
    if kelvin <= 7000:
        x = 0.244063 + 0.09911 * t + 2.9678 * t**2 - 4.6070 * t**3
    else:
        x = 0.237040 + 0.24748 * t + 1.9018 * t**2 - 2.0064 * t**3
    return x, -3 * x**2 + 2.870 * x - 0.275
