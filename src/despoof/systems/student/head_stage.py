"""The stage `head`: the two-stream detector learns from faces and the student's own noise."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from despoof.core.device import seed_of
from despoof.data.views import DataConfig, DevSet, Mix, development_sets, training_mix
from despoof.systems.despoofing_diffusion.losses import detector_loss
from despoof.systems.despoofing_diffusion.noise_scale import with_noise_scale
from despoof.systems.residuals import weights_hash
from despoof.systems.student.config import StudentConfig
from despoof.systems.student.network import NoiseNetwork
from despoof.systems.student.recipe import RecipeConfig
from despoof.systems.student.system import Student
from despoof.systems.validation import development_auc
from despoof.training.stage import Batch, Update

MEASURED = 8
"""Batches whose noise says what the detector divides it by."""


class HeadStage:
    """The detector on fresh views; satisfies `training.Stage`.

    One pass is cheap: the noise is found anew for every view, and nothing is cached.
    """

    name = "head"

    def __init__(
        self,
        network: NoiseNetwork,
        config: StudentConfig,
        recipe: RecipeConfig,
        data: DataConfig,
        seed: int,
    ) -> None:
        self.mix = training_mix(data, config.crop.size, seed_of(seed, "head"))
        detector = config.detector
        if detector.needs_noise and detector.noise_scale is None:
            detector = with_noise_scale(detector, _noise(network, self.mix))
        self.config = config.model_copy(update={"detector": detector})
        torch.manual_seed(seed_of(seed, "head"))  # the start of the detector
        self.module: nn.Module = Student(self.config, network)
        self.recipe, self.data, self.seed = recipe, data, seed
        self._network_hash = weights_hash(network)
        self._dev: Sequence[DevSet] | None = None

    @property
    def student(self) -> Student:
        """The module under its own type."""
        return cast("Student", self.module)

    def updates(self) -> Sequence[Update]:
        """The detector alone learns."""
        rate, decay = self.recipe.learning_rate, self.recipe.weight_decay
        return (Update("head", self.student.detector, self.loss, rate, weight_decay=decay),)

    def batch(self, step: int) -> Batch:
        """Return a batch of the mix; a pure function of (seed, step)."""
        return self.mix.batch(step)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Error of the map and of its local differences, as System 1's detector learns."""
        detector = self.config.detector
        if detector.needs_noise:
            with torch.no_grad():
                batch = batch | {"noise": self.student.find(batch["faces"]).float()}
        return detector_loss(self.student.detector, batch, detector, self.recipe.depth)

    def validate(self, module: nn.Module) -> dict[str, float]:
        """AUC of each development set, plain and stressed; `auc` is their mean."""
        self._dev = self._dev or development_sets(self.data, self.config.crop.size)
        return development_auc(module, self._dev)

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        recipe = self.recipe
        values = [
            self.config.plain(),
            [recipe.learning_rate, recipe.weight_decay, recipe.depth.plain()],
            self.data.plain(),
            self.seed,
            self._network_hash,
        ]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


@torch.no_grad()
def _noise(network: NoiseNetwork, mix: Mix) -> Iterator[Tensor]:
    network.eval()
    device = next(network.parameters()).device
    for step in range(MEASURED):
        yield network(mix.batch(step)["faces"].to(device)).float()
