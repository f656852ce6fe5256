"""Test faces of the evidence and the noise that fields find in them, computed once and kept."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from despoof.core.files import atomic_path
from despoof.diffusion.bridge import BridgeConfig
from despoof.evaluation.scoring import TIGHT, labelled
from despoof.face.crop import CropConfig
from despoof.metrics.scores import Scores, make_scores
from despoof.systems.despoofing_diffusion.scoring import map_score
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion, as_cached
from despoof.systems.residuals import weights_hash

sys.path.insert(0, str(Path(__file__).parents[1]))
from cut_sets import faces_of, thinned
from species_out import test_faces

CACHE = Path("cache") / "system1"
PEOPLE = 40
"""Of LFW's test people, whose simulated attacks are told apart."""


@dataclass(frozen=True)
class TestSet:
    """Faces with what the metrics need to know of them.

    Attributes:
        name: of the set.
        images: (N, S, S, 3) uint8.
        table: their labels, species and people; its scores mean nothing.
        names: of the pictures, where they are a dataset's.
    """

    name: str
    images: NDArray[np.uint8]
    table: Scores
    names: tuple[str, ...] = ()

    def pixels(self) -> Tensor:
        """Return (N, 3, S, S) in [-1, 1]."""
        return torch.from_numpy(self.images).permute(0, 3, 1, 2).float() / 127.5 - 1

    def scored(self, scores: NDArray[np.float64]) -> Scores:
        """Return the table with scores."""
        return make_scores(scores, self.table.live, self.table.species, self.table.group)


def real_set(name: str, size: int, every: int = 1) -> TestSet:
    """Return each `every`-th picture of a set of benchmarks/results.py, tight."""
    faces = thinned(faces_of(name, TIGHT, size), every)
    table = labelled(faces.samples, np.zeros(len(faces.samples)))
    return TestSet(name, faces.images, table, tuple(sample.name for sample in faces.samples))


def simulated_set(family: str, size: int, scale: float) -> TestSet:
    """Return LFW's test people, photographed and as every species of a family."""
    found = test_faces(PEOPLE, CropConfig(size=size, scale=scale))
    kept = [name for name in found if name == "live" or name.startswith(f"{family}/")]
    return TestSet(
        f"simulated {family}s",
        np.concatenate([found[name] for name in kept]),
        make_scores(
            np.zeros(sum(len(found[name]) for name in kept)),
            [name == "live" for name in kept for _ in found[name]],
            [name for name in kept for _ in found[name]],
            [str(i) for name in kept for i in range(len(found[name]))],
        ),
    )


def noise_in(
    system: DespoofingDiffusion, faces: TestSet, bridge: BridgeConfig | None = None
) -> Tensor:
    """Return the signed noise (N, 3, S, S) that a system's fields find; kept on the disk."""
    bridge = bridge or system.config.bridge
    key = f"{weights_hash(system.fields)}-{faces.name.replace(' ', '_')}-{len(faces.images)}"
    way = f"{bridge.solver}-{bridge.grid}-{bridge.steps}-{bridge.t_max or 0:g}"
    path = CACHE / f"{key}-{way}.npy"
    if not path.exists():
        other = system.with_bridge(bridge)
        made = [other.bridged(part).noise.half() for part in faces.pixels().split(64)]
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.save(stream, torch.cat(made).numpy())
    return torch.from_numpy(np.load(path)).float()


@torch.no_grad()
def scores_with(
    system: DespoofingDiffusion, faces: TestSet, noise: Tensor | None
) -> NDArray[np.float64]:
    """Score faces by the detector, on noise that was found before."""
    found: list[Tensor] = []
    pixels = faces.pixels()
    parts: Sequence[Tensor | None] = [None] * (len(pixels) // 64 + 1)
    if noise is not None:
        parts = [as_cached(part) for part in noise.split(64)]
    for x, n in zip(pixels.split(64), parts, strict=False):
        found.append(map_score(system.detector(x, n)))
    return torch.cat(found).double().numpy()
