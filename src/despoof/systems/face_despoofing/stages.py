"""How System 3 is trained: three updates a step, in the published order (SPEC §3.5)."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from despoof.core.config import StrictConfig
from despoof.data.views import DataConfig, DevSet, development_sets, training_mix
from despoof.systems.face_despoofing import losses
from despoof.systems.face_despoofing.config import FaceDespoofingConfig
from despoof.systems.face_despoofing.losses import CODE, PAPER, LossWeights
from despoof.systems.face_despoofing.refine import RefineConfig, RefineStage
from despoof.systems.face_despoofing.system import FaceDespoofing
from despoof.systems.validation import development_auc
from despoof.training.stage import Batch, Stage, Update


class RecipeConfig(StrictConfig):
    """What is weighed how, and how fast each network learns."""

    weighting: Literal["paper", "code"] | LossWeights = "code"
    learning_rate: float = Field(default=3e-5, gt=0, description="of all three; 3e-5 is published")
    critic_rate: float = Field(default=1.0, gt=0, description="VQ-Net's rate as a multiple")
    weight_decay: float = Field(default=0.0, ge=0)
    peak_block: float = Field(
        default=0.25, gt=0, lt=1, description="k / crop side; 64 / 256 published"
    )
    peak_mask: losses.PeakMask = "square"
    peak_cap: float = Field(
        default=8.0, gt=0, description="no reward for a peak above; .inf = published"
    )
    magnitude_target: float = Field(default=0.2, gt=0, description="mean |N| asked of attacks")

    refine: RefineConfig | None = Field(
        default=None, description="ours: a second stage that teaches a decoder on simulated pairs"
    )

    def weights(self) -> LossWeights:
        """Return the weights by name, or as given."""
        named = {"paper": PAPER, "code": CODE}
        return named[self.weighting] if isinstance(self.weighting, str) else self.weighting


def stages(
    config: FaceDespoofingConfig, recipe: RecipeConfig, data: DataConfig, seed: int
) -> Iterator[Stage]:
    """Yield the published stage and, where asked for, the refined decoder's.

    A generator: the second one starts from what the first has become.
    """
    first = FaceDespoofingStage(config, recipe, data, seed)
    yield first
    if recipe.refine is not None:
        yield RefineStage(first.system, recipe.refine, data, seed)


class FaceDespoofingStage:
    """The published training of System 3; satisfies `training.Stage`."""

    name = "face-despoofing"

    def __init__(
        self, config: FaceDespoofingConfig, recipe: RecipeConfig, data: DataConfig, seed: int
    ) -> None:
        torch.manual_seed(seed)  # the start of the networks
        self.module: nn.Module = FaceDespoofing(config)
        self.config, self.recipe, self.data, self.seed = config, recipe, data, seed
        self.mix = training_mix(data, config.crop.size, seed)
        self._dev: list[DevSet] | None = None

    @property
    def system(self) -> FaceDespoofing:
        """The module under its own type."""
        return cast("FaceDespoofing", self.module)

    def updates(self) -> Sequence[Update]:
        """DQ on the photographs, VQ on live against de-spoofed, DS on all of J."""
        rate, decay = self.recipe.learning_rate, self.recipe.weight_decay
        system = self.system
        return (
            Update("dq", system.dq, self.dq_loss, rate, weight_decay=decay),
            Update("vq", system.vq, self.vq_loss, rate * self.recipe.critic_rate),
            Update("ds", system.ds, self.ds_loss, rate, weight_decay=decay),
        )

    def batch(self, step: int) -> Batch:
        """Return the batch of a step; a pure function of (seed, step)."""
        return self.mix.batch(step)

    def dq_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Depth of the photographs: the person's relief for live, 0 for attacks."""
        depth = self.system.dq(self.system.six_channels(batch["faces"]))
        target = batch["depth"] * batch["live"].view(-1, 1, 1)
        loss = losses.depth_loss(depth, target)
        return loss, {"depth": loss.detach()}

    def vq_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Live photographs are real, de-spoofed attacks are not."""
        system, live = self.system, batch["live"]
        six = system.six_channels(batch["faces"])
        with torch.no_grad(), _frozen(system.ds):  # a batch of attacks alone would bend its BN
            fake = system.ds(six[~live]).genuine
        loss = losses.critic_loss(system.vq(six[live]), system.vq(fake))
        return loss, {"critic": loss.detach()}

    def ds_loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """J, weighted; DQ-Net's batch statistics stay frozen, as published."""
        system, live, weights = self.system, batch["live"], self.recipe.weights()
        six = system.six_channels(batch["faces"])
        out = system.ds(six)
        noise = out.noise.float()
        k = round(self.recipe.peak_block * self.config.crop.size)
        peak_live, peak_spoof = losses.repetitive_losses(
            noise, live, k, self.recipe.peak_mask, self.recipe.peak_cap
        )
        with _frozen(system.dq):
            depth = system.dq(out.genuine)
        terms: dict[str, tuple[float, Tensor]] = {
            "map": (weights.map, losses.map_loss(out.map.float(), live)),
            "magnitude_live": (weights.magnitude_live, losses.live_magnitude_loss(noise, live)),
            "magnitude_spoof": (
                weights.magnitude_spoof,
                losses.spoof_magnitude_loss(noise, live, self.recipe.magnitude_target),
            ),
            "identity_live": (
                weights.identity_live,
                losses.live_identity_loss(out.genuine.float(), six, live),
            ),
            "peak_live": (weights.peak_live, peak_live),
            "peak_spoof": (weights.peak_spoof, peak_spoof),
            "depth_quality": (
                weights.depth_quality,
                losses.depth_loss(depth.float(), batch["depth"]),
            ),
            "visual_quality": (
                weights.visual_quality,
                losses.class_loss(system.vq(out.genuine[~live]).float(), 1),
            ),
        }
        total = torch.stack([weight * value for weight, value in terms.values()]).sum()
        return total, {name: value.detach() for name, (_, value) in terms.items()}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """AUC of each development set, plain and stressed; `auc` is their mean."""
        self._dev = self._dev or development_sets(self.data, self.config.crop.size)
        return development_auc(module, self._dev)

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        values: dict[str, Any] = {
            "config": self.config.plain(),
            "recipe": self.recipe.model_copy(update={"refine": None}).plain(),
            "data": self.data.plain(),
            "seed": self.seed,
            "pictures": [len(store.live) for store in self.mix.stores],
        }
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


class _frozen:  # noqa: N801 - reads as a statement
    """Within the block a network has no gradients of its own and fixed batch statistics."""

    def __init__(self, module: nn.Module) -> None:
        self.module, self.training = module, module.training

    def __enter__(self) -> None:
        self.module.requires_grad_(False).eval()

    def __exit__(self, *_: object) -> None:
        self.module.requires_grad_(True).train(self.training)
