"""The de-spoofing face generator (DFG): what a live face of this person would look like."""

from typing import Any, cast

import torch
from torch import Tensor, nn

from despoof.core.device import bf16_autocast, seed_of
from despoof.core.errors import InputError
from despoof.core.extras import need
from despoof.diffusion.field import EpsFunction
from despoof.diffusion.group_norm import quick_norms
from despoof.systems.ag_fas.autoencoder import Autoencoder
from despoof.systems.ag_fas.generator_config import (
    GeneratorConfig,
    ReconstructConfig,
    UnetConfig,
)
from despoof.systems.ag_fas.identity import IdentityNet, identity_tokens
from despoof.systems.ag_fas.reconstruct import through_noise


class Generator(nn.Module):
    """Identity encoder and autoencoder, which stand still, and the UNet, which learns.

    Attributes:
        identity: frozen; always in eval mode.
        autoencoder: frozen; always in eval mode.
        unet: diffusers' `UNet2DConditionModel`: noise in latents, told the time and the tokens.
    """

    def __init__(
        self,
        config: GeneratorConfig | None = None,
        identity: IdentityNet | None = None,
        autoencoder: Autoencoder | None = None,
    ) -> None:
        """Build the networks; `identity` and `autoencoder` are taken as they are where given."""
        super().__init__()
        self.config = config = config or GeneratorConfig()
        self.identity = identity or IdentityNet(config.identity)
        self.autoencoder = autoencoder or Autoencoder(config.autoencoder)
        self.unet = make_unet(config.unet, config.autoencoder.latent)
        for part in (self.identity, self.autoencoder):
            part.eval()

    def train(self, mode: bool = True) -> "Generator":
        """Set the mode of the UNet alone; the batch statistics of the rest are not to move."""
        self.training = mode
        self.unet.train(mode)
        self.identity.eval()
        self.autoencoder.eval()
        return self

    @torch.no_grad()
    def tokens(self, faces: Tensor, *, condition: bool = True) -> Tensor:
        """Return [B, T, cross] identity tokens of faces; zeros without condition.

        Args:
            faces: [B, 3, S, S] in [-1, 1].
            condition: False, or `config.condition` False: the tokens say nothing.
        """
        width = self.config.unet.cross
        if condition and self.config.condition:
            return identity_tokens(self.identity.map(faces), width)
        return faces.new_zeros(len(faces), self.config.identity.tokens, width)

    def eps(self, latents: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        """Return the noise that the UNet finds in latents.

        Args:
            latents: [B, C, H, W], noised.
            t: times of the schedule, [B] or one, in [1, T]; the UNet is told t − 1, diffusers'
                timestep.
            tokens: [B, T, cross].
        """
        times = (t.to(latents.device, torch.float32) - 1).expand(len(latents))
        return cast("Any", self.unet)(latents, times, encoder_hidden_states=tokens).sample

    @torch.no_grad()
    def reconstruct(self, faces: Tensor, settings: ReconstructConfig | None = None) -> Tensor:
        """Return what the generator makes of faces: noised in the latent, and decoded as live.

        Nothing is drawn from torch's own generator. Every face is given the same noise, so that
        its reconstruction does not hang on its place in a batch.

        Args:
            faces: [B, 3, S, S] in [-1, 1], S a multiple of `config.multiple`.
            settings: how; default `config.reconstruct`.

        Returns:
            [B, 3, S, S] float32 in [-1, 1]; with several seeds their mean.

        Raises:
            InputError: another shape.
        """
        self._check(faces)
        settings = settings or self.config.reconstruct
        tokens = self.tokens(faces, condition=settings.condition)
        field = self._field(tokens, settings)
        total = torch.zeros_like(faces, dtype=torch.float32)
        for number in range(settings.seeds):
            of_posterior, noise = self._drawn(faces, settings, number)
            latents = self.autoencoder.encode(faces, of_posterior)
            made = through_noise(latents, noise, field, self.config.schedule, settings)
            total += self.autoencoder.decode(made).clamp(-1, 1)
        return total / settings.seeds

    @torch.no_grad()
    def autoencoded(self, faces: Tensor) -> Tensor:
        """Return D(E(x)) in [-1, 1]: what the autoencoder alone loses of a face (SPEC §2.4 item 5).

        Args:
            faces: as `reconstruct`. The posterior's mean is decoded.
        """
        self._check(faces)
        return self.autoencoder.decode(self.autoencoder.encode(faces)).clamp(-1, 1)

    def _field(self, tokens: Tensor, settings: ReconstructConfig) -> EpsFunction:
        def eps(x: Tensor, t: Tensor) -> Tensor:
            bf16 = settings.precision == "bf16"
            with bf16_autocast(x.device.type, bf16):
                return self.eps(x, t, tokens).float()

        return eps

    def _drawn(
        self, faces: Tensor, settings: ReconstructConfig, number: int
    ) -> tuple[Tensor | None, Tensor]:
        """Noise for the posterior (None = its mean) and for the latents, one row for all faces."""
        # On the CPU: the same numbers on every device.
        generator = torch.Generator().manual_seed(seed_of(settings.seed, "reconstruct", number))
        step = self.config.autoencoder.downsampling
        height, width = (side // step for side in faces.shape[-2:])
        shape = (2, 1, self.config.autoencoder.latent, height, width)
        noise, of_posterior = torch.randn(shape, generator=generator).to(faces.device)
        return of_posterior if settings.posterior == "sample" else None, noise

    def _check(self, faces: Tensor) -> None:
        step = self.config.multiple
        if faces.ndim != 4 or faces.shape[1] != 3 or any(s % step for s in faces.shape[-2:]):
            raise InputError(
                f"The generator got {tuple(faces.shape)}, expected [B, 3, H, W] in [-1, 1] with "
                f"sides that are multiples of {step}."
            )


def make_unet(config: UnetConfig, channels: int) -> nn.Module:
    """Return an untrained UNet for latents of so many channels.

    The paper's geometry (Stable Diffusion 1.5) is widths 320, 640, 1280, 1280, attention on all
    levels but the last, 2 blocks, 8 heads, cross 768, 32 groups: 859,520,964 parameters.
    """
    unet = need("diffusers", "train").UNet2DConditionModel(
        in_channels=channels,
        out_channels=channels,
        block_out_channels=config.widths,
        layers_per_block=config.blocks,
        down_block_types=tuple(f"{_kind(on)}DownBlock2D" for on in config.attention),
        up_block_types=tuple(f"{_kind(on)}UpBlock2D" for on in reversed(config.attention)),
        attention_head_dim=config.heads,  # diffusers' name for the number of heads
        cross_attention_dim=config.cross,
        norm_num_groups=config.norm_groups,
    )
    quick_norms(unet)
    return unet


def _kind(attends: bool) -> str:
    return "CrossAttn" if attends else ""
