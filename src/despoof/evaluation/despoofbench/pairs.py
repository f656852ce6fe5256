"""One genuine face on one species: the recapture, its exact noise, and the live control."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.device import seed_of
from despoof.core.errors import ConfigError
from despoof.core.types import Face, Image
from despoof.evaluation.despoofbench.faces import BenchFace
from despoof.face.crop import CropConfig, crop_face
from despoof.face.warp import warp
from despoof.media.images import read_image
from despoof.recapture.camera import draw_camera, photograph
from despoof.recapture.light import to_light
from despoof.recapture.standin import VERSION, recapture

SPECIES = ("print/standin", "replay/standin")
SIMULATOR: str = VERSION
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
    """

    attack: Image
    noise: NDArray[np.float32]
    live: Image
    valid: NDArray[np.bool_]


def choose_species(wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the species of some names or families, in the simulator's order; all of them for none.

    Raises:
        ConfigError: a name is neither a species nor a family.
    """
    families = {name.partition("/")[0] for name in SPECIES}
    unknown = [name for name in wanted if name not in SPECIES and name not in families]
    if unknown:
        near = difflib.get_close_matches(unknown[0], [*SPECIES, *families], n=1, cutoff=0.4)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(
            f"No species {unknown[0]!r}.{hint} Species: {', '.join(SPECIES)}; or a family: "
            f"{', '.join(sorted(families))}."
        )
    return tuple(
        name for name in SPECIES if not wanted or name in wanted or name.partition("/")[0] in wanted
    )


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
    live = crop_face(pair.live, pair.live_face, config).image
    return Crops(attack.image, noise, live, attack.valid)


def _pair(picture: Image, face: BenchFace, species: str, rng: np.random.Generator) -> BenchPair:
    """The one place that knows the simulator."""
    taken = recapture(picture, "print" if species.startswith("print") else "screen", rng)
    live = photograph(to_light(picture), draw_camera(rng), rng)
    return BenchPair(
        face.name, face.person, species, taken.image, picture, face.face, live, face.face
    )
