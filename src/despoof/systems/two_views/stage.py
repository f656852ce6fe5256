"""How the wide expert is trained: by labels, and by a teacher's answers to the very same views.

The teacher is a function to be matched, not only on pictures of people: some views are mixtures of
two pictures, where no label is asked ("A good teacher is patient and consistent", Beyer et al.
2022, arXiv:2106.05237).
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.config import StrictConfig
from despoof.core.device import seed_of
from despoof.core.errors import ConfigError
from despoof.core.files import sha256
from despoof.data.scene_mix import SceneMix, WindowConfig, scene_dev, scene_mix
from despoof.data.views import DataConfig, DevSet
from despoof.systems.texture.losses import smoothed
from despoof.systems.texture.pretrained import load_backbone, load_network
from despoof.systems.two_views.config import TwoViewsConfig
from despoof.systems.two_views.network import Answers, WideNetwork
from despoof.systems.two_views.system import TwoViews
from despoof.systems.two_views.teacher import TeacherConfig, open_teacher, teacher_hash
from despoof.systems.validation import development_auc
from despoof.training.stage import Batch, Update

SURE = 8.0
"""Log-odds beyond which a teacher's answer says no more."""


class RecipeConfig(StrictConfig):
    """Where the experts start, who teaches, what counts how much, and how fast it learns."""

    near: str | None = Field(
        default=None, description="folder of a trained texture classifier: the near expert"
    )
    pretrained: str | None = Field(
        default=None, description="safetensors file with the wide backbone's weights; null = none"
    )
    begin: str | None = Field(
        default=None, description="folder of a trained two-view system whose wide expert learns on"
    )
    teacher: TeacherConfig | None = Field(
        default=None, description="null = labels alone; set model.fusion.taught to [0, 0] then"
    )
    taught: float = Field(default=0.6, ge=0, le=1, description="share of the teacher in the loss")
    odds: float = Field(
        default=0.0,
        ge=0,
        description="weight of the distance between both log-odds of live beside the teacher's "
        "cross-entropy, which hardly learns where the teacher is sure",
    )
    steady: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of views that the teacher sees before camera and codec are perturbed: "
        "there the wide expert learns to answer alike whatever they do; else the very same pixels",
    )
    mixtures: float = Field(
        default=0.25, ge=0, le=1, description="share of views that are two pictures mixed"
    )
    canvas: int = Field(
        default=160,
        ge=32,
        description="side of a view before it is made smaller for the teacher and the network, "
        "pixels; what cameras and codecs do to it costs time by its area",
    )
    smoothing: float = Field(default=0.1, ge=0, lt=1, description="of the labels")
    learning_rate: float = Field(default=5e-4, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    freeze_norm: bool = Field(
        default=True, description="a pretrained backbone's batch statistics stay as they are"
    )
    window: WindowConfig = WindowConfig()


class WideStage:
    """The single stage of the two-view classifier; satisfies `training.Stage`."""

    name = "wide"

    def __init__(
        self, config: TwoViewsConfig, recipe: RecipeConfig, data: DataConfig, seed: int
    ) -> None:
        torch.manual_seed(seed)  # the start of the network
        system = TwoViews(config)
        self.module: nn.Module = system
        self.system, self.config, self.recipe = system, config, recipe
        self.data, self.seed = data, seed
        self.origin: list[str] = []
        if recipe.pretrained is not None:
            load_backbone(system.wide.backbone, recipe.pretrained)
            self.origin.append(sha256(Path(recipe.pretrained)))
        if recipe.near is not None:
            self.origin.append(sha256(load_network(system.near.network, recipe.near)))
        if recipe.begin is not None:
            if recipe.pretrained is not None:
                raise ConfigError("recipe.pretrained and recipe.begin are both given; keep one.")
            path = load_network(system.wide, recipe.begin, prefix="wide.")
            self.origin.append(sha256(path))
        if not config.wide.antialias and recipe.canvas % config.wide.side:
            raise ConfigError(
                f"recipe.canvas is {recipe.canvas}; without model.wide.antialias it must be a "
                f"multiple of model.wide.side, {config.wide.side}."
            )
        system.near.requires_grad_(False)
        learnt = recipe.pretrained is not None or recipe.begin is not None
        system.wide.backbone.frozen_norm = learnt and recipe.freeze_norm
        self.teacher = None
        if recipe.teacher is not None:
            self.teacher = open_teacher(recipe.teacher)
            self.origin += teacher_hash(recipe.teacher.files)
        self.mix: SceneMix = scene_mix(
            data, recipe.window, recipe.canvas, seed, antialias=config.wide.antialias
        )
        self._dev: list[DevSet] | None = None

    def updates(self) -> Sequence[Update]:
        """The wide expert alone learns; the near one is as it was."""
        recipe, wide = self.recipe, self.system.wide
        rate, decay = recipe.learning_rate, recipe.weight_decay
        return (Update("wide", wide, self.loss, rate, weight_decay=decay),)

    def batch(self, step: int) -> Batch:
        """Return the batch of a step; a pure function of (seed, step)."""
        batch = self.mix.batch(step)
        share = self.recipe.mixtures if self.teacher is not None else 0.0
        plain, mixed = _mixtures(batch["plain"], share, seed_of(self.seed, "mixtures", step))
        views = self.mix.photographed(plain, step)
        made = {"faces": self._small(views) * 2 - 1, "live": batch["live"], "mixed": mixed}
        if self.teacher is None:
            return made
        rng = np.random.default_rng(seed_of(self.seed, "steady", step))
        steady = torch.from_numpy(rng.uniform(size=len(views)) < self.recipe.steady)
        shown = torch.where(steady.view(-1, 1, 1, 1), plain, views)
        if not self.config.wide.antialias:
            shown = self._small(shown)  # the teacher resizes without an average, too
        return made | {"taught": self.teacher(shown)}

    def _small(self, views: Tensor) -> Tensor:
        """A canvas as the network sees it: (B, 3, C, C) to (B, 3, S, S) in [0, 1]."""
        wide = self.config.wide
        if wide.antialias:
            size = (wide.side, wide.side)
            return F.interpolate(views, size, mode="bilinear", antialias=True).clamp(0, 1)
        every = self.recipe.canvas // wide.side
        return views[:, :, every // 2 :: every, every // 2 :: every]

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """Return (1 − taught) · cross-entropy with the labels + taught · with the teacher."""
        recipe = self.recipe
        answers: Answers = self.system.wide(batch["faces"])
        target = smoothed(batch["live"], recipe.smoothing)
        each = F.binary_cross_entropy_with_logits(
            answers.labelled.float(), target, reduction="none"
        )
        counted = (~batch["mixed"]).float()
        labelled = (each * counted).sum() / counted.sum().clamp(min=1)
        if "taught" not in batch:
            return labelled, {"labelled": labelled.detach()}
        taught = F.cross_entropy(answers.classes.float(), batch["taught"])
        if recipe.odds > 0:
            away = F.smooth_l1_loss(answers.taught.float(), log_odds(batch["taught"]))
            taught = taught + recipe.odds * away
        loss = (1 - recipe.taught) * labelled + recipe.taught * taught
        return loss, {"labelled": labelled.detach(), "taught": taught.detach()}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """AUC of the wide expert on each development set, plain and stressed; `auc`: their mean."""
        wide, scale = self.config.wide, self.config.crop.scale
        self._dev = self._dev or scene_dev(self.data, scale, wide.side, antialias=wide.antialias)
        alone = WideAlone(cast("TwoViews", module).wide, taught=self.teacher is not None)
        return development_auc(alone, self._dev)

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        recipe = self.recipe.plain()
        for name in ("near", "pretrained", "begin"):
            del recipe[name]  # what it was is in the origin
        if recipe["teacher"] is not None:
            del recipe["teacher"]["files"]
        parts = (self.config.plain(), recipe, self.data.plain(), self.seed, self.origin)
        pictures = [len(store) for store in self.mix.stores]
        text = json.dumps([parts, pictures], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class WideAlone(nn.Module):
    """The wide expert as what `validation` measures: views in, one score out."""

    def __init__(self, network: WideNetwork, *, taught: bool) -> None:
        super().__init__()
        self.network, self.taught = network, taught

    def score(self, views: Tensor) -> Tensor:
        """(B, 3, S, S) in [-1, 1] to (B,): half what was taught, if anything, half what labels say.

        Without a teacher the taught answer is as it began, and says nothing.
        """
        answers: Answers = self.network(views)
        if not self.taught:
            return answers.labelled.float()
        return (answers.taught.float() + answers.labelled.float()) / 2


def log_odds(probabilities: Tensor) -> Tensor:
    """(B, 3) of the teacher's classes to (B,) log-odds of class 1, "live", cut at ± `SURE`."""
    live = probabilities[:, 1].double()
    return torch.logit(live, eps=1e-12).clamp(-SURE, SURE).to(probabilities.dtype)


def _mixtures(views: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Mix some views with a neighbour of the batch; return views and which of them are mixed."""
    rng = np.random.default_rng(seed)
    chosen = rng.uniform(size=len(views)) < share
    own = torch.from_numpy(np.where(chosen, rng.uniform(0.3, 0.9, len(views)), 1.0)).float()
    own = own.view(-1, 1, 1, 1)
    return views * own + views.roll(1, dims=0) * (1 - own), torch.from_numpy(chosen)
