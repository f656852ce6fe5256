"""The faces that the gates are measured on: people, real prints and species that no pair held."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import DataError
from despoof.data.samples import read_samples, select, subject_disjoint
from despoof.data.simulated import chosen_species
from despoof.evaluation.bridge_checks.faces import (
    BridgeFaces,
    bare_crop_face,
    cut_faces,
    sample_clip,
)
from despoof.evaluation.despoofbench.faces import lfw_faces
from despoof.evaluation.despoofbench.pairs import cut, make_pairs
from despoof.evaluation.student_gates.seen import SeenData
from despoof.face.crop import CropConfig

PEOPLE, PRINTS, SPECIES = "people", "prints", "species"


@dataclass(frozen=True)
class GateSet:
    """Faces of one kind, or why there are none.

    Attributes:
        name: short, lower-case.
        what: in words.
        faces: None where there are none to be had.
        missing: why not; "" where there are.
    """

    name: str
    what: str
    faces: BridgeFaces | None
    missing: str = ""


def gate_sets(
    root: Path,
    crop: CropConfig,
    count: int,
    *,
    seen: SeenData | None,
    species: Sequence[str] = (),
    seed: int = 0,
) -> list[GateSet]:
    """Cut the three sets of the development data.

    Args:
        root: the data folder.
        crop: of the student, and of its teacher.
        count: faces of each set, half of them live where there are as many.
        seen: what the student learnt from; None = nobody knows.
        species: names or families to simulate; none: those that the student never saw.
        seed: of the recaptures.
    """
    return [
        _made(PEOPLE, "CelebA-Spoof, development people", lambda: _people(root, crop, count)),
        _made(PRINTS, _prints_words(seen), lambda: _prints(root, crop, count)),
        _species(
            _kinds(species, seen), lambda kinds: simulated_faces(root, crop, count, kinds, seed)
        ),
    ]


def _made(name: str, what: str, make: Callable[[], BridgeFaces]) -> GateSet:
    try:
        return GateSet(name, what, make())
    except DataError as error:
        return GateSet(name, what, None, str(error))


def _people(root: Path, crop: CropConfig, count: int) -> BridgeFaces:
    samples = select(read_samples(root, "celeba-spoof"), "dev")
    return cut_faces([sample_clip(s) for s in samples], crop, count, bare_crop_face)


def _prints(root: Path, crop: CropConfig, count: int) -> BridgeFaces:
    samples = subject_disjoint(read_samples(root, "nuaa"))
    return cut_faces([sample_clip(s) for s in samples], crop, count, lambda image: None)


def _prints_words(seen: SeenData | None) -> str:
    words = "NUAA's test people who are in no other part: real prints"
    if seen is not None and "nuaa" in seen.datasets:
        return f"{words} (other pictures of NUAA were among the student's pairs)"
    return words


def _kinds(species: Sequence[str], seen: SeenData | None) -> tuple[tuple[str, ...], str]:
    """Return the species to simulate, and what they are or why there are none, in words."""
    if species:
        return chosen_species(species), "as named"
    if seen is None:
        return (), "what the student learnt from is not known; name species with --species."
    if not seen.left_out:
        return (), "the student saw every species; train with `without`, or use --species."
    return seen.left_out, "none of them among the student's pairs"


def _species(
    chosen: tuple[tuple[str, ...], str], make: Callable[[tuple[str, ...]], BridgeFaces]
) -> GateSet:
    kinds, why = chosen
    if not kinds:
        return GateSet(SPECIES, "simulated species", None, why)
    words = f"LFW's test people as {', '.join(kinds)} ({why}), and through the same cameras"
    return _made(SPECIES, words, lambda: make(kinds))


def simulated_faces(
    root: Path, crop: CropConfig, count: int, kinds: Sequence[str], seed: int = 0
) -> BridgeFaces:
    """Simulate `count` / 2 attacks of LFW's test people, species in turn, each with its control.

    Raises:
        DataError: LFW is not there, or has too few people.
    """
    images: list[NDArray[np.uint8]] = []
    groups: list[str] = []
    for number, face in enumerate(lfw_faces(root, max(2, count // 2), seed)):
        kind = kinds[number % len(kinds)]
        for pair in make_pairs([face], [kind], seed):
            crops = cut(pair, crop)
            images += [crops.live, crops.attack]
            groups += [pair.person, pair.person]
    live = np.arange(len(images)) % 2 == 0
    return BridgeFaces(np.stack(images), live, tuple(groups), (None,) * len(images))
