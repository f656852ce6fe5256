"""Faces to small latents and back: diffusers' `AutoencoderKL`, in Stable Diffusion's or our size.

SPEC §2.1. What it loses is lost to everybody, live or not: r_vae = x − D(E(x)) (§2.4 item 5).
"""

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.errors import InputError
from despoof.core.extras import need
from despoof.diffusion.group_norm import quick_norms
from despoof.systems.ag_fas.generator_config import AutoencoderConfig

LOG_VARIANCE = (-30.0, 20.0)
"""Where diffusers clips the posterior's log variance."""


class Posterior(NamedTuple):
    """Normal distribution of raw latents: mean and log_variance, (B, C, h, w) each."""

    mean: Tensor
    log_variance: Tensor

    def at(self, noise: Tensor) -> Tensor:
        """Return the latent that a standard normal noise, like the mean, stands for."""
        return self.mean + torch.exp(0.5 * self.log_variance) * noise

    def kl(self) -> Tensor:
        """Return the (B,) divergence from the standard normal, nats a number of the latent."""
        excess = self.mean.square() + self.log_variance.exp() - 1 - self.log_variance
        return 0.5 * excess.mean(dim=(1, 2, 3))


class Autoencoder(nn.Module):
    """`posterior` and `decode_raw` work on raw latents, `encode` and `decode` on scaled ones.

    Scaled latents have about unit variance: what the diffusion works on. Their mean and standard
    deviation by channel are a part of the weights: measured by `measure_scale`, or 0 and 1/scale.
    """

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: AutoencoderConfig | None = None) -> None:
        super().__init__()
        self.config = config or AutoencoderConfig()
        self.vae = _vae(self.config)
        std = 1.0 if self.config.scale is None else 1 / self.config.scale
        shape = (1, self.config.latent, 1, 1)
        self.register_buffer("latent_mean", torch.zeros(shape))
        self.register_buffer("latent_std", torch.full(shape, std))

    def posterior(self, faces: Tensor) -> Posterior:
        """(B, 3, S, S) in [-1, 1] to the distribution of (B, C, S/d, S/d) raw latents.

        Raises:
            InputError: S is not a multiple of the downsampling d.
        """
        step = self.config.downsampling
        if faces.ndim != 4 or faces.shape[1] != 3 or any(s % step for s in faces.shape[-2:]):
            raise InputError(
                f"faces have shape {tuple(faces.shape)}; expected (B, 3, S, S), S a multiple of "
                f"{step}."
            )
        vae = cast("Any", self.vae)
        moments = vae.quant_conv(vae.encoder(F.pixel_unshuffle(faces, self.config.fold)))
        mean, log_variance = cast("Tensor", moments).chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(*LOG_VARIANCE))

    def decode_raw(self, raw: Tensor) -> Tensor:
        """(B, C, h, w) raw latents to (B, 3, S, S) faces, not clipped."""
        vae = cast("Any", self.vae)
        return F.pixel_shuffle(vae.decoder(vae.post_quant_conv(raw)), self.config.fold)

    def encode(self, faces: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return scaled latents: the posterior's mean, or with `noise` its sample."""
        posterior = self.posterior(faces)
        raw = posterior.mean if noise is None else posterior.at(noise)
        return (raw - self.latent_mean) / self.latent_std

    def decode(self, latents: Tensor) -> Tensor:
        """Return the faces of scaled latents, not clipped."""
        return self.decode_raw(latents * self.latent_std + self.latent_mean)

    @torch.no_grad()
    def measure_scale(self, batches: list[Tensor]) -> None:
        """Set mean and standard deviation of the latents, by channel, from batches of faces.

        Nothing happens where `config.scale` fixes them.
        """
        if self.config.scale is not None:
            return
        raw = torch.cat([self.posterior(faces).mean.float() for faces in batches])
        axes = (0, 2, 3)
        self.latent_mean.copy_(raw.mean(axes, keepdim=True))
        self.latent_std.copy_(raw.std(axes, keepdim=True).clamp(min=1e-6))


def _vae(config: AutoencoderConfig) -> nn.Module:
    levels, channels = len(config.widths), 3 * config.fold**2
    vae = need("diffusers", "train").AutoencoderKL(
        in_channels=channels,
        out_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=config.widths,
        layers_per_block=config.blocks,
        latent_channels=config.latent,
        norm_num_groups=config.norm_groups,
        mid_block_add_attention=config.attention,
    )
    quick_norms(vae)
    return vae
