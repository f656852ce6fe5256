"""One genuine face on one species: the recapture, its exact noise, and the live control."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.device import seed_of
from despoof.core.types import Face, Image
from despoof.data.simulated import WIDE_FROM, WIDE_SIDE, moved
from despoof.evaluation.despoofbench.faces import BenchFace
from despoof.face.crop import CropConfig, crop_face
from despoof.face.warp import warp
from despoof.media.images import read_image
from despoof.recapture.geometry import matrix
from despoof.recapture.pipeline import frontal, photograph_live, recapture
from despoof.recapture.recipe import VERSION, Recipe
from despoof.recapture.species import sample_recipe

SIMULATOR = f"simulator {VERSION}"
LONGEST = 288
"""Pixels of the longer side of a tight photograph: a long picture is not worth a long time."""

BENCH_VERSION = "despoofbench-1"
"""Changes whenever the same (face, species, seed) gives other pixels or other figures."""


@dataclass(frozen=True)
class BenchPair:
    """What happened to one face on one medium, in the whole frame of each photograph.

    Attributes:
        name: of the genuine picture.
        person: who is seen.
        species: `family/instrument`.
        image: (H, W, 3) uint8, the recapture.
        genuine: (H, W, 3) uint8, the genuine picture in the recapture's frame; outside the medium's
            picture area it is the recapture itself, so that the noise there is 0.
        face: where the face is in both.
        live: (H', W', 3) uint8, the genuine face through the same camera, no medium between.
        live_face: where the face is in that.
    """

    name: str
    person: str
    species: str
    image: Image
    genuine: Image
    face: Face
    live: Image
    live_face: Face


@dataclass(frozen=True)
class Crops:
    """What a system sees of a pair: all cut by one matrix.

    Attributes:
        attack: (S, S, 3) uint8, the recapture.
        noise: (S, S, 3) float32 in [-2, 2], the true noise of it.
        live: (S, S, 3) uint8, the live control.
        valid: (S, S) bool, False where `attack` was padded.
        live_valid: the same of `live`.
    """

    attack: Image
    noise: NDArray[np.float32]
    live: Image
    valid: NDArray[np.bool_]
    live_valid: NDArray[np.bool_]


def make_pairs(
    faces: Sequence[BenchFace], species: Sequence[str], seed: int = 0, repeats: int = 1
) -> Iterator[BenchPair]:
    """Yield every face on every species, `repeats` times; nothing is kept in memory.

    Each pair depends on (face's name, species, seed, repeat) alone, not on what else is asked for.
    """
    for face in faces:
        picture = read_image(face.path)
        for kind in species:
            for repeat in range(repeats):
                rng = np.random.default_rng(seed_of(seed, "bench", face.name, kind, repeat))
                yield _pair(picture, face, kind, rng)


def cut(pair: BenchPair, config: CropConfig) -> Crops:
    """Cut a pair the way a system wants its faces; recapture and genuine by the same matrix."""
    attack = crop_face(pair.image, pair.face, config)
    genuine, _ = warp(pair.genuine, attack.matrix, config.size)
    noise = (attack.image.astype(np.float32) - genuine.astype(np.float32)) / 127.5
    live = crop_face(pair.live, pair.live_face, config)
    return Crops(attack.image, noise, live.image, attack.valid, live.valid)


def _pair(picture: Image, face: BenchFace, species: str, rng: np.random.Generator) -> BenchPair:
    """The one place that knows the simulator."""
    here = face.face
    x1, y1, x2, y2 = here.box
    shown = min(picture.shape[:2]) / max(x2 - x1, y2 - y1)
    wide = bool(rng.uniform() < 0.5) and shown >= WIDE_FROM
    height, width = picture.shape[:2]
    zoom = (WIDE_SIDE if wide else 1.0) * min(1.0, LONGEST / max(height, width))
    size = max(64, round(zoom * height)), max(64, round(zoom * width))
    recipe = _whole(sample_recipe(species, rng, size=size, framing="wide" if wide else "tight"))
    size = recipe.size
    eyes = None if here.landmarks is None else here.landmarks[:2] - 0.5
    taken = recapture(picture, recipe, landmarks=eyes)
    pose = frontal(recipe.geometry, size, recipe.camera.optics.distortion)
    return BenchPair(
        name=face.name,
        person=face.person,
        species=species,
        image=taken.image,
        genuine=taken.genuine,
        face=moved(here, taken.matrix),
        live=photograph_live(picture, recipe),
        live_face=moved(here, matrix(pose, picture.shape[:2], size)),
    )


def _whole(recipe: Recipe) -> Recipe:
    """Step aside from a picture that is larger than the frame: a larger frame, equal pixels on it.

    A bench of faces that the frame cuts off would measure padding.
    """
    zoom = max(1.0, recipe.geometry.scale)
    shift = recipe.geometry.shift
    pose = {"scale": recipe.geometry.scale / zoom, "shift": (shift[0] / zoom, shift[1] / zoom)}
    return recipe.model_copy(
        update={
            "size": (round(recipe.size[0] * zoom), round(recipe.size[1] * zoom)),
            "geometry": recipe.geometry.model_copy(update=pose),
        }
    )
