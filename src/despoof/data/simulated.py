"""Live pictures taken anew by the simulator: attacks of chosen species, or the live control."""

from collections.abc import Sequence

import numpy as np

from despoof.core.types import Face, Image
from despoof.data.store import Retake, Retaken
from despoof.recapture.camera import draw_camera, photograph
from despoof.recapture.light import to_light
from despoof.recapture.standin import VERSION, Medium, recapture


def attack_retake(species: Sequence[str]) -> tuple[Retake, str]:
    """Return what turns a live picture into an attack, and its tag for the cache."""
    return _attack, f"{VERSION} {species}"


def camera_retake() -> tuple[Retake, str]:
    """Return what photographs a live face with the attacks' cameras, and its tag."""
    return _camera, f"{VERSION} camera"


def _attack(picture: Image, face: Face, rng: np.random.Generator) -> Retaken:
    medium: Medium = "print" if rng.uniform() < 0.5 else "screen"
    return Retaken(recapture(picture, medium, rng).image, picture, face, medium)


def _camera(picture: Image, face: Face, rng: np.random.Generator) -> Retaken:
    taken = photograph(to_light(picture), draw_camera(rng), rng)
    return Retaken(taken, picture, face, "live")
