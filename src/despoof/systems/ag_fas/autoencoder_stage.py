"""The stage `autoencoder`: live faces through a small latent and back."""

import hashlib
import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import torch
from pydantic import Field
from torch import Tensor, nn

from despoof.core.config import StrictConfig
from despoof.core.device import seed_of
from despoof.data.views import DataConfig
from despoof.systems.ag_fas.autoencoder import Autoencoder
from despoof.systems.ag_fas.generator_config import AutoencoderConfig
from despoof.systems.ag_fas.live_faces import (
    attack_mix,
    live_dev_faces,
    live_mix,
    told_apart,
    with_attack,
)
from despoof.training.folder import take_best
from despoof.training.stage import Batch, Update


class AutoencoderRecipe(StrictConfig):
    """What counts how much, and how fast it learns."""

    trained: str | None = Field(
        default=None, description="folder of a finished `autoencoder` stage: skip ours"
    )
    pretrained: str | None = Field(
        default=None,
        description="folder of diffusers' AutoencoderKL, e.g. Stable Diffusion's: skip ours",
    )
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    l1: float = Field(default=1.0, ge=0, description="weight of mean |error|")
    fine: float = Field(
        default=1.0,
        ge=0,
        description="weight of mean |error| of differences between neighbouring pixels: L1 alone "
        "leaves faces soft",
    )
    kl: float = Field(default=1e-4, ge=0, description="weight of the divergence from normal")
    dev_faces: int = Field(default=64, ge=1, description="live faces of each development set")


class AutoencoderStage:
    """Reconstruction of live faces; satisfies `training.Stage`."""

    name = "autoencoder"

    def __init__(
        self,
        config: AutoencoderConfig,
        recipe: AutoencoderRecipe,
        data: DataConfig,
        *,
        size: int,
        seed: int,
    ) -> None:
        """Cut the faces and make the network.

        Args:
            config: of the autoencoder.
            recipe: of the training.
            data: whose live faces, and the development sets.
            size: of a face, pixels.
            seed: of the first weights and of what is drawn.
        """
        self.config, self.recipe, self.data = config, recipe, data
        self.size, self.seed = size, seed
        self.mix, self.attacks = live_mix(data, size, seed), attack_mix(data, size, seed)
        torch.manual_seed(seed_of(seed, "autoencoder"))  # the start of the network
        self.module: nn.Module = Autoencoder(config)
        self._dev: tuple[dict[str, Tensor], dict[str, Tensor]] | None = None

    @property
    def autoencoder(self) -> Autoencoder:
        """The module under its own type."""
        return cast("Autoencoder", self.module)

    def updates(self) -> Sequence[Update]:
        """One network, one update."""
        recipe = self.recipe
        rate, decay = recipe.learning_rate, recipe.weight_decay
        return (Update("autoencoder", self.module, self.loss, rate, weight_decay=decay),)

    def batch(self, step: int) -> Batch:
        """Return faces and the noise of their posteriors; a pure function of (seed, step).

        `faces` (B, 3, S, S), the last one an attack, `live` (B,) bool, `noise` like the latents.
        """
        batch = with_attack(self.mix.batch(step)["faces"], self.attacks, step)
        generator = torch.Generator().manual_seed(seed_of(self.seed, "autoencoder", step))
        side = self.size // self.config.downsampling
        shape = (len(batch["live"]), self.config.latent, side, side)
        return batch | {"noise": torch.randn(shape, generator=generator)}

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """L1 of live faces' pixels and of their differences, and a little of the divergence."""
        recipe, live = self.recipe, batch["live"]
        faces = batch["faces"][live]
        posterior = self.autoencoder.posterior(faces)
        drawn = posterior.at(batch["noise"][live])
        error = self.autoencoder.decode_raw(drawn).float() - faces
        pixel, kl = error.abs().mean(), posterior.kl().float().mean()
        across, down = error.diff(dim=-1).abs().mean(), error.diff(dim=-2).abs().mean()
        fine = (across + down) / 2
        total = recipe.l1 * pixel + recipe.fine * fine + recipe.kl * kl
        return total, {"l1": pixel.detach(), "fine": fine.detach(), "kl": kl.detach()}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """PSNR of live development faces, in dB over a range of 2; `psnr` is the sets' mean.

        The posterior's mean is decoded and clipped; PSNR is averaged over faces. `auc`: how well
        the loss alone tells live faces from attacks.
        """
        if self._dev is None:
            some = partial(live_dev_faces, self.data, self.size, self.recipe.dev_faces)
            self._dev = some(), some(live=False)
        network = cast("Autoencoder", module)
        live, attack = (
            {name: face_psnr(network, faces) for name, faces in faces_of.items()}
            for faces_of in self._dev
        )
        found = {f"psnr/{name}": float(values.mean()) for name, values in live.items()}
        mean = sum(found.values()) / len(found)
        return {"psnr": mean, "auc": told_apart(live, attack), **found}

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        elsewhere = ("trained", "pretrained")  # then this stage does not run
        recipe = {k: v for k, v in self.recipe.plain().items() if k not in elsewhere}
        pictures = [len(store.live) for store in self.mix.stores]
        parts = [self.config.plain(), recipe, self.data.plain(), self.size, self.seed, pictures]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def psnr(network: Autoencoder, faces: Tensor, batch: int = 64) -> float:
    """Return the mean of `face_psnr`."""
    return float(face_psnr(network, faces, batch).mean())


@torch.no_grad()
def face_psnr(network: Autoencoder, faces: Tensor, batch: int = 64) -> Tensor:
    """Return the PSNR, (N,) in dB, of faces [N, 3, S, S] in [-1, 1] that went there and back."""
    device = next(network.parameters()).device
    values: list[Tensor] = []
    for part in faces.split(batch):
        placed = part.to(device)
        back = network.decode(network.encode(placed)).float().clamp(-1, 1)
        error = (back - placed).square().mean(dim=(1, 2, 3)).clamp(min=1e-12)
        values.append(10 * math.log10(4) - 10 * error.log10())
    return torch.cat(values)


def take_autoencoder(folder: str | Path, config: AutoencoderConfig) -> Autoencoder:
    """Return the autoencoder of a finished stage.

    Raises:
        TrainingError: there are no weights, or those of another network.
    """
    found = Autoencoder(config)
    take_best(folder, found, "model.generator.autoencoder")
    return found
