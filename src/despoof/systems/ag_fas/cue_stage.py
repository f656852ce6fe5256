"""The stage `cue`: the cue network learns from faces and what their reconstructions leave."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from despoof.core.device import bf16_autocast, seed_of
from despoof.core.errors import ConfigError
from despoof.data.views import DataConfig
from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores
from despoof.systems.ag_fas.balanced import Groups, balanced_rows, find_groups
from despoof.systems.ag_fas.cached_cues import cached_cues
from despoof.systems.ag_fas.config import AgFasConfig
from despoof.systems.ag_fas.cue import mirrored_pairs, standardised
from despoof.systems.ag_fas.cue_losses import CueLosses, critic_loss, triplet_labels, triplet_loss
from despoof.systems.ag_fas.cue_recipe import CueRecipe
from despoof.systems.ag_fas.cue_schedule import reversal
from despoof.systems.ag_fas.cue_weights import load_cue_encoder, load_vit
from despoof.systems.ag_fas.domains import deal_domains
from despoof.systems.ag_fas.generator import Generator
from despoof.systems.ag_fas.system import AgFas
from despoof.systems.cached_noise import dev_batches
from despoof.systems.residuals import Shard, weights_hash
from despoof.training.stage import Batch, Update
from despoof.training.tensors import write_tensors

MOMENTUM = 0.9
_ASIDE = {"vit", "cue_encoder", "allow_download", "snapshots"}
"""Parts of the recipe that decide nothing: published weights count by what they are."""


class CueStage:
    """The cue network on cached faces and noise; satisfies `training.Stage`."""

    name = "cue"

    def __init__(
        self,
        generator: Generator,
        config: AgFasConfig,
        recipe: CueRecipe,
        data: DataConfig,
        seed: int,
    ) -> None:
        """Reconstruct what is not cached, and make the network.

        Raises:
            ConfigError: domains do not fit the sources, or are more than `model.cue.domains`.
            WeightsError: the published weights that were asked for are not there, or do not fit.
        """
        self.domains = deal_domains(data.sources, recipe.domains)
        if len(self.domains.live) > config.cue.domains:
            raise ConfigError(
                f"The sources have live faces of {len(self.domains.live)} domains "
                f"({', '.join(self.domains.live)}), model.cue.domains is {config.cue.domains}. "
                "Raise it, or join domains with recipe.domains."
            )
        self.faces = cached_cues(generator, config, data, views=recipe.views, seed=seed)
        torch.manual_seed(seed_of(seed, "cue"))  # the start of the network
        self.module: nn.Module = AgFas(config, generator)
        self.config, self.recipe, self.data, self.seed = config, recipe, data, seed
        self._start()
        self._step = 0
        self._begun = weights_hash(self.system.network)
        self._groups: Groups | None = None
        self._dev: Sequence[tuple[str, list[Shard]]] | None = None

    @property
    def system(self) -> AgFas:
        """The module under its own type."""
        return cast("AgFas", self.module)

    def _start(self) -> None:
        recipe, network = self.recipe, self.system.network
        if recipe.vit is not None:
            load_vit(network, recipe.vit, allow_download=recipe.allow_download)
        if recipe.cue_encoder is not None:
            load_cue_encoder(network, recipe.cue_encoder, allow_download=recipe.allow_download)

    def updates(self) -> Sequence[Update]:
        """The cue network alone learns, its critic with it: the reversed gradient is one step."""
        recipe = self.recipe
        return (
            Update(
                "cue",
                self.system.network,
                self.loss,
                recipe.learning_rate,
                betas=(MOMENTUM, 0.999),
                weight_decay=recipe.weight_decay,
                optimizer=recipe.optimizer,
            ),
        )

    def batch(self, step: int) -> Batch:
        """Return the batch of a step; a pure function of (seed, step).

        `faces`, `noise` (B, 3, S, S), mirrored together (or, with `flip_bug`, not); `live` (B,)
        bool; `domain` (B,) among those of its class; `step` (B,), all the same.
        """
        seed = seed_of(self.seed, "cue", step)
        shard = self.faces.train.rows(self._picks(np.random.default_rng(seed)))
        count = len(shard["live"])
        generator = torch.Generator().manual_seed(seed)
        chosen, other = torch.rand(2, count, generator=generator) < self.recipe.mirror
        separate = (chosen ^ other) if self.recipe.flip_bug else None
        faces, noise = mirrored_pairs(shard["faces"], shard["noise"], chosen, separate)
        return {
            "faces": faces,
            "noise": noise,
            "live": shard["live"],
            "domain": self.domains.of(shard["source"]),
            "step": torch.full((count,), float(step)),
        }

    def _picks(self, rng: np.random.Generator) -> list[tuple[int, int]]:
        count = self.data.batch_size
        if not self.recipe.balanced:  # each shard has the sources' shares, row by row
            shards = rng.integers(len(self.faces.train.paths), size=count)
            return [(int(shard), row) for row, shard in enumerate(shards)]
        self._groups = self._groups or find_groups(self.faces.train, self.domains)
        return balanced_rows(self._groups, count, rng)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Cross-entropy, asymmetric triplets, and the critic on live faces alone."""
        network, recipe, live = self.system.network, self.recipe, batch["live"]
        self._step = int(batch["step"][0]) + 1
        coefficient = reversal(self._step - 1, recipe.reversal_steps)
        judged = network(batch["faces"], self._cue(batch))
        critic = network.domains(judged.feature, coefficient)
        parts = CueLosses(
            cross_entropy=nn.functional.cross_entropy(judged.logits.float(), live.long()),
            triplet=triplet_loss(
                judged.feature, triplet_labels(live, batch["domain"]), recipe.loss.margin
            ),
            adversarial=critic_loss(critic, live, batch["domain"]),
        )
        logs: dict[str, Tensor | float] = {
            "cross_entropy": parts.cross_entropy.detach(),
            "triplet": parts.triplet.detach(),
            "adversarial": parts.adversarial.detach(),
            "reversal": coefficient,
        }
        return parts.total(recipe.loss), logs

    def _cue(self, batch: Batch) -> Tensor | None:
        return standardised(batch["noise"]) if self.config.cue.needs_cue else None

    def validate(self, module: nn.Module) -> dict[str, float]:
        """AUC of each development set, plain and stressed, on cached noise; `auc` is their mean.

        With `recipe.snapshots` the network is kept, too, under the number of its step.
        """
        self._dev = self._dev or dev_batches(self.faces)
        system = cast("AgFas", module)
        if self.recipe.snapshots is not None:
            _keep(Path(self.recipe.snapshots), system.network, self._step)
        found: dict[str, float] = {}
        for name, shards in self._dev:
            scores = torch.cat([self._scores(system, shard) for shard in shards]).double().numpy()
            live = torch.cat([shard["live"] for shard in shards])
            found[f"auc/{name}"] = auc(make_scores(scores, live.numpy()))
        return {"auc": sum(found.values()) / len(found), **found}

    @torch.no_grad()
    def _scores(self, system: AgFas, shard: Shard) -> Tensor:
        device = next(system.network.parameters()).device
        placed = {name: shard[name].to(device) for name in ("faces", "noise")}
        with bf16_autocast(device.type):  # it only ranks checkpoints
            return system.network(placed["faces"], self._cue(placed)).score.cpu()

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        # How the generator was taught does not count: its weights are in the faces' key.
        names = set(CueRecipe.model_fields) - _ASIDE
        recipe = {name: value for name, value in self.recipe.plain().items() if name in names}
        values = [self.config.plain(), recipe, self.data.plain(), self.seed]
        text = json.dumps([*values, self._begun, self.faces.key], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _keep(folder: Path, network: nn.Module, step: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / f"step-{step:06d}.safetensors", network.state_dict(), {"step": step})
