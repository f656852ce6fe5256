"""How the supervised UNet is trained: on simulated pairs with their exact noise."""

import hashlib
import json
from collections.abc import Sequence
from typing import cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.config import StrictConfig
from despoof.core.device import seed_of
from despoof.data.pairs import recapture_pairs
from despoof.data.views import DataConfig, DevSet, Mix, development_sets, training_mix
from despoof.nets.spectrum import whitened_error
from despoof.systems.pair_unet.config import PairUnetConfig
from despoof.systems.pair_unet.system import PairUnet
from despoof.systems.validation import development_auc
from despoof.training.stage import Batch, Update


class RecipeConfig(StrictConfig):
    """What counts how much, and how fast it learns."""

    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    live_share: float = Field(default=0.35, gt=0, lt=1, description="of each batch")
    l1: float = Field(default=10.0, ge=0, description="weight of mean |noise error|")
    spectrum: float = Field(default=1.0, ge=0, description="weight of the whitened-octave error")
    binary: float = Field(default=0.3, ge=0, description="weight of the live/attack head's loss")
    dev_pairs: int = Field(
        default=0, ge=0, description="development pairs whose noise error is measured; 0 = none"
    )


class PairUnetStage:
    """The single stage of the supervised UNet; satisfies `training.Stage`."""

    name = "pair-unet"

    def __init__(
        self, config: PairUnetConfig, recipe: RecipeConfig, data: DataConfig, seed: int
    ) -> None:
        torch.manual_seed(seed)  # the start of the network
        self.module: nn.Module = PairUnet(config)
        self.config, self.recipe, self.data, self.seed = config, recipe, data, seed
        size = config.crop.size
        self.pairs = recapture_pairs(data, size, "train")
        self.cameras = live_controls(data, size, recipe.live_share, seed)
        self._dev: list[DevSet] | None = None
        self._dev_pairs: Batch | None = None

    def updates(self) -> Sequence[Update]:
        """One network, one update."""
        recipe = self.recipe
        return (
            Update(
                "unet",
                self.module,
                self.loss,
                recipe.learning_rate,
                weight_decay=recipe.weight_decay,
            ),
        )

    def batch(self, step: int) -> Batch:
        """Return the batch of a step; a pure function of (seed, step).

        Live faces come through the attacks' own simulated cameras where the data have sources with
        `simulate: camera`, else through the random camera of `data.augment`.
        """
        seed = seed_of(self.seed, "pairs", step)
        batch = self.pairs.batch(self.data.batch_size, self.recipe.live_share, seed)
        if self.cameras is not None:
            live, shots = batch["live"], self.cameras.batch(step)["faces"]
            for name in ("faces", "target"):
                batch[name][live] = shots
        return batch

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """L1 and whitened-octave error of the noise (0 for live faces), and cross-entropy."""
        live, recipe = batch["live"], self.recipe
        truth = batch["faces"] - batch["target"]
        out = cast("PairUnet", self.module).network(batch["faces"])
        error = out.noise.float() - truth
        pixel = error.abs().mean(dim=(1, 2, 3))
        octave = whitened_error(error, truth[~live])
        binary = F.binary_cross_entropy_with_logits(out.logit.float(), live.float())
        total = recipe.l1 * pixel.mean() + recipe.spectrum * octave.mean() + recipe.binary * binary
        return total, {
            "l1_live": pixel[live].detach().mean(),
            "l1_attack": pixel[~live].detach().mean(),
            "spectrum": octave.detach().mean(),
            "bce": binary.detach(),
        }

    def validate(self, module: nn.Module) -> dict[str, float]:
        """AUC of each development set (real attacks); with `dev_pairs`, of the noise too."""
        size = self.config.crop.size
        self._dev = self._dev or development_sets(self.data, size)
        found = development_auc(module, self._dev)
        if self.recipe.dev_pairs:
            found |= self._noise_figures(cast("PairUnet", module))
        return found

    def _noise_figures(self, system: PairUnet) -> dict[str, float]:
        """`noise_error`: relative L2 (attacks, mean); `noise_live`: mean |noise| of live faces."""
        if self._dev_pairs is None:
            count = self.recipe.dev_pairs
            pairs = recapture_pairs(self.data, self.config.crop.size, "dev", count)
            self._dev_pairs = pairs.batch(count, 0.25, seed_of(self.seed, "dev pairs"))
        batch = self._dev_pairs
        live, faces = batch["live"], batch["faces"]
        device = next(system.parameters()).device
        parts = [system.decompose(part.to(device)).noise.cpu() for part in faces.split(32)]
        noise = torch.cat(parts)
        truth = faces - batch["target"]
        error = (noise - truth)[~live].flatten(1).norm(dim=1)
        size = truth[~live].flatten(1).norm(dim=1).clamp(min=1e-6)
        return {
            "noise_error": float((error / size).mean()),
            "noise_live": float(noise[live].abs().mean()),
        }

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        parts = (self.config.plain(), self.recipe.plain(), self.data.plain(), self.seed)
        text = json.dumps([parts, [len(s.live) for s in self.pairs.stores]], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def live_controls(data: DataConfig, size: int, share: float, seed: int) -> Mix | None:
    """Return batches of the live sources with `simulate: camera` alone; None where none is there.

    Such a face differs from an attack by the medium and by nothing else, so that neither the noise
    nor the head can be learnt from the camera. Nothing more is done to its colours or sharpness.
    """
    sources = [source for source in data.sources if source.simulate != "no"]
    chosen = [
        i
        for i, source in enumerate(sources)
        if (source.label, source.simulate) == ("live", "camera")
    ]
    count = round(share * data.batch_size)
    if not chosen or not count:
        return None
    whole = training_mix(data.model_copy(update={"sources": tuple(sources)}), size, seed)
    quiet = data.augment.model_copy(update={"probability": 0.0, "together": 0.0, "erase": 0.0})
    config = data.model_copy(update={"augment": quiet, "batch_size": count})
    stores = tuple(whole.stores[i] for i in chosen)
    return Mix(stores, tuple(whole.weights[i] for i in chosen), config, size, seed)
