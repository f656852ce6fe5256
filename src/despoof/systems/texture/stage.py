"""How the texture classifier is trained: heads fast, a pretrained backbone slowly."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor, nn

from despoof.core.config import StrictConfig
from despoof.core.device import seed_of
from despoof.core.errors import ConfigError
from despoof.core.files import sha256
from despoof.data.views import DataConfig, DevSet, development_sets, training_mix
from despoof.systems.texture.config import TextureConfig
from despoof.systems.texture.losses import texture_loss
from despoof.systems.texture.pretrained import load_backbone, load_network
from despoof.systems.texture.style import StyleMixConfig, draw_styles, mix_styles
from despoof.systems.texture.system import Texture
from despoof.systems.validation import development_auc
from despoof.training.stage import Batch, Update


class RecipeConfig(StrictConfig):
    """Where it starts, what counts how much, and how fast it learns."""

    pretrained: str | None = Field(
        default=None, description="safetensors file with the backbone's weights; null = none"
    )
    begin: str | None = Field(
        default=None, description="folder of a trained texture classifier to learn on from"
    )
    learning_rate: float = Field(default=1e-3, gt=0)
    backbone_rate: float = Field(
        default=0.1, gt=0, description="share of learning_rate for a pretrained backbone"
    )
    freeze_norm: bool = Field(
        default=True, description="a pretrained backbone's batch statistics stay as they are"
    )
    weight_decay: float = Field(default=0.02, ge=0)
    smoothing: float = Field(default=0.1, ge=0, lt=1, description="of the labels")
    cell_weight: float = Field(default=0.5, ge=0, description="of the cells' cross-entropy")
    style_mix: StyleMixConfig | None = Field(
        default=None, description="mix early features' statistics within a class; null = no"
    )


class TextureStage:
    """The single stage of the texture classifier; satisfies `training.Stage`.

    Backbone and heads have learning rates of their own and so are two updates; the second one
    takes over the features of the first, which makes both together one ordinary step, at the
    price of one.
    """

    name = "texture"

    def __init__(
        self, config: TextureConfig, recipe: RecipeConfig, data: DataConfig, seed: int
    ) -> None:
        if config.decomposer is not None:
            raise ConfigError(
                "model.decomposer is set; this stage does not train one. Train the classifier "
                "without it and join a trained system afterwards (benchmarks/publish.py)."
            )
        torch.manual_seed(seed)  # the start of the network
        system = Texture(config)
        self.module: nn.Module = system
        self.network = system.network
        self.config, self.recipe, self.data, self.seed = config, recipe, data, seed
        self.origin = ""
        if recipe.pretrained is not None:
            load_backbone(self.network.backbone, recipe.pretrained)
            self.network.backbone.frozen_norm = recipe.freeze_norm
            self.origin = sha256(recipe.pretrained)
        if recipe.begin is not None:
            self._begin(Path(recipe.begin), recipe)
        known = len(self.network.backbone.ends)
        if recipe.style_mix is not None and max(recipe.style_mix.stages) >= known:
            raise ConfigError(
                f"recipe.style_mix.stages {list(recipe.style_mix.stages)}: this backbone has "
                f"stages 0 to {known - 1}. Name some of those."
            )
        self.mix = training_mix(data, config.crop.size, seed)
        self._dev: list[DevSet] | None = None
        self._seen: tuple[Tensor, tuple[Tensor, Tensor]] | None = None

    def _begin(self, folder: Path, recipe: RecipeConfig) -> None:
        """Learn on from a trained classifier."""
        if recipe.pretrained is not None:
            raise ConfigError("recipe.pretrained and recipe.begin are both given; keep one.")
        self.origin = sha256(load_network(self.network, folder))
        self.network.backbone.frozen_norm = recipe.freeze_norm

    def updates(self) -> Sequence[Update]:
        """The backbone first: its gradient and the heads' are then those of the same weights."""
        recipe, network = self.recipe, self.network
        slow = recipe.backbone_rate if self.origin else 1.0
        rate, decay = recipe.learning_rate, recipe.weight_decay
        return (
            Update(
                "backbone", network.backbone, self.backbone_loss, rate * slow, weight_decay=decay
            ),
            Update("heads", network.heads, self.heads_loss, rate, weight_decay=decay),
        )

    def batch(self, step: int) -> Batch:
        """Return the batch of a step; a pure function of (seed, step)."""
        batch, mixing = self.mix.batch(step), self.recipe.style_mix
        if mixing is None:
            return batch
        return batch | draw_styles(batch["live"], mixing, seed_of(self.seed, "style", step))

    def backbone_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss, and keep the features for the heads."""
        features = self._features(batch)
        self._seen = (batch["faces"], (features[0].detach(), features[1].detach()))
        return self._loss(features, batch)

    def heads_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of the same batch as `backbone_loss` had, without the backbone's part.

        Faces that it did not have go through the backbone here.
        """
        seen, self._seen = self._seen, None
        if seen is not None and seen[0] is batch["faces"]:
            return self._loss(seen[1], batch)
        with torch.no_grad():
            features = self._features(batch)
        return self._loss(features, batch)

    def _features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        mixing = self.recipe.style_mix
        if mixing is None:
            return self.network.features(batch["faces"])
        change = partial(mix_styles, partner=batch["partner"], own=batch["own"])
        return self.network.features(batch["faces"], dict.fromkeys(mixing.stages, change))

    def _loss(
        self, features: tuple[Tensor, Tensor], batch: Batch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        recipe = self.recipe
        return texture_loss(
            self.network.heads(*features),
            batch["live"],
            smoothing=recipe.smoothing,
            cell_weight=recipe.cell_weight,
        )

    def validate(self, module: nn.Module) -> dict[str, float]:
        """AUC of each development set, plain and stressed; `auc` is their mean."""
        self._dev = self._dev or development_sets(self.data, self.config.crop.size)
        return development_auc(module, self._dev)

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        recipe = {**self.recipe.plain(), "pretrained": self.origin}
        del recipe["begin"]  # what it was is in the origin
        parts = (self.config.plain(), recipe, self.data.plain(), self.seed)
        pictures = [len(store.live) for store in self.mix.stores]
        text = json.dumps([parts, pictures], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
