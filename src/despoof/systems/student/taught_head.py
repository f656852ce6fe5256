"""The stage `head`, taught: on the student's noise, the maps that the teacher gives on its own.

The detector was trained on the noise of the teacher's own bridge. The student's is of a finer one
and is found in another way, so that the same detector judges it a little differently. No label has
a say here: what is wanted is the teacher's verdict, right or wrong.
"""

import copy
import hashlib
import json
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from despoof.core.device import bf16_autocast, seed_of
from despoof.data.views import DataConfig, DevSet
from despoof.systems.cached_noise import dev_batches, drawn_rows
from despoof.systems.despoofing_diffusion.cached_faces import cached_faces
from despoof.systems.despoofing_diffusion.losses import depth_map_loss
from despoof.systems.despoofing_diffusion.scoring import map_score
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.residuals import weights_hash
from despoof.systems.student.recipe import RecipeConfig
from despoof.systems.student.system import Student
from despoof.systems.validation import auc_of, development_scores
from despoof.training.stage import Batch, Update


class TaughtHeadStage:
    """The detector on cached faces, towards the teacher's maps; satisfies `training.Stage`."""

    name = "head"

    def __init__(
        self,
        student: Student,
        teacher: DespoofingDiffusion,
        recipe: RecipeConfig,
        data: DataConfig,
        seed: int,
    ) -> None:
        """Cross the teacher's own bridge with every face that is not in the cache.

        Args:
            student: its noise network stands still; its detector is the teacher's, and is copied.
            teacher: with its own bridge, which its detector learnt from.
            recipe: views, rate and the weights of the map's loss.
            data: sources and development sets.
            seed: of what is drawn.
        """
        fields, config = teacher.fields, teacher.config
        self.cached = cached_faces(fields, config, data, views=recipe.head_views, seed=seed)
        self.truth = teacher.detector.requires_grad_(False).eval()
        detector = copy.deepcopy(teacher.detector).requires_grad_(True)
        self.module: nn.Module = Student(student.config, student.network, detector)
        self.recipe, self.data, self.seed = recipe, data, seed
        self._network_hash = weights_hash(student.network)
        self._dev: list[tuple[DevSet, Tensor]] | None = None

    @property
    def student(self) -> Student:
        """The module under its own type."""
        return cast("Student", self.module)

    def updates(self) -> Sequence[Update]:
        """The detector alone learns."""
        recipe = self.recipe
        rate, decay = recipe.head_rate * recipe.learning_rate, recipe.weight_decay
        return (Update("head", self.student.detector, self.loss, rate, weight_decay=decay),)

    def batch(self, step: int) -> Batch:
        """Return faces and the noise of the teacher's own bridge; a function of (seed, step)."""
        rng = np.random.default_rng(seed_of(self.seed, "taught head", step))
        kept = drawn_rows(self.cached.train, self.data.batch_size, rng)
        return {name: kept[name] for name in ("faces", "noise", "live")}

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Error of the map on the student's noise against the teacher's map on its own."""
        faces = batch["faces"]
        with torch.no_grad():
            self.truth.to(faces.device)
            wanted = self.truth(faces, batch["noise"]).float()
            noise = self.student.find(faces).float()
        found = self.student.detector(faces, noise)
        return depth_map_loss(found, wanted, self.recipe.depth)

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Distance to the teacher's scores, and the AUC.

        Returns:
            `score_error`: RMS of student − teacher over the plain development faces, in standard
            deviations of the teacher's scores; `auc/<set>` and their mean `auc`.
        """
        self._dev = self._dev or [*self._teachers_scores()]
        sets = [dev for dev, _ in self._dev]
        scores = development_scores(module, sets)
        plain = [(scores[dev.name], truth) for dev, truth in self._dev if _is_plain(dev)]
        own, wanted = (torch.cat(parts) for parts in zip(*plain, strict=True))
        error = float((own - wanted).square().mean().sqrt() / wanted.std().clamp(min=1e-6))
        return {"score_error": error} | auc_of(scores, sets)

    def _teachers_scores(self) -> Sequence[tuple[DevSet, Tensor]]:
        device = next(self.truth.parameters()).device
        found: list[tuple[DevSet, Tensor]] = []
        for name, shards in dev_batches(self.cached):
            faces, live = (torch.cat([s[key] for s in shards]) for key in ("faces", "live"))
            with torch.no_grad(), bf16_autocast(device.type):
                maps = [self.truth(s["faces"].to(device), s["noise"].to(device)) for s in shards]
            scores = map_score(torch.cat(maps).float()).cpu()
            found.append((DevSet(name, faces, live), scores))
        return found

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        recipe = self.recipe
        values = [
            self.student.config.plain(),
            [recipe.learning_rate, recipe.head_rate, recipe.weight_decay, recipe.depth.plain()],
            self.data.plain(),
            self.seed,
            self._network_hash,
            weights_hash(self.truth),
            self.cached.key,
            len(self.cached.train.paths),
        ]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _is_plain(dev: DevSet) -> bool:
    return not dev.name.endswith("-stressed")
