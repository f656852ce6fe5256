"""Ink on paper: gamut, dot gain and a clustered-dot halftone at the four classical angles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.recapture.light import Light, enlarge, integrate, to_light

ANGLES = {"cyan": 15.0, "magenta": 75.0, "yellow": 0.0, "black": 45.0}
SUPERSAMPLING = 3


@dataclass(frozen=True)
class Print:
    """Parameters of one print (SPEC §6, 2b).

    Attributes:
        period: halftone period in pixels of the photograph.
        dot_gain: g of a' = a + 4 g a (1 − a).
        saturation: gamut compression towards grey.
        floor: reflectance of full ink.
        paper: reflectance of bare paper, R G B.
        grey_replacement: share of the common part of C, M, Y that black ink takes.
        texture: standard deviation of the paper's reflectance.
    """

    period: float = 3.0
    dot_gain: float = 0.15
    saturation: float = 0.75
    floor: float = 0.05
    paper: tuple[float, float, float] = (0.88, 0.87, 0.84)
    grey_replacement: float = 0.4
    texture: float = 0.01


def draw_print(rng: np.random.Generator) -> Print:
    """Draw a print; a period below two pixels leaves no visible dots, only their average."""
    white = rng.uniform(0.80, 0.92)
    tint = rng.uniform(-0.03, 0.06)
    return Print(
        period=rng.uniform(1.2, 4.0),
        dot_gain=rng.uniform(0.10, 0.25),
        saturation=rng.uniform(0.6, 0.95),
        floor=rng.uniform(0.03, 0.08),
        paper=(white, white - tint / 4, white - tint),
        grey_replacement=rng.uniform(0.2, 0.6),
        texture=rng.uniform(0.003, 0.015),
    )


def dot_gain(coverage: Light, gain: float) -> Light:
    """Dots spread while ink soaks into paper: a' = a + 4 g a (1 − a) (SPEC §6, 2b)."""
    return (coverage + 4 * gain * coverage * (1 - coverage)).astype(np.float32)


def print_on_paper(image: NDArray[np.uint8], medium: Print, rng: np.random.Generator) -> Light:
    """Return the light that the lit print of a picture sends back: (H, W, 3) linear."""
    light = to_light(image)
    grey = light.mean(axis=2, keepdims=True)
    light = grey + medium.saturation * (light - grey)
    density = 1 - np.sqrt(np.clip(light, 0, 1))  # inks are laid out roughly in lightness
    black = medium.grey_replacement * density.min(axis=2)
    inks = np.dstack([(density - black[..., None]) / (1 - black[..., None] + 1e-6), black])
    inks = dot_gain(np.clip(inks, 0, 1).astype(np.float32), medium.dot_gain)
    # Dots must give back the intended light on average, so gain is what they add to it.
    dots = integrate(_halftone(enlarge(inks, SUPERSAMPLING), medium.period), SUPERSAMPLING)
    reflectance = np.ones_like(light)
    for channel in range(3):
        reflectance[..., channel] = (1 - dots[..., channel] * 0.92) * (1 - dots[..., 3] * 0.95)
    reflectance = reflectance * (1 - dots.mean(axis=2, keepdims=True) * 0.04)  # inks are not pure
    paper = np.asarray(medium.paper, np.float32) + medium.texture * rng.standard_normal(
        (*light.shape[:2], 1), dtype=np.float32
    )
    return (medium.floor + (paper - medium.floor) * reflectance).astype(np.float32)


def _halftone(inks: Light, period: float) -> Light:
    """Threshold (H, W, 4) coverages against a rotated round-dot screen each."""
    height, width = inks.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / SUPERSAMPLING
    out = np.empty_like(inks)
    for index, degrees in enumerate(ANGLES.values()):
        angle = np.deg2rad(degrees)
        u = (x * np.cos(angle) + y * np.sin(angle)) * (2 * np.pi / period)
        v = (y * np.cos(angle) - x * np.sin(angle)) * (2 * np.pi / period)
        # The cosine screen is not uniform: its rank is, so that coverage a gives dots of area a.
        screen = (np.cos(u) + np.cos(v)) / 2
        threshold = 0.5 - np.sign(screen) * (0.5 - _area_above(np.abs(screen)))
        softness = 1 / (period * SUPERSAMPLING)  # the edge of a dot, in coverage
        edge = (inks[..., index] - threshold) / softness + 0.5
        out[..., index] = np.clip(edge, 0, 1)
    return out


def _area_above(level: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of a period where (cos u + cos v) / 2 exceeds `level` in [0, 1]."""
    grid = np.linspace(0, 1, 65, dtype=np.float32)
    return np.interp(level, grid, _AREAS).astype(np.float32)


def _areas() -> NDArray[np.float32]:
    phase = (np.arange(256) + 0.5) / 256 * 2 * np.pi
    screen = (np.cos(phase)[:, None] + np.cos(phase)[None, :]) / 2
    levels = np.linspace(0, 1, 65)
    return np.array([(screen > level).mean() for level in levels], np.float32)


_AREAS = _areas()
