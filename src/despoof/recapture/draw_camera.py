"""Draw what photographs: one distribution for attacks and for live faces (SPEC §6, 5 to 7).

Half of the cameras are good phones in good light, a third are ordinary, the rest poor webcams or
hands that shake in dim light. Extremes of the specification's ranges are rare, as they are in life.
"""

from typing import Literal

import numpy as np

from despoof.recapture.isp import IspParams
from despoof.recapture.optics import OpticsParams
from despoof.recapture.recipe import CameraParams
from despoof.recapture.sensor import SensorParams

Grade = Literal["good", "ordinary", "poor"]

_DEFOCUS: dict[Grade, float] = {"good": 0.2, "ordinary": 0.33, "poor": 0.8}
_SHAKE: dict[Grade, float] = {"good": 0.5, "ordinary": 0.8, "poor": 2.0}
_SHOT: dict[Grade, float] = {"good": 5e-4, "ordinary": 9e-4, "poor": 1.8e-3}
_DENOISE: dict[Grade, float] = {"good": 1.2, "ordinary": 2.2, "poor": 5.0}
_RESOLUTION: dict[Grade, tuple[float, float]] = {
    "good": (1.0, 1.8),
    "ordinary": (0.7, 1.3),
    "poor": (0.4, 0.9),
}


def draw_camera(rng: np.random.Generator, grade: Grade | None = None) -> CameraParams:
    """Draw a camera and how it is used; a grade is drawn when none is given."""
    drawn: Grade = ("good", "ordinary", "poor")[int(rng.choice(3, p=(0.53, 0.33, 0.14)))]
    grade = grade or drawn
    return CameraParams(
        resolution=float(np.exp(rng.uniform(*np.log(_RESOLUTION[grade])))),
        optics=draw_optics(rng, grade),
        sensor=draw_sensor(rng, grade),
        isp=draw_isp(rng, grade),
    )


def draw_optics(rng: np.random.Generator, grade: Grade) -> OpticsParams:
    """Draw focus, shake and lens."""
    shakes = rng.uniform() < 0.45
    return OpticsParams(
        defocus=_spread(rng, _DEFOCUS[grade], 0.4, 0.1, 2.5),
        spot="disk" if rng.uniform() < 0.5 else "gaussian",
        sharpness=rng.uniform(0.2, 0.5),
        motion=float(min(rng.exponential(_SHAKE[grade]), 9.0)) if shakes else 0.0,
        motion_angle=rng.uniform(0, 180),
        distortion=float(np.clip(rng.normal(0, 0.012), -0.05, 0.05)),
        vignetting=rng.uniform(0, 0.5),
        flare=float(min(rng.exponential(0.008), 0.06)),
    )


def draw_sensor(rng: np.random.Generator, grade: Grade) -> SensorParams:
    """Draw pixels, exposure and noise."""
    shot = _spread(rng, _SHOT[grade], 0.5, 5e-5, 4e-3)
    return SensorParams(
        fill=rng.uniform(0.9, 1.0),
        lowpass=rng.uniform(0.25, 0.45),
        exposure=_spread(rng, 1.08, 0.24, 0.4, 2.2),
        metering=rng.uniform(0.35, 1.0),
        shot=shot,
        read=float(np.clip(shot * 10 ** rng.uniform(-2.3, -1.2), 3e-7, 1e-4)),
        bits=10 if rng.uniform() < 0.5 else 12,
        sensitivity=(_spread(rng, 0.55, 0.1, 0.4, 0.8), _spread(rng, 0.6, 0.1, 0.4, 0.9)),
        crosstalk=rng.uniform(0.1, 0.4),
    )


def draw_isp(rng: np.random.Generator, grade: Grade) -> IspParams:
    """Draw processing and coding."""
    warm = rng.normal(-0.04, 0.12 if rng.uniform() < 0.2 else 0.06)
    curve = int(rng.choice(3, p=(0.35, 0.35, 0.3)))
    worst = {"good": 68, "ordinary": 64, "poor": 60}[grade]
    return IspParams(
        demosaic="bilinear" if rng.uniform() < 0.5 else "edges",
        white_error=(float(np.exp(warm)), float(np.exp(-warm + rng.normal(0, 0.025)))),
        saturation=float(np.clip(rng.normal(1.0, 0.12), 0.65, 1.35)),
        denoise=0.0 if rng.uniform() < 0.12 else _DENOISE[grade] * rng.uniform(0.5, 2.0),
        tone=("srgb", "gamma", "s-curve")[curve],
        contrast=rng.uniform(0.0, 0.35) if curve == 2 else 0.0,
        levels=0.0 if rng.uniform() < 0.15 else rng.uniform(0.2, 0.9),
        sharpen=float(1.5 * rng.beta(1.7, 2.0)),
        radius=rng.uniform(0.7, 1.6),
        codec="h264" if rng.uniform() < 0.15 else "jpeg",
        quality=int(rng.integers(worst, 96)),
        crf=int(rng.integers(18, 29)),
    )


def _spread(
    rng: np.random.Generator, median: float, sigma: float, low: float, high: float
) -> float:
    """Log-normal, clipped."""
    return float(np.clip(median * np.exp(sigma * rng.standard_normal()), low, high))
