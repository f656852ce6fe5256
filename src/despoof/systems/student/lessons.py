"""What the student is shown: faces, and the noise that a teacher or the simulator knows in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from despoof.core.device import seed_of
from despoof.data.pairs import Pairs, recapture_pairs
from despoof.data.views import DataConfig, development_sets
from despoof.nets.spectrum import band_energy
from despoof.systems.cached_noise import CachedFaces, dev_batches, drawn_rows
from despoof.systems.despoofing_diffusion.cached_faces import cached_faces
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.despoofing_diffusion.views import mirrored
from despoof.systems.student.recipe import RecipeConfig
from despoof.systems.student.teacher import FACES, SOME, check_round_trip
from despoof.training.stage import Batch

MEASURED = 64
"""Shards, and batches of pairs, whose band energies are the unit."""


@dataclass(frozen=True)
class DevPart:
    """Development faces (N, 3, S, S), `live` (N,) bool, and their noise where somebody knows it."""

    name: str
    faces: Tensor
    live: Tensor
    noise: Tensor | None = None


@dataclass(frozen=True)
class Lessons:
    """Faces with their noise, by a teacher, by the simulator, or by both.

    Attributes:
        cached: the teacher's, and what they are; None without one.
        pairs: the simulator's; None where they are not asked for.
        unit: (bands,) mean band energy of the teacher's noise, see `losses.noise_loss`; 1 without.
        pair_unit: the same of the simulator's attacks.
        dev: what weights are chosen on.
        recipe: shares and the mirror.
        count: faces of a batch.
        seed: of what is drawn.
    """

    cached: CachedFaces | None
    pairs: Pairs | None
    unit: Tensor
    pair_unit: Tensor
    dev: tuple[DevPart, ...]
    recipe: RecipeConfig
    count: int
    seed: int

    def batch(self, step: int) -> Batch:
        """Return the batch of a step; a pure function of (seed, step).

        `faces` (B, 3, S, S) in [-1, 1], `noise` like them, `live` (B,) bool, `taught` (B,) bool:
        True where the noise is the teacher's, False where it is the simulator's.
        """
        seed = seed_of(self.seed, "lessons", step)
        parts: list[Batch] = []
        known = 0
        if self.pairs is not None:
            known = self.count
            if self.cached is not None:
                known = max(1, round(self.recipe.supervised_share * self.count))
            parts.append(_simulated(self.pairs, known, self.recipe.live_share, seed))
        if self.cached is not None:
            parts.append(self._taught(self.cached, max(1, self.count - known), seed))
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _taught(self, cached: CachedFaces, count: int, seed: int) -> Batch:
        kept = drawn_rows(cached.train, count, np.random.default_rng(seed))
        batch = {name: kept[name] for name in ("faces", "noise", "live")}
        generator = torch.Generator().manual_seed(seed)
        batch = mirrored(batch, torch.rand(count, generator=generator) < self.recipe.mirror)
        return batch | {"taught": torch.ones(count, dtype=torch.bool)}

    @property
    def key(self) -> str:
        """Of the teacher's weights and of all that decides their noise; "" without a teacher."""
        return "" if self.cached is None else self.cached.key


def make_lessons(
    teacher: DespoofingDiffusion | None,
    data: DataConfig,
    size: int,
    recipe: RecipeConfig,
    seed: int,
) -> Lessons:
    """Cross the teacher's bridge with every face that is not in the cache, and cut the pairs.

    Args:
        teacher: with the recipe's bridge; None: the simulator teaches alone.
        data: sources and development sets.
        size: side of a face, pixels.
        recipe: views, shares and weights.
        seed: of what is drawn.

    Raises:
        DataError: the simulator shall teach and no source is simulated.
        TrainingError: `recipe.identity` is asked for and the teacher does not allow it.
    """
    pairs = recapture_pairs(data, size, "train") if teacher is None or recipe.supervised else None
    pair_unit = torch.ones(1) if pairs is None else _pair_unit(pairs, data.batch_size, recipe)
    if teacher is None:
        dev = _unknown(data, size) + _simulated_dev(data, size, recipe)
        return Lessons(None, pairs, torch.ones(1), pair_unit, dev, recipe, data.batch_size, seed)
    cached = cached_faces(teacher.fields, teacher.config, data, views=recipe.views, seed=seed)
    if recipe.identity:
        shard = cached.train.shard(0)
        genuine = (shard["faces"] - shard["noise"])[:SOME].clamp(-1, 1)
        check_round_trip(teacher, genuine[:: max(1, len(genuine) // FACES)][:FACES])
    dev = tuple(
        DevPart(name, *(torch.cat([s[k] for s in shards]) for k in ("faces", "live", "noise")))
        for name, shards in dev_batches(cached)
    )
    unit = _unit(cached)
    return Lessons(cached, pairs, unit, pair_unit, dev, recipe, data.batch_size, seed)


def _simulated(pairs: Pairs, count: int, live_share: float, seed: int) -> Batch:
    made = pairs.batch(count, live_share, seed)
    noise = made["faces"] - made["target"]
    taught = torch.zeros(count, dtype=torch.bool)
    return {"faces": made["faces"], "noise": noise, "live": made["live"], "taught": taught}


def _unit(cached: CachedFaces) -> Tensor:
    """Mean band energy of the teacher's noise in shards spread over the training faces."""
    total = len(cached.train.paths)
    chosen = sorted({i * total // min(MEASURED, total) for i in range(min(MEASURED, total))})
    return torch.cat([band_energy(cached.train.shard(k)["noise"]) for k in chosen]).mean(dim=0)


def _pair_unit(pairs: Pairs, count: int, recipe: RecipeConfig) -> Tensor:
    """Mean band energy of the simulator's noise in attacks."""
    parts: list[Tensor] = []
    for number in range(4):
        made = _simulated(pairs, count, recipe.live_share, seed_of(number, "unit"))
        parts.append(band_energy(made["noise"][~made["live"]]))
    return torch.cat(parts).mean(dim=0)


def _unknown(data: DataConfig, size: int) -> tuple[DevPart, ...]:
    return tuple(DevPart(dev.name, dev.faces, dev.live) for dev in development_sets(data, size))


def _simulated_dev(data: DataConfig, size: int, recipe: RecipeConfig) -> tuple[DevPart, ...]:
    count = recipe.dev_pairs
    pairs = recapture_pairs(data, size, "dev", count)
    made = _simulated(pairs, count, 0.25, seed_of("student dev pairs"))
    return (DevPart("simulated", made["faces"], made["live"], made["noise"]),)


def known_parts(dev: Sequence[DevPart]) -> list[DevPart]:
    """Return the plain parts whose noise is known; stressed twins are not what is de-spoofed."""
    return [p for p in dev if p.noise is not None and not p.name.endswith("-stressed")]
