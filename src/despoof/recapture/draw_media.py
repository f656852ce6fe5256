"""Draw what a picture is shown on, and how it was stored before (ranges of SPEC §6, 1 to 2b).

Attack photographs are rarely close-ups of dots. In a face crop of 100 to 250 pixels most halftones
and sub-pixels are not resolved: two thirds of the displays drawn here have no visible grid, and
nearly three quarters of the prints no visible dots. What is left is tone, colour and blur.
"""

from typing import Literal, TypeVar, get_args

import numpy as np

from despoof.core.errors import InputError
from despoof.recapture.display import DisplayParams
from despoof.recapture.display_colour import Gamut
from despoof.recapture.printing import PrintParams
from despoof.recapture.source import SourceParams
from despoof.recapture.subpixels import Layout

_T = TypeVar("_T")

DisplayKind = Literal["phone-oled", "phone-lcd", "tablet", "laptop", "desktop-tn", "projector"]
PrintKind = Literal["laser-a4", "inkjet-photo", "newspaper"]

# Pitch of the panel in sensor pixels, from far to near; below 1 a canvas of 2 shows no grid.
_PITCH: dict[DisplayKind, tuple[float, float]] = {
    "phone-oled": (0.25, 1.3),
    "phone-lcd": (0.25, 1.5),
    "tablet": (0.30, 1.8),
    "laptop": (0.35, 2.0),
    "desktop-tn": (0.40, 2.4),
    "projector": (0.60, 2.5),
}
_LAYOUTS: dict[DisplayKind, tuple[Layout, ...]] = {
    "phone-oled": ("diamond", "diamond", "rgbg"),
    "phone-lcd": ("rgb", "rgb", "bgr", "rgbw"),
    "tablet": ("rgb", "rgb", "vertical", "rgbw"),
    "laptop": ("rgb", "rgb", "bgr"),
    "desktop-tn": ("rgb", "rgb", "bgr", "vertical"),
    "projector": ("rgbw", "vertical"),
}
_GAMUTS: dict[DisplayKind, tuple[Gamut, ...]] = {
    "phone-oled": ("p3", "p3", "srgb", "adobe"),
    "phone-lcd": ("srgb", "p3", "ntsc45"),
    "tablet": ("srgb", "p3", "ntsc45"),
    "laptop": ("ntsc45", "srgb", "ntsc45", "p3"),
    "desktop-tn": ("ntsc45", "srgb", "washed"),
    "projector": ("washed", "ntsc45"),
}


def draw_display(kind: DisplayKind, rng: np.random.Generator) -> DisplayParams:
    """Draw a display of a kind and how it lies on the sensor.

    Raises:
        InputError: the kind is not known.
    """
    _known(kind, DisplayKind)
    oled, beam, slant = (kind == k for k in ("phone-oled", "projector", "desktop-tn"))
    ambient = _log(rng, 0.03, 0.2) if beam else _log(rng, 0.002, 0.05)
    warmth = rng.uniform(-0.1, 0.3)  # of the room's light, relative to the screen's
    return DisplayParams(
        gamma=rng.uniform(1.5, 2.2),
        contrast=1e5 if oled else _log(rng, 300, 3000),
        ambient=(ambient * (1 + warmth), ambient, ambient * (1 - warmth)),
        white=rng.triangular(5800, 6900, 10000) if not beam else rng.uniform(5200, 9000),
        gamut=_one(rng, _GAMUTS[kind]),
        gamut_share=rng.uniform(0.5, 1.0),
        bits=6 if slant and rng.random() < 0.5 else 8,
        pitch=_log(rng, *_PITCH[kind]),
        angle=float(np.clip(rng.normal(0, 0.08), -0.3, 0.3)),
        phase=(rng.random(), rng.random()),
        layout=_one(rng, _LAYOUTS[kind]),
        fill=(rng.uniform(0.60, 0.85), rng.uniform(0.80, 0.95)),
        grid=rng.uniform(0.1, 0.3) if beam else rng.uniform(0.15, 0.8),
        scaling="blocks" if rng.random() < 0.35 else "linear",
        softness=rng.uniform(0.5, 1.5) if beam else 0.0,
        band=rng.uniform(0.02, 0.12) if rng.random() < 0.2 else 0.0,
        band_period=_log(rng, 40, 400),
        band_phase=rng.random(),
        falloff=rng.uniform(0.2, 0.8) if slant or beam else rng.uniform(0, 0.7),
        falloff_angle=rng.uniform(0, 2 * np.pi),
    )


def draw_print(kind: PrintKind, rng: np.random.Generator) -> PrintParams:
    """Draw a print of a kind and how it lies on the sensor.

    Raises:
        InputError: the kind is not known.
    """
    _known(kind, PrintKind)
    if kind == "newspaper":
        return _newspaper(rng)
    photo = kind == "inkjet-photo"
    drops = photo and rng.random() < 0.4
    screen = "stochastic" if drops else "none" if photo else "clustered"
    return PrintParams(
        inks="dye" if photo else "toner",
        gamma=float(np.exp(rng.normal(-0.12, 0.18))),
        saturation=rng.uniform(1.0, 1.5) if photo else rng.uniform(0.9, 1.5),
        balance=_balance(rng),
        grey_replacement=rng.uniform(0.2, 0.4) if photo else rng.uniform(0.2, 0.6),
        dot_gain=rng.uniform(0.10, 0.20) if photo else rng.uniform(0.10, 0.25),
        floor=_log(rng, 0.006, 0.025) if photo else _log(rng, 0.01, 0.045),
        paper=_paper(rng, (0.84, 0.92) if photo else (0.80, 0.90)),
        screen=screen,
        period=_log(rng, 0.1, 0.8) if photo else _log(rng, 0.2, 2.0),
        angle=float(np.clip(rng.normal(0, 0.1), -0.35, 0.35)),
        softness=_log(rng, 0.1, 0.5) if photo else _log(rng, 0.2, 0.8),
        mottle=rng.uniform(0, 0.012) if photo else rng.uniform(0, 0.03),
        mottle_size=_log(rng, 2, 20),
        texture=rng.uniform(0.001, 0.005) if photo else rng.uniform(0.003, 0.015),
        texture_size=_log(rng, 0.5, 3),
        band=rng.uniform(0.003, 0.02) if rng.random() < 0.3 else 0.0,
        band_period=_log(rng, 1.3, 14),
        band_axis="rows" if rng.random() < 0.7 else "columns",
    )


def draw_source(kind: Literal["print", "replay"], rng: np.random.Generator) -> SourceParams:
    """Draw how the picture was stored: replays are often video, and often small.

    Raises:
        InputError: the kind is neither "print" nor "replay".
    """
    if kind not in ("print", "replay"):
        raise InputError(f"Kind of source {kind!r}; expected 'print' or 'replay'.")
    video = kind == "replay" and rng.random() < 0.4
    codec = "h264" if video else "jpeg" if rng.random() < 0.8 else "none"
    return SourceParams(
        shrink=rng.uniform(0.4, 0.95) if rng.random() < 0.35 else 1.0,
        codec=codec,
        quality=int(rng.integers(85, 99)),
        crf=int(rng.integers(18, 29)),
    )


def _newspaper(rng: np.random.Generator) -> PrintParams:
    """Draw a coarse screen with ink that soaks into grey paper."""
    return PrintParams(
        inks="news",
        gamma=float(np.exp(rng.normal(0.0, 0.15))),
        saturation=0.0 if rng.random() < 0.2 else rng.uniform(0.6, 1.1),
        balance=_balance(rng),
        grey_replacement=rng.uniform(0.3, 0.8),
        dot_gain=rng.uniform(0.18, 0.25),
        floor=rng.uniform(0.03, 0.09),
        paper=_paper(rng, (0.60, 0.76), 0.02),
        period=_log(rng, 0.4, 3.0),
        angle=float(np.clip(rng.normal(0, 0.15), -0.5, 0.5)),
        softness=_log(rng, 0.3, 1.0),
        mottle=rng.uniform(0.01, 0.04),
        mottle_size=_log(rng, 1.5, 8),
        texture=rng.uniform(0.008, 0.025),
        texture_size=_log(rng, 0.7, 4),
    )


def _balance(rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw the density of C, M, Y: a slight cast, one time in sixteen a cartridge that runs out."""
    inks = np.clip(rng.normal(1, 0.05, 3), 0.85, 1.15)
    if rng.random() < 1 / 16:
        inks[rng.integers(3)] *= rng.uniform(0.5, 0.85)
    return float(inks[0]), float(inks[1]), float(inks[2])


def _paper(
    rng: np.random.Generator, white: tuple[float, float], warmth: float = -0.11
) -> tuple[float, float, float]:
    """Draw the white of paper: brightened paper under cool lamps is bluer than skin's white."""
    level, tint = rng.uniform(*white), rng.normal(warmth, 0.06)
    return min(1.0, level * (1 + tint / 2)), level, min(1.0, level * (1 - 1.8 * tint))


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw log-uniformly: as often between 1 and 2 as between 2 and 4."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _one(rng: np.random.Generator, choices: tuple[_T, ...]) -> _T:
    return choices[int(rng.integers(len(choices)))]


def _known(kind: str, kinds: object) -> None:
    if kind not in get_args(kinds):
        raise InputError(f"Unknown medium {kind!r}; expected one of {', '.join(get_args(kinds))}.")
