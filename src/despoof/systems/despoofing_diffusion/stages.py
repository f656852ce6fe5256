"""How System 1 is trained: the two fields, then a detector on the noise between them."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from despoof.core.device import bf16_autocast, seed_of
from despoof.data.views import DataConfig
from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores
from despoof.systems.cached_noise import dev_batches
from despoof.systems.despoofing_diffusion.cached_faces import cached_faces
from despoof.systems.despoofing_diffusion.cross_fields import Fields, of_everyone, take_fields
from despoof.systems.despoofing_diffusion.fields import FieldsRecipe, FieldsStage
from despoof.systems.despoofing_diffusion.losses import detector_loss
from despoof.systems.despoofing_diffusion.noise_scale import with_noise_scale
from despoof.systems.despoofing_diffusion.recipe import DetectorRecipe
from despoof.systems.despoofing_diffusion.scoring import map_score
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.systems.despoofing_diffusion.views import mirrored
from despoof.systems.residuals import Shard
from despoof.training.stage import Batch, Stage, Update


class RecipeConfig(DetectorRecipe):
    """The detector's recipe, and in `fields` that of what it stands on."""

    fields: FieldsRecipe = FieldsRecipe()
    views: float = Field(
        default=2.0, gt=0, description="cached views of a training picture, on average"
    )


def stages(
    config: DespoofingDiffusionConfig, recipe: RecipeConfig, data: DataConfig, seed: int
) -> Iterator[Stage]:
    """Yield the fields' stage, unless trained ones are taken, and the detector's.

    A generator: the detector's noise is computed with what the fields have become.

    Raises:
        TrainingError: `recipe.fields.trained` holds no weights, or those of another network or of
            other folds.
    """
    own = recipe.fields
    if own.trained is None:
        first = FieldsStage(config, own, data, seed)
        yield first
        fields = cast("Fields", first.module)
    else:
        fields = take_fields(Path(own.trained), config.fields, own.folds)
    yield DetectorStage(fields, config, recipe, data, seed)


class DetectorStage:
    """The detector on cached faces and noise; satisfies `training.Stage`."""

    name = "detector"

    def __init__(
        self,
        fields: Fields,
        config: DespoofingDiffusionConfig,
        recipe: RecipeConfig,
        data: DataConfig,
        seed: int,
    ) -> None:
        self.faces = cached_faces(fields, config, data, views=recipe.views, seed=seed)
        detector = config.detector
        if detector.needs_noise and detector.noise_scale is None:
            detector = with_noise_scale(detector, self.faces.train.noise())
        self.config = config.model_copy(update={"detector": detector})
        torch.manual_seed(seed_of(seed, "detector"))  # the start of the network
        self.module: nn.Module = DespoofingDiffusion(self.config, of_everyone(fields))
        self.recipe, self.data, self.seed = recipe, data, seed
        self._dev: Sequence[tuple[str, list[Shard]]] | None = None

    @property
    def system(self) -> DespoofingDiffusion:
        """The module under its own type."""
        return cast("DespoofingDiffusion", self.module)

    def updates(self) -> Sequence[Update]:
        """The detector alone learns."""
        recipe = self.recipe
        return (
            Update(
                "detector",
                self.system.detector,
                self.loss,
                recipe.learning_rate,
                weight_decay=recipe.weight_decay,
                optimizer=recipe.optimizer,
            ),
        )

    def batch(self, step: int) -> Batch:
        """Return the batch of a step; a pure function of (seed, step).

        Row by row from any shard: each holds one batch of the mix in the order of its sources, so
        that this batch has their shares, too.
        """
        seed = seed_of(self.seed, "cached", step)
        count = self.data.batch_size
        shards = np.random.default_rng(seed).integers(len(self.faces.train.paths), size=count)
        batch = self.faces.train.rows([(int(shard), row) for row, shard in enumerate(shards)])
        batch["depth"] = batch["depth"].float()
        generator = torch.Generator().manual_seed(seed)
        return mirrored(batch, torch.rand(count, generator=generator) < self.recipe.mirror)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Error of the map and of its local differences."""
        return detector_loss(self.system.detector, batch, self.config.detector, self.recipe.loss)

    def validate(self, module: nn.Module) -> dict[str, float]:
        """AUC of each development set, plain and stressed, on cached noise; `auc` is their mean.

        In bf16, as `systems.validation` does: it only ranks checkpoints.
        """
        self._dev = self._dev or dev_batches(self.faces)
        system = cast("DespoofingDiffusion", module)
        found: dict[str, float] = {}
        for name, shards in self._dev:
            scores = torch.cat([_scores(system, shard) for shard in shards]).double().numpy()
            live = torch.cat([shard["live"] for shard in shards])
            found[f"auc/{name}"] = auc(make_scores(scores, live.numpy()))
        return {"auc": sum(found.values()) / len(found), **found}

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        # How the fields were taught does not count: their weights are in the faces' key.
        recipe = self.recipe.plain() | {"fields": FieldsRecipe().decisive()}
        values = [self.config.plain(), recipe, self.data.plain(), self.seed, self.faces.key]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


@torch.no_grad()
def _scores(system: DespoofingDiffusion, shard: Shard) -> Tensor:
    device = next(system.detector.parameters()).device
    noise = shard["noise"].to(device) if system.config.detector.needs_noise else None
    with bf16_autocast(device.type):
        found = system.detector(shard["faces"].to(device), noise)
    return map_score(found).cpu()
