"""How the RGB baseline is trained: binary cross-entropy on the same batches as System 3."""

import hashlib
import json
from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.config import StrictConfig
from despoof.data.views import DataConfig, DevSet, development_sets, training_mix
from despoof.systems.rgb_baseline.system import RgbBaseline, RgbBaselineConfig
from despoof.systems.validation import development_auc
from despoof.training.stage import Batch, Update


class RecipeConfig(StrictConfig):
    """How fast it learns."""

    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)


class RgbBaselineStage:
    """The single stage of the baseline; satisfies `training.Stage`."""

    name = "rgb-baseline"

    def __init__(
        self, config: RgbBaselineConfig, recipe: RecipeConfig, data: DataConfig, seed: int
    ) -> None:
        torch.manual_seed(seed)  # the start of the network
        self.module: nn.Module = RgbBaseline(config)
        self.config, self.recipe, self.data, self.seed = config, recipe, data, seed
        self.mix = training_mix(data, config.crop.size, seed)
        self._dev: list[DevSet] | None = None

    def updates(self) -> Sequence[Update]:
        """One network, one update."""
        recipe = self.recipe
        return (
            Update(
                "rgb",
                self.module,
                self.loss,
                recipe.learning_rate,
                weight_decay=recipe.weight_decay,
            ),
        )

    def batch(self, step: int) -> Batch:
        """Return the batch of a step; a pure function of (seed, step)."""
        return self.mix.batch(step)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Cross-entropy of the mean logit."""
        logit = self.module(batch["faces"]).float().mean(dim=(1, 2))
        loss = F.binary_cross_entropy_with_logits(logit, batch["live"].float())
        return loss, {"bce": loss.detach()}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """AUC of each development set, plain and stressed; `auc` is their mean."""
        self._dev = self._dev or development_sets(self.data, self.config.crop.size)
        return development_auc(module, self._dev)

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        parts = (self.config.plain(), self.recipe.plain(), self.data.plain(), self.seed)
        pictures = [len(store.live) for store in self.mix.stores]
        text = json.dumps([parts, pictures], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
