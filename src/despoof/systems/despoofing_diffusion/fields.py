"""Stage 1: the field of all faces and the field of live ones (SPEC §1.2, §1.7)."""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from despoof.core.config import StrictConfig
from despoof.core.device import seed_of
from despoof.core.errors import ConfigError, DataError
from despoof.data.views import DataConfig, DevSet, development_sets, training_mix
from despoof.diffusion.network import DomainNetwork
from despoof.systems.despoofing_diffusion.ahead import Ahead, helpers
from despoof.systems.despoofing_diffusion.cross_fields import (
    CrossFields,
    fold_loss,
    of_everyone,
    of_folds,
    take_fields,
)
from despoof.systems.despoofing_diffusion.field_losses import (
    Loss,
    live_loss,
    measure_fields,
    mixed_loss,
    tied_loss,
)
from despoof.systems.despoofing_diffusion.people import Folds, deal_folds
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.systems.despoofing_diffusion.tiles import cut_tiles
from despoof.systems.residuals import weights_hash
from despoof.training.stage import Batch, Update


class FieldsRecipe(StrictConfig):
    """How the fields are taught."""

    learning_rate: float = Field(default=2e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    start: Literal["shared", "independent"] = Field(
        default="shared",
        description="of separate networks. shared: same first weights, pictures, times and noise; "
        "independent: other weights, times and noise (the paper)",
    )
    live_share: float | None = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="weight of live faces for the field of all faces, whatever the batches hold; "
        "null = as they hold it",
    )
    tile: int | None = Field(
        default=None,
        ge=8,
        description="side of random tiles to learn from, pixels; fields.coordinates says where a "
        "tile lies. null = whole crops",
    )
    dev_faces: int = Field(default=64, ge=2, description="of each development set")
    dev_times: int = Field(default=4, ge=1, description="noise levels they are measured at")
    trained: str | None = Field(
        default=None, description="folder of a finished `fields` stage: take its weights, skip ours"
    )
    begin: str | None = Field(
        default=None,
        description="folder of a finished `fields` stage: learn on from its weights. It may have "
        "seen live faces alone: then both fields are one before the first attack is shown",
    )
    folds: int = Field(
        default=1,
        ge=1,
        le=20,
        description="above 1: train as many fields more, each without a part of the people, and "
        "learn the detector from noise of fields that never saw the face's person",
    )

    def decisive(self) -> dict[str, Any]:
        """Return plain values for hashes, without `begin` (its weights decide, not its folder).

        `folds` is left out where there are none, as before there were any.
        """
        values = {k: v for k, v in self.plain().items() if k != "folds" or v != 1}
        del values["begin"]
        return values


class FieldsStage:
    """Denoising with both fields; satisfies `training.Stage`."""

    name = "fields"

    def __init__(
        self, config: DespoofingDiffusionConfig, recipe: FieldsRecipe, data: DataConfig, seed: int
    ) -> None:
        _check_tiles(config, recipe)
        self.config, self.recipe, self.data, self.seed = config, recipe, data, seed
        self.mix = training_mix(data, config.crop.size, seed, both_classes=False)
        if not any(store.live.any() for store in self.mix.stores):
            raise DataError("data.sources hold no live face, and a field of live faces needs some.")
        self._dev: list[DevSet] | None = None
        self._ahead = Ahead(self._batch, helpers())
        fields = first_fields(config, recipe, seed)
        if recipe.begin is not None:
            fields = of_everyone(take_fields(Path(recipe.begin), config.fields, 1))
        self._begun = [] if recipe.begin is None else [weights_hash(fields)]
        self.folds: Folds | None = None
        self.module: nn.Module = fields
        if recipe.folds > 1:
            self.folds = deal_folds(data, self.mix, recipe.folds, seed)
            cross = CrossFields(fields, recipe.folds)
            cross.deal(self.folds)
            self.module = cross

    @property
    def fields(self) -> DomainNetwork:
        """The fields that see everyone."""
        return of_everyone(self.module)

    def updates(self) -> Sequence[Update]:
        """One update of tied fields, one for each of separate ones; and as many for each fold."""
        found = self._updates(self.fields, "", lambda loss, _, batch: loss(batch))
        for k, fields in enumerate(of_folds(self.module)):
            found += self._updates(fields, f"fold{k + 1}-", partial(_of_fold, k))
        return found

    def _updates(self, fields: DomainNetwork, prefix: str, on: "_Asked") -> list[Update]:
        schedule, share = self.config.schedule, self.recipe.live_share

        def tied(batch: Batch) -> Loss:
            return tied_loss(fields, schedule, batch, share)

        def of_all(batch: Batch) -> Loss:
            return mixed_loss(fields, schedule, batch, share)

        def of_live(batch: Batch) -> Loss:
            return live_loss(fields, schedule, batch)

        parts: list[tuple[str, nn.Module, Callable[[Batch], Loss]]] = [("fields", fields, tied)]
        if self.config.fields.domains == "separate":
            parts = [("all", fields.nets[0], of_all), ("live", fields.nets[1], of_live)]
        rate, decay = self.recipe.learning_rate, self.recipe.weight_decay
        return [
            Update(prefix + name, module, partial(on, loss, module), rate, weight_decay=decay)
            for name, module, loss in parts
        ]

    def batch(self, step: int) -> Batch:
        """Return faces with the times and the noise to remove; a pure function of (seed, step).

        Beside what the mix gives: `t` (B,) in [1, T] and `noise` like the faces, for the field of
        all faces; `t_live` and `noise_live` for that of live ones: the same, or others where the
        networks are independent; `place` (B, 2, S, S) where the network needs it; `fold` and
        `named` (B,), see `Folds.rows`, where there are folds.
        """
        return self._ahead(step)

    def _batch(self, step: int) -> Batch:
        batch = dict(self.mix.batch(step))
        if self.folds is not None:
            batch |= self.folds.rows(self.mix, step)
        generator = torch.Generator().manual_seed(seed_of(self.seed, "fields", step))
        if self.config.fields.coordinates:
            tile = self.recipe.tile or self.config.crop.size
            batch["faces"], batch["place"] = cut_tiles(batch["faces"], tile, generator)
        length = self.config.schedule.length
        batch["t"], batch["noise"] = _drawn(batch["faces"], length, generator)
        if self.recipe.start == "shared":
            return batch | {"t_live": batch["t"], "noise_live": batch["noise"]}
        t, noise = _drawn(batch["faces"], length, generator)
        return batch | {"t_live": t, "noise_live": noise}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Errors on development faces with fixed noise; `eps` is what to choose by.

        `eps` is the mean of `eps_all` and `eps_live`. `auc` is that of their difference, face by
        face: a live face is no harder for the live field than for the other. All this of the
        fields that see everyone; `eps/fold1` … are the others' `eps`.
        """
        self._dev = self._dev or [
            _some(dev, self.recipe.dev_faces)
            for dev in development_sets(self.data, self.config.crop.size)
            if not dev.name.endswith("-stressed")
        ]
        measured = partial(
            measure_fields,
            schedule=self.config.schedule,
            sets=self._dev,
            times=self.recipe.dev_times,
            live_share=self.recipe.live_share,
        )
        found = measured(of_everyone(module))
        for k, fields in enumerate(of_folds(module)):
            found[f"eps/fold{k + 1}"] = measured(fields)["eps"]
        return found

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        config = self.config
        parts = [part.plain() for part in (config.crop, config.schedule, config.fields)]
        parts += [self.recipe.decisive(), self.data.plain()]
        pictures = [len(store.live) for store in self.mix.stores]
        dealt = [self.folds.digest] if self.folds else []
        text = json.dumps([parts, self.seed, pictures, *dealt, *self._begun], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


_Asked = Callable[[Callable[[Batch], Loss], nn.Module, Batch], Loss]
"""(loss, what it moves, a batch) -> the loss on what may be seen of the batch."""


def _of_fold(fold: int, loss: Callable[[Batch], Loss], module: nn.Module, batch: Batch) -> Loss:
    return fold_loss(loss, module, batch, fold)


def first_fields(
    config: DespoofingDiffusionConfig, recipe: FieldsRecipe, seed: int
) -> DomainNetwork:
    """Return untrained fields; `recipe.start` says whether two networks start alike."""
    torch.manual_seed(seed)
    fields = DomainNetwork(config.fields)
    if recipe.start == "independent" and config.fields.domains == "separate":
        torch.manual_seed(seed_of(seed, "live field"))
        fields.nets[1].load_state_dict(DomainNetwork(config.fields).nets[0].state_dict())
    return fields


def _check_tiles(config: DespoofingDiffusionConfig, recipe: FieldsRecipe) -> None:
    tile, size, step = recipe.tile, config.crop.size, config.fields.multiple
    if tile is not None and (tile > size or tile % step or not config.fields.coordinates):
        raise ConfigError(
            f"recipe.fields.tile is {tile}; expected a multiple of {step}, at most crop.size "
            f"{size}, and model.fields.coordinates true. Change them, or set tile to null."
        )


def _drawn(faces: Tensor, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Times spread evenly over the batch, each uniform in [1, length], and standard noise."""
    count = len(faces)
    places = torch.randperm(count, generator=generator)
    share = (places + torch.rand(count, generator=generator)) / count
    return 1 + (length - 1) * share, torch.randn(faces.shape, generator=generator)


def _some(dev: DevSet, count: int) -> DevSet:
    """At most `count` faces, half of them live, spread evenly."""
    chosen: list[Tensor] = []
    for label in (True, False):
        rows = (dev.live == label).nonzero()[:, 0]
        spread = np.linspace(0, len(rows) - 1, min(count // 2, len(rows))).round().astype(int)
        chosen.append(rows[torch.from_numpy(spread)])
    kept = torch.cat(chosen)
    return DevSet(dev.name, dev.faces[kept], dev.live[kept])
