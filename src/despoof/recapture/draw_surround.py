"""Draw a border or a bezel, the hands that hold the medium, and the scene behind it."""

import numpy as np

from despoof.recapture.background import SceneKind, SceneParams
from despoof.recapture.hands import HandParams, Side

Colour = tuple[float, float, float]
Border = tuple[float, float, float, float]

_SKINS = np.array([[0.62, 0.40, 0.31], [0.45, 0.26, 0.18], [0.28, 0.15, 0.09], [0.1, 0.05, 0.03]])


def draw_border(
    species: str, rng: np.random.Generator, paper: Colour | None
) -> tuple[Border, Colour, float, float]:
    """Widths (left, top, right, bottom; picture widths), light, corner radius, rim."""
    if species == "replay/projector":
        return (0.0, 0.0, 0.0, 0.0), (0.02, 0.02, 0.02), 0.0, 0.0
    if paper is not None:
        return _margins(rng), paper, 0.0, rng.uniform(0, 0.15)
    bezel = rng.uniform(0.003, 0.03)
    dark: Colour = (bezel, bezel, bezel * rng.uniform(1.0, 1.2))
    page: Colour = (0.9, 0.9, 0.92)
    if species in ("replay/phone-oled", "replay/phone-lcd"):
        side, ends = rng.uniform(0.015, 0.06), rng.uniform(0.1, 0.6)
        light = (0.7, 0.7, 0.68) if rng.uniform() < 0.12 else dark
        return (side, ends, side, ends * rng.uniform(0.7, 1.4)), light, side, rng.uniform(0, 0.6)
    if species == "replay/tablet":
        side, ends = rng.uniform(0.05, 0.12), rng.uniform(0.06, 0.3)
        light = (0.7, 0.7, 0.68) if rng.uniform() < 0.2 else dark
        return (side, ends, side, ends), light, 0.05, rng.uniform(0, 0.5)
    beside = rng.uniform(0.05, 0.9), rng.uniform(0.05, 0.9)  # the rest of the screen: a viewer
    viewer = page if rng.uniform() < 0.3 else dark
    top, bottom = rng.uniform(0.03, 0.15), rng.uniform(0.05, 0.2)
    return (beside[0], top, beside[1], bottom), viewer, 0.0, 0.0


def draw_hands(rng: np.random.Generator, *, replay: bool) -> tuple[HandParams, ...]:
    """None, one or two hands; paper shows more fingers on its front than a telephone."""
    count = int(rng.choice(3, p=(0.35, 0.35, 0.30)))
    light = rng.uniform(0.3, 1.0) if replay else rng.uniform(0.75, 1.35)
    where = (len(_SKINS) - 1.01) * rng.beta(0.9, 1.6)
    low, share = int(where), where - int(where)
    red, green, blue = light * ((1 - share) * _SKINS[low] + share * _SKINS[low + 1])
    first: Side = "left" if rng.uniform() < 0.5 else "right"
    second: Side = "right" if first == "left" else "left"
    if rng.uniform() < 0.3:
        first = "bottom"
    return tuple(
        HandParams(
            side=side,
            along=float(np.clip(rng.normal(0.62, 0.15), 0.1, 0.95)),
            fingers=1 if replay or rng.uniform() < 0.55 else int(rng.integers(2, 5)),
            reach=rng.uniform(0.04, 0.1) if replay else rng.uniform(0.06, 0.2),
            width=rng.uniform(0.08, 0.13),
            slant=rng.normal(0, 20),
            skin=(float(red), float(green), float(blue)),
        )
        for side in (first, second)[:count]
    )


def draw_scene(species: str, rng: np.random.Generator, *, held: bool) -> SceneParams:
    """What is behind: for a lit display darker than it, for paper in the same light."""
    kinds: tuple[SceneKind, ...] = ("wall", "holder", "room", "table", "dark")
    replay = species.startswith("replay/")
    chances = (0.38, 0.26, 0.24, 0.12, 0.0) if held else (0.5, 0.0, 0.4, 0.0, 0.1)
    if replay and held:
        chances = (0.3, 0.22, 0.22, 0.1, 0.16)
    if species == "replay/projector":
        chances = (0.5, 0.0, 0.0, 0.0, 0.5)
    tint = rng.normal(0, 0.05)
    cloth = rng.uniform(0.01, 0.6) * np.exp(rng.normal(0, 0.25, 3))
    level = rng.uniform(0.06, 0.5) if replay else rng.uniform(0.35, 1.1)
    return SceneParams(
        kind=kinds[int(rng.choice(5, p=chances))],
        level=level,
        colour=(1 + tint, 1.0, 1 - tint),
        cloth=(float(cloth[0]), float(cloth[1]), float(cloth[2])),
        blur=float(np.exp(rng.uniform(np.log(0.003), np.log(0.03)))),
    )


def _margins(rng: np.random.Generator) -> Border:
    """Cut at the picture, an even white margin, or a sheet on which the picture is one part."""
    form = rng.uniform()
    if form < 0.35:
        return (0.0, 0.0, 0.0, 0.0)
    if form < 0.75:
        even = rng.uniform(0.01, 0.08)
        return (even, even, even, even)
    left, top, right, bottom = rng.uniform(0.0, 0.4, 4) ** 1.5
    return (float(left), float(top), float(right), float(bottom))
