"""A lit display: black level, white point, sub-pixel stripes, and the moiré they make."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.types import Image
from despoof.recapture.light import Light, integrate, to_light

SUPERSAMPLING = 4


@dataclass(frozen=True)
class Screen:
    """Parameters of one display seen by one camera (SPEC §6, 2a).

    Attributes:
        pitch: of the display's pixels, in pixels of the photograph.
        angle: between the two grids, radians.
        fill: width of a stripe and height of a pixel that shine, as shares.
        gamma: of the display.
        black: light of a black pixel, ambient reflection included.
        white_point: gains of R, G, B.
        grid: 0 = no visible pixels (only tone and colour change), 1 = the full grid.
        glare: peak light of one reflected blob; 0 = none.
    """

    pitch: float = 1.9
    angle: float = 0.05
    fill: tuple[float, float] = (0.75, 0.85)
    gamma: float = 2.2
    black: float = 0.02
    white_point: tuple[float, float, float] = (0.92, 1.0, 1.05)
    grid: float = 1.0
    glare: float = 0.0


def draw_screen(rng: np.random.Generator) -> Screen:
    """Draw a display; ranges of SPEC §6, 2a."""
    warmth = rng.uniform(-0.12, 0.15)
    return Screen(
        pitch=rng.uniform(0.8, 3.0),
        angle=rng.uniform(-0.25, 0.25),
        fill=(rng.uniform(0.6, 0.85), rng.uniform(0.8, 0.95)),
        gamma=rng.uniform(2.0, 2.4),
        black=10 ** rng.uniform(-2.3, -1.3),
        white_point=(1 - warmth, 1.0, 1 + warmth),
        grid=rng.uniform(0, 1) ** 0.5,
        glare=rng.uniform(0.3, 2.0) if rng.uniform() < 0.3 else 0.0,
    )


def show_on_screen(image: Image, screen: Screen, rng: np.random.Generator) -> Light:
    """Return the light that a display showing a picture sends out: (H, W, 3) linear.

    Stripes are sampled at SUPERSAMPLING points per camera pixel and integrated over it, so
    frequencies above the sensor's fold down to moiré as they do in a camera.
    """
    shown = (to_light(image) ** (screen.gamma / 2.2)).astype(np.float32)
    height, width = shown.shape[:2]
    grid = _stripes(height, width, screen)
    grid = 1 + screen.grid * (grid / grid.mean(axis=(0, 1), keepdims=True) - 1)
    light = screen.black + (1 - screen.black) * shown * grid
    light = light * np.asarray(screen.white_point, np.float32)
    if screen.glare:
        light = light + _blob(height, width, screen.glare, rng)[..., None]
    return light.astype(np.float32)


def _stripes(height: int, width: int, screen: Screen) -> Light:
    q = SUPERSAMPLING
    y, x = (np.mgrid[0 : height * q, 0 : width * q].astype(np.float32) + 0.5) / q
    u = (x * np.cos(screen.angle) + y * np.sin(screen.angle)) / screen.pitch
    v = (y * np.cos(screen.angle) - x * np.sin(screen.angle)) / screen.pitch
    wide, high = screen.fill
    row = _covered(v, high / 2, screen.pitch)
    channels = [row * _covered(u - offset, wide / 6, screen.pitch) for offset in (-1 / 3, 0, 1 / 3)]
    return integrate(np.stack(channels, axis=2).astype(np.float32), q) + 1e-3


def _covered(phase: NDArray[np.floating], half: float, pitch: float) -> NDArray[np.floating]:
    """Share of a sample of 1/SUPERSAMPLING pixel that lies within `half` of a stripe's middle.

    A hard edge would let the samples themselves alias, and invent moiré that no camera sees.
    """
    distance = np.abs(phase - np.rint(phase))
    return np.clip((half - distance) * pitch * SUPERSAMPLING + 0.5, 0, 1)


def _blob(height: int, width: int, peak: float, rng: np.random.Generator) -> Light:
    from scipy import ndimage  # 0.2 s to load: not when a picture is checked

    spot = np.zeros((height, width), np.float32)
    spot[int(rng.integers(height)), int(rng.integers(width))] = 1
    spot = ndimage.gaussian_filter(spot, rng.uniform(0.05, 0.2) * max(height, width))
    return peak * spot / max(float(spot.max()), 1e-9)
