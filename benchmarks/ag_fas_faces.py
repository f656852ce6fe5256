"""Test faces of AG-FAS's evidence, what its generators change in them, and checkpoints' scores.

What a generator changes is computed once for all cue networks that read it, and kept on the disk.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from cut_sets import faces_of, thinned
from numpy.typing import NDArray
from species_out import test_faces
from torch import Tensor, nn

from despoof.core.config import read_yaml
from despoof.core.files import atomic_path
from despoof.core.types import System
from despoof.evaluation.scoring import View, labelled
from despoof.face.crop import CropConfig
from despoof.metrics.scores import Scores, make_scores
from despoof.systems.ag_fas.cue import standardised
from despoof.systems.ag_fas.cue_network import CueNetwork
from despoof.systems.ag_fas.generator import Generator
from despoof.systems.ag_fas.generator_config import ReconstructConfig
from despoof.systems.residuals import weights_hash
from despoof.systems.saving import load_system
from despoof.training.tensors import read_tensors

CACHE = Path("cache") / "ag_fas"
BATCH = 64
TARGETS = {
    "celeba": "celeba-spoof dev",
    "nuaa": "nuaa test",
    "replay": "simulated replays",
    "print": "simulated prints",
}
"""The set on which the domain that was left out is judged; its people trained nothing."""


@dataclass(frozen=True)
class TestSet:
    """Faces with what the metrics need to know of them.

    Attributes:
        name: of the set.
        images: (N, S, S, 3) uint8.
        table: their labels, species and people; its scores mean nothing.
    """

    name: str
    images: NDArray[np.uint8]
    table: Scores

    def pixels(self) -> Tensor:
        """Return (N, 3, S, S) in [-1, 1]."""
        return torch.from_numpy(self.images).permute(0, 3, 1, 2).float() / 127.5 - 1

    def scored(self, scores: NDArray[np.float64]) -> Scores:
        """Return the table with scores."""
        return make_scores(scores, self.table.live, self.table.species, self.table.group)


@dataclass(frozen=True)
class Run:
    """A finished run: its system, and the weights of its cue network that were kept.

    Attributes:
        name: of the run's folder.
        system: as saved, with the weights that development data chose.
        dev: names of its development sets.
        checkpoints: cue network's state by name: "chosen" (by development data), "last", and
            "step N" of every snapshot that the run kept.
    """

    name: str
    system: Any
    dev: tuple[str, ...]
    checkpoints: dict[str, dict[str, Tensor]]


def load_run(folder: Path) -> Run:
    """Read a run with everything that was kept of its cue network."""
    system = load_system(folder / "weights")[1]
    chosen = cue_network(system).state_dict()
    kept = {"chosen": {name: value.clone() for name, value in chosen.items()}}
    if (folder / "cue" / "checkpoint.safetensors").exists():
        kept["last"] = _last(folder / "cue" / "checkpoint.safetensors", system)
    for path in sorted((folder / "snapshots").glob("*.safetensors")):
        kept[f"step {int(path.stem.rpartition('-')[2])}"] = read_tensors(path)[0]
    dev = tuple(f"{name} dev" for name in read_yaml(folder / "experiment.yaml")["data"]["dev"])
    return Run(folder.name, system, dev, kept)


def real_set(name: str, crop: CropConfig, every: int = 1) -> TestSet:
    """Return a set of benchmarks/results.py, cut as the system cuts."""
    view = View(f"as trained, scale {crop.scale:g}", crop.scale)
    faces = thinned(faces_of(name, view, crop.size), every)
    return TestSet(name, faces.images, labelled(faces.samples, np.zeros(len(faces.samples))))


def simulated_set(family: str, crop: CropConfig, people: int) -> TestSet:
    """Return LFW's test people, photographed and as every species of a family."""
    found = test_faces(people, crop)
    kept = [name for name in found if name == "live" or name.startswith(f"{family}/")]
    rows = [(name, i) for name in kept for i in range(len(found[name]))]
    table = make_scores(
        np.zeros(len(rows)),
        [name == "live" for name, _ in rows],
        [name for name, _ in rows],
        [str(i) for _, i in rows],
    )
    return TestSet(f"simulated {family}s", np.concatenate([found[n] for n in kept]), table)


def test_set(name: str, crop: CropConfig, *, every: int, people: int) -> TestSet:
    """Return a set by its name in `TARGETS`, or a development set's."""
    if name.startswith("simulated "):
        family = name.removeprefix("simulated ").removesuffix("s")
        return simulated_set(family, crop, people)
    return real_set(name, crop, every)


def noise_in(
    system: Any,  # noqa: ANN401 - AgFas
    faces: TestSet,
    changes: dict[str, Any] | None = None,
) -> Tensor | None:
    """Return the signed noise (N, 3, S, S) that a system's cue is made of; None where it has none.

    Args:
        system: a trained AG-FAS.
        faces: to look at.
        changes: of its `ReconstructConfig`, e.g. {"start": 400}.
    """
    if not system.config.cue.needs_cue:
        return None
    generator = cast("Generator", system.generator)
    kind = system.config.cue.kind
    settings = system.config.generator.reconstruct.model_copy(update=changes or {})
    path = CACHE / f"{_key(generator, faces, settings, kind)}.npy"
    if not path.exists():
        made = [
            (part - _subtracted(generator, part, settings, kind)).half()
            for part in faces.pixels().split(BATCH)
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.save(stream, torch.cat(made).numpy())
    return torch.from_numpy(np.load(path)).float()


@torch.no_grad()
def scores_of(network: nn.Module, faces: TestSet, noise: Tensor | None) -> Scores:
    """Score faces by a cue network, on noise that was found before."""
    network.eval()
    found = [
        network(pixels, None if part is None else standardised(part)).score
        for pixels, part in zip(faces.pixels().split(BATCH), _parts(noise, faces), strict=True)
    ]
    return faces.scored(torch.cat(found).double().numpy())


def cue_network(system: System) -> CueNetwork:
    """Return the network that judges."""
    return next(m for m in cast("nn.Module", system).modules() if isinstance(m, CueNetwork))


def _parts(noise: Tensor | None, faces: TestSet) -> Iterator[Tensor | None]:
    count = -(-len(faces.images) // BATCH)
    return iter([None] * count if noise is None else noise.split(BATCH))


def _subtracted(
    generator: Generator, faces: Tensor, settings: ReconstructConfig, kind: str
) -> Tensor:
    if kind == "vae":
        return generator.autoencoded(faces)
    return generator.reconstruct(faces, settings)


def _key(generator: Generator, faces: TestSet, settings: ReconstructConfig, kind: str) -> str:
    way = ["vae"] if kind == "vae" else [settings.plain(), generator.config.condition]
    pixels = hashlib.sha256(np.ascontiguousarray(faces.images).tobytes()).hexdigest()
    text = json.dumps([way, faces.name, pixels], sort_keys=True)
    return f"{weights_hash(generator)}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _last(path: Path, system: System) -> dict[str, Tensor]:
    """The cue network's weights of the last step, averaged where the run averaged them."""
    tensors, _ = read_tensors(path)
    module = cast("nn.Module", system)
    own = next(n for n, m in module.named_modules() if isinstance(m, CueNetwork))
    for kind in ("average", "model"):
        prefix = f"{kind}/{own}."
        found = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        if found:
            return found
    raise ValueError(f"{path} holds no weights of {own}")
