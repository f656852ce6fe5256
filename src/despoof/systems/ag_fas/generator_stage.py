"""The stage `generator`: the UNet learns the noise in live faces' latents (SPEC §2.1)."""

import hashlib
import json
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
from despoof.diffusion.noising import add_noise
from despoof.systems.ag_fas.autoencoder import Autoencoder
from despoof.systems.ag_fas.generator import Generator
from despoof.systems.ag_fas.generator_config import GeneratorConfig
from despoof.systems.ag_fas.identity import IdentityNet
from despoof.systems.ag_fas.live_faces import (
    attack_mix,
    live_dev_faces,
    live_mix,
    told_apart,
    with_attack,
)
from despoof.systems.residuals import weights_hash
from despoof.training.folder import take_best
from despoof.training.stage import Batch, Update

_SCALE_BATCHES = 8
"""Training batches that the latents' mean and deviation are measured on."""


class GeneratorRecipe(StrictConfig):
    """How the UNet is taught."""

    trained: str | None = Field(
        default=None, description="folder of a finished `generator` stage: skip ours"
    )
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    forget: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share of faces whose tokens are zeros, so that the UNet also works without; "
        "0 = the paper",
    )
    dev_faces: int = Field(default=64, ge=1, description="live faces of each development set")
    dev_times: int = Field(default=4, ge=1, description="noise levels they are measured at")


class GeneratorStage:
    """Denoising of live faces' latents; satisfies `training.Stage`."""

    name = "generator"

    def __init__(
        self,
        identity: IdentityNet,
        autoencoder: Autoencoder,
        config: GeneratorConfig,
        recipe: GeneratorRecipe,
        data: DataConfig,
        *,
        size: int,
        seed: int,
    ) -> None:
        """Cut the faces, measure the latents' scale, and make the UNet.

        Args:
            identity: trained; stands still.
            autoencoder: trained; stands still. Its scale is measured here, unless it is fixed.
            config: of the generator.
            recipe: of the training.
            data: whose live faces, and the development sets.
            size: of a face, pixels.
            seed: of the first weights and of what is drawn.
        """
        self.config, self.recipe, self.data = config, recipe, data
        self.size, self.seed = size, seed
        self.mix, self.attacks = live_mix(data, size, seed), attack_mix(data, size, seed)
        device = next(autoencoder.parameters()).device
        autoencoder.eval().measure_scale(
            [self.mix.batch(step)["faces"].to(device) for step in range(_SCALE_BATCHES)]
        )
        torch.manual_seed(seed_of(seed, "generator"))  # the start of the network
        self.module: nn.Module = Generator(config, identity, autoencoder)
        self._stands_on = [weights_hash(identity), weights_hash(autoencoder)]
        self._dev: tuple[dict[str, Tensor], dict[str, Tensor]] | None = None

    @property
    def generator(self) -> Generator:
        """The module under its own type."""
        return cast("Generator", self.module)

    def updates(self) -> Sequence[Update]:
        """The UNet alone learns."""
        recipe = self.recipe
        rate, decay = recipe.learning_rate, recipe.weight_decay
        return (Update("unet", self.generator.unet, self.loss, rate, weight_decay=decay),)

    def batch(self, step: int) -> Batch:
        """Return live faces with the noise to find; a pure function of (seed, step).

        `faces` (B, 3, S, S), the last one an attack, and `live` (B,) bool; `t` (B,) in [1, T],
        spread evenly over the batch; `noise` like the latents; `told` (B,) bool, whose identity
        the UNet is told.
        """
        batch = with_attack(self.mix.batch(step)["faces"], self.attacks, step)
        generator = torch.Generator().manual_seed(seed_of(self.seed, "generator", step))
        count, length = len(batch["live"]), self.config.schedule.length
        places = torch.randperm(count, generator=generator)
        share = (places + torch.rand(count, generator=generator)) / count
        noise = torch.randn(self._latents(count), generator=generator)
        told = torch.rand(count, generator=generator) >= self.recipe.forget
        return batch | {"t": 1 + (length - 1) * share, "noise": noise, "told": told}

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Mean squared error of the noise in live faces, over all times alike.

        The attack's is logged; nothing is learnt from it.
        """
        generator = self.generator
        tokens = generator.tokens(batch["faces"])
        tokens = tokens * batch["told"].to(tokens.dtype)[:, None, None]
        error = _error(generator, batch["faces"], batch["noise"], batch["t"], tokens)
        live = batch["live"]
        if bool(live.all()):
            return error.mean(), {}
        return error[live].mean(), {"attack": error[~live].detach().mean()}

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Error of the noise on live development faces, with fixed noise at fixed times.

        `eps` is the mean over sets; `eps/<set>` that of a set; `eps/untold` the mean where the
        UNet is told no identity: the gap to `eps` is what the identity says. `auc`: how well the
        error alone tells live faces from attacks.
        """
        if self._dev is None:
            some = partial(live_dev_faces, self.data, self.size, self.recipe.dev_faces)
            self._dev = some(), some(live=False)
        generator = cast("Generator", module)
        live, attack = (
            {name: -self._errors(generator, faces, True) for name, faces in faces_of.items()}
            for faces_of in self._dev
        )
        told = {f"eps/{name}": -float(values.mean()) for name, values in live.items()}
        untold = [
            float(self._errors(generator, faces, False).mean()) for faces in self._dev[0].values()
        ]
        means = {"eps": sum(told.values()) / len(told), "eps/untold": sum(untold) / len(untold)}
        return {"auc": told_apart(live, attack)} | means | told

    @torch.no_grad()
    def _errors(self, generator: Generator, faces: Tensor, condition: bool) -> Tensor:
        """(N,) error of each face, mean over fixed times."""
        device, times = next(generator.parameters()).device, self.recipe.dev_times
        length = self.config.schedule.length
        chance = torch.Generator().manual_seed(seed_of("generator", "dev"))
        found: list[Tensor] = []
        for part in faces.split(64):
            placed = part.to(device)
            tokens = generator.tokens(placed, condition=condition)
            total = torch.zeros(len(part), device=device)
            for number in range(times):
                noise = torch.randn(self._latents(len(part)), generator=chance).to(device)
                t = torch.full((len(part),), 1 + (length - 1) * (number + 0.5) / times)
                total += _error(generator, placed, noise, t, tokens) / times
            found.append(total)
        return torch.cat(found)

    def _latents(self, count: int) -> tuple[int, int, int, int]:
        side = self.size // self.config.autoencoder.downsampling
        return count, self.config.autoencoder.latent, side, side

    def fingerprint(self) -> str:
        """Hash of everything that decides the result but the loop's own settings."""
        config = {k: v for k, v in self.config.plain().items() if k != "reconstruct"}
        recipe = {k: v for k, v in self.recipe.plain().items() if k != "trained"}
        pictures = [len(store.live) for store in self.mix.stores]
        parts = [config, recipe, self.data.plain(), self.size, self.seed, pictures]
        text = json.dumps([*parts, *self._stands_on], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _error(generator: Generator, faces: Tensor, noise: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
    """(B,) mean squared error of the noise that is found in faces' latents at times."""
    with torch.no_grad():
        latents = generator.autoencoder.encode(faces).float()
    noised = add_noise(generator.config.schedule, latents, noise, t)
    found = generator.eps(noised, t, tokens).float()
    return (found - noise).square().mean(dim=(1, 2, 3))


def take_generator(folder: str | Path, config: GeneratorConfig) -> Generator:
    """Return the generator of a finished stage, with its identity encoder and autoencoder.

    Raises:
        TrainingError: there are no weights, or those of another network.
    """
    found = Generator(config)
    take_best(folder, found, "model.generator")
    return found
