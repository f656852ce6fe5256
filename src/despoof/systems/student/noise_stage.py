"""The stage `student`: one network learns the noise that the bridge, or the simulator, knows."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.device import seed_of
from despoof.core.errors import ConfigError
from despoof.data.views import DataConfig, DevSet
from despoof.diffusion.group_norm import quick_norms
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.residuals import weights_hash
from despoof.systems.student.agreement import agreement
from despoof.systems.student.begin import begin_from
from despoof.systems.student.config import StudentConfig
from despoof.systems.student.lessons import make_lessons
from despoof.systems.student.losses import noise_loss
from despoof.systems.student.network import NoiseNetwork
from despoof.systems.student.recipe import RecipeConfig
from despoof.systems.student.system import Student
from despoof.systems.validation import development_auc
from despoof.training.stage import Batch, Update

_OF_THE_HEAD = ("head", "head_views", "head_rate", "depth", "teacher")
"""Parts of the recipe that say nothing about the noise: the teacher counts by its weights."""


class NoiseStage:
    """Regression of the signed noise; satisfies `training.Stage`.

    The module is the noise network alone, or, where the head is the teacher's, the whole student
    with that detector in it, which stands still.
    """

    name = "student"

    def __init__(
        self,
        config: StudentConfig,
        recipe: RecipeConfig,
        data: DataConfig,
        seed: int,
        teacher: DespoofingDiffusion | None,
    ) -> None:
        if config.octave_gains is not None:
            raise ConfigError(
                "model.octave_gains is set; gains are measured after training "
                "(benchmarks/equalise_student.py). Leave it away."
            )
        self.config, self.recipe, self.data, self.seed = config, recipe, data, seed
        self.lessons = make_lessons(teacher, data, config.crop.size, recipe, seed)
        torch.manual_seed(seed_of(seed, "student"))  # the start of the network
        self.network = NoiseNetwork(config.network)
        self.origin = ""
        if recipe.begin is not None:
            self.origin = begin_from(self.network, Path(recipe.begin), config.network)
        quick_norms(self.network)  # for learning; what is loaded for use has torch's own
        self.module: nn.Module = self.network
        self._parts = [config.crop.plain(), config.network.plain()]
        if recipe.head != "train" and teacher is not None:
            detector = teacher.detector.requires_grad_(False)
            whole = config.model_copy(update={"detector": teacher.config.detector})
            self.module = Student(whole, self.network, detector)
            self._parts += [teacher.config.detector.plain(), weights_hash(detector)]

    def updates(self) -> Sequence[Update]:
        """The noise network alone learns."""
        recipe = self.recipe
        rate, decay = recipe.learning_rate, recipe.weight_decay
        return (Update("noise", self.network, self.loss, rate, weight_decay=decay),)

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, see `Lessons.batch`."""
        return self.lessons.batch(step)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Error of the noise; see the README for the terms."""
        recipe, taught = self.recipe, batch["taught"]
        found = self.network(batch["faces"]).float()
        total = found.new_zeros(())
        logs: dict[str, Tensor | float] = {}
        of_simulator = 1.0 if self.lessons.cached is None else recipe.supervised
        for prefix, rows, unit, weight in (
            ("", taught, self.lessons.unit, 1.0),
            ("simulator_", ~taught, self.lessons.pair_unit, of_simulator),
        ):
            if bool(rows.any()):
                own, wanted = found[rows], batch["noise"][rows]
                part, terms = noise_loss(own, wanted, unit.to(found.device), recipe.noise)
                total = total + weight * part
                logs |= {prefix + name: value for name, value in terms.items()}
        if recipe.identity:
            genuine = (batch["faces"] - batch["noise"])[taught].clamp(-1, 1)
            left = self.network(genuine).float()
            identity = F.smooth_l1_loss(left, torch.zeros_like(left), beta=recipe.noise.delta)
            total = total + recipe.identity * identity
            logs["identity"] = identity.detach()
        return total, logs

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Figures of `agreement`; with the teacher's detector, `auc` is that of the scores."""
        unit = self.lessons.pair_unit if self.lessons.cached is None else self.lessons.unit
        network = module.network if isinstance(module, Student) else module
        found = agreement(network, self.lessons.dev, unit)
        if isinstance(module, Student):
            sets = [DevSet(part.name, part.faces, part.live) for part in self.lessons.dev]
            found |= development_auc(module, sets)
        return found

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        recipe = {k: v for k, v in self.recipe.plain().items() if k not in _OF_THE_HEAD}
        recipe["begin"] = self.origin  # what it was, not where it lay
        values = [*self._parts, recipe, self.data.plain(), self.seed, self.lessons.key]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
