"""Draw where the medium is and how light falls on it (SPEC §6, 3 and 4).

Two framings: `tight` shows nothing but the picture, `wide` also its edge or bezel and the scene.
"""

import math
from typing import Literal

import numpy as np

from despoof.recapture.background import SceneKind, SceneParams
from despoof.recapture.draw_surround import draw_border, draw_hands, draw_scene
from despoof.recapture.geometry import GeometryParams, covers
from despoof.recapture.placing import SurroundParams
from despoof.recapture.reflection import ReflectionParams

Framing = Literal["tight", "wide"]


def draw_geometry(
    species: str,
    framing: Framing,
    rng: np.random.Generator,
    *,
    size: tuple[int, int],
    distortion: float,
) -> GeometryParams:
    """Draw a pose; a tight one is enlarged until nothing but the picture is in the frame."""
    beam = species == "replay/projector"
    turned = 0.4 if beam else 1.0
    bend, axis = _draw_bend(species, rng)
    pose = GeometryParams(
        yaw=turned * _normal(rng, 8, 28),
        pitch=turned * _normal(rng, 6, 22),
        roll=turned * _normal(rng, 4.5, 18),
        distance=float(np.exp(rng.uniform(np.log(1.3), np.log(4.5)))),
        bend=bend,
        bend_axis=axis,
    )
    if framing == "wide":
        scale = float(np.clip(rng.normal(0.78, 0.14), 0.42, 1.02))
        shift = (_normal(rng, 0.05, 0.15), _normal(rng, 0.05, 0.15))
        return pose.model_copy(update={"scale": scale, "shift": shift})
    pose = pose.model_copy(update={"shift": (_normal(rng, 0.02, 0.06), _normal(rng, 0.02, 0.06))})
    return _enlarged(pose, size, distortion, rng.uniform(1.0, 1.08))


def draw_surround(
    species: str, rng: np.random.Generator, *, paper: tuple[float, float, float] | None
) -> SurroundParams:
    """Draw what is around the medium; `paper` is the white of a print's margin."""
    border, light, corner, rim = draw_border(species, rng, paper)
    held = not species.endswith(("laptop", "desktop-tn", "projector"))
    replay = species.startswith("replay/")
    return SurroundParams(
        border=border,
        border_light=light,
        corner=corner,
        rim=rim,
        scene=draw_scene(species, rng, held=held),
        hands=draw_hands(rng, replay=replay) if held else (),
        shadow=0.0 if species == "replay/projector" else rng.uniform(0, 0.4),
    )


def draw_reflection(
    species: str, geometry: GeometryParams, rng: np.random.Generator
) -> ReflectionParams:
    """Draw lamp, gloss, mirror and glare."""
    side = rng.uniform(0, 2 * np.pi)
    away = rng.uniform(0.2, 2.0)
    lamp = (away * math.cos(side), away * math.sin(side) - 0.3, rng.uniform(0.5, 1.8))
    tint = rng.normal(0, 0.04)
    shared = {
        "lamp": lamp,
        "lamp_colour": (1 + tint, 1.0, 1 - tint),
        "gloss_at": (_normal(rng, 0.35, 0.9), _normal(rng, 0.35, 0.9)),
        "glare_at": (_normal(rng, 0.3, 0.7), _normal(rng, 0.3, 0.7)),
    }
    if species == "replay/projector":
        return ReflectionParams.parse(shared)
    if species.startswith("replay/"):
        return ReflectionParams.parse(shared | _draw_glass(rng))
    glossy = {"print/inkjet-photo": 0.8, "print/bent": 0.55, "print/newspaper": 0.03}
    photo = rng.uniform() < glossy.get(species, 0.25)
    return ReflectionParams.parse(
        shared
        | {
            "shading": rng.uniform(0.35, 1.0),
            "gloss": float(min(rng.exponential(0.35), 2.0)) if photo else rng.uniform(0, 0.06),
            "roughness": rng.uniform(0.16, 0.42) if photo else rng.uniform(0.4, 0.7),
        }
    )


def _draw_glass(rng: np.random.Generator) -> dict[str, object]:
    kind: SceneKind = "room" if rng.uniform() < 0.6 else "holder"
    blown = rng.uniform() < 0.2
    return {
        "mirror": 0.01 + 0.19 * rng.beta(1.4, 2.2),
        "mirrored": SceneParams(
            kind=kind, level=rng.uniform(0.15, 0.9), blur=rng.uniform(0.01, 0.08)
        ),
        "glare": float(np.exp(rng.uniform(np.log(0.002), np.log(0.05)))) if blown else 0.0,
        "glare_peak": rng.uniform(0.6, 2.5),
        "glare_stretch": float(np.exp(rng.normal(0, 0.5))),
    }


def _draw_bend(species: str, rng: np.random.Generator) -> tuple[float, float]:
    """Angle over which the width is rolled, and the axis: paper sags about any, mostly upright."""
    axis = rng.normal(0, 12) + (90.0 if rng.uniform() < 0.3 else 0.0)
    if species == "print/bent":
        return float(rng.choice((-1, 1)) * rng.uniform(0.35, 1.2)), axis
    if species.startswith("print/") and rng.uniform() < 0.5:
        return _normal(rng, 0.12, 0.35), axis
    return 0.0, 0.0


def _enlarged(
    pose: GeometryParams, size: tuple[int, int], distortion: float, spare: float
) -> GeometryParams:
    """The smallest scale of a series that leaves nothing but the picture in the frame."""
    scale = 1.0
    small = (max(16, round(64 * size[0] / max(size))), max(16, round(64 * size[1] / max(size))))
    for _ in range(24):
        trial = pose.model_copy(update={"scale": scale})
        if covers(trial, small, distortion=distortion):
            break
        scale *= 1.04
    return pose.model_copy(update={"scale": scale * 1.01 * spare})


def _normal(rng: np.random.Generator, deviation: float, limit: float) -> float:
    return float(np.clip(rng.normal(0, deviation), -limit, limit))
