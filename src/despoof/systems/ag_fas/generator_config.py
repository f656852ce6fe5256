"""Everything that decides what the generator is: identity, autoencoder, UNet, reconstruction."""

from typing import Literal

from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.diffusion.schedule import NoiseSchedule

SD_SCALE = 0.18215
"""What Stable Diffusion multiplies its latents by (SPEC §2.1)."""


def eights(channels: float) -> int:
    """Return the nearest multiple of eight channels, at least eight.

    Not only for speed: where a processor has AVX2 and nothing newer, oneDNN 3.12 (torch 2.13)
    writes past its memory in the backward pass of a 1×1 convolution of stride 2 from 4 channels.

    >>> eights(64), eights(17.3), eights(1)
    (64, 16, 8)
    """
    return 8 * max(1, round(channels / 8))


def _check_groups(widths: tuple[int, ...], groups: int) -> None:
    if any(width % groups for width in widths):
        raise ValueError(f"widths {widths} must be multiples of {groups} groups")


class IdentityConfig(StrictConfig):
    """Geometry of the identity encoder; the defaults are iResNet-18, 24.0 million parameters."""

    size: int = Field(
        default=112, ge=16, multiple_of=16, description="side faces are resized to, pixels"
    )
    width: float = Field(default=1.0, gt=0, le=2, description="channels, as a multiple")
    embedding: int = Field(default=512, ge=2, description="length of the embedding")

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Channels of the four stages; the stem has those of the first."""
        first, second, third, last = (eights(c * self.width) for c in (64, 128, 256, 512))
        return first, second, third, last

    @property
    def tokens(self) -> int:
        """How many tokens a face gives: one a cell of the last map, 49 at 112 pixels."""
        return (self.size // 16) ** 2


class AutoencoderConfig(StrictConfig):
    """Geometry of `AutoencoderKL`; the defaults are the small rung's, 0.4 million parameters."""

    widths: tuple[int, ...] = Field(
        default=(32, 48), min_length=1, description="channels at full, half … size"
    )
    fold: int = Field(
        default=2,
        ge=1,
        description="ours, for two cores: turns each square of so many pixels a side into channels "
        "first, and back at the end. 1 = the paper",
    )
    blocks: int = Field(default=1, ge=1, description="residual blocks a level; the decoder has one")
    latent: int = Field(default=4, ge=1, description="channels of the latent")
    attention: bool = Field(default=False, description="self-attention in the middle; paper: true")
    norm_groups: int = Field(default=8, ge=1)
    scale: float | None = Field(
        default=None,
        gt=0,
        description=f"what latents are multiplied by; null = measured on training faces, by "
        f"channel. Stable Diffusion's weights want {SD_SCALE}",
    )

    @model_validator(mode="after")
    def _groups(self) -> "AutoencoderConfig":
        _check_groups(self.widths, self.norm_groups)
        return self

    @property
    def downsampling(self) -> int:
        """Pixels a side that one cell of the latent stands for."""
        return self.fold * 2 ** (len(self.widths) - 1)


class UnetConfig(StrictConfig):
    """Geometry of `UNet2DConditionModel`; the defaults are the small rung's, 1.25 million."""

    widths: tuple[int, ...] = Field(
        default=(48, 64), min_length=2, description="channels at full, half … latent size"
    )
    attention: tuple[bool, ...] = Field(
        default=(False, True), description="which levels attend to the identity's tokens"
    )
    blocks: int = Field(default=1, ge=1, description="residual blocks a level; the way up has one")
    heads: int = Field(default=4, ge=1, description="of each attention")
    cross: int = Field(
        default=128, ge=1, description="length of the tokens; shorter features are zero-padded"
    )
    norm_groups: int = Field(default=8, ge=1)

    @model_validator(mode="after")
    def _fits(self) -> "UnetConfig":
        if len(self.attention) != len(self.widths):
            raise ValueError(f"attention has {len(self.attention)} levels, widths {self.widths}")
        _check_groups(self.widths, self.norm_groups)
        if any(width % self.heads for width in self.widths):
            raise ValueError(f"widths {self.widths} must be multiples of {self.heads} heads")
        return self


class ReconstructConfig(StrictConfig):
    """How a face is noised and decoded again (SPEC §2.1, §2.4).

    Times are Stable Diffusion's timesteps, 0 … 999: `start` 801 is `NoiseSchedule`'s time 802.
    """

    start: int = Field(default=801, ge=1, le=999, description="timestep up to which it is noised")
    grid_steps: int = Field(
        default=50,
        ge=2,
        description="ddim: steps of the whole schedule; those up to `start` are walked, the "
        "published 50 give 41 calls from 801",
    )
    solver: Literal["ddim", "dpm-solver"] = "ddim"
    steps: int = Field(default=12, ge=1, description="dpm-solver: calls from `start` down")
    posterior: Literal["mean", "sample"] = Field(
        default="mean", description="of the autoencoder; sample: the published choice"
    )
    seeds: int = Field(default=1, ge=1, le=64, description="reconstructions that are averaged")
    seed: int = Field(default=0, ge=0, description="of the noise, the same for every face")
    condition: bool = Field(default=True, description="false: the UNet is told no identity")
    precision: Literal["fp32", "bf16"] = Field(
        default="fp32", description="of the UNet; bf16: under autocast"
    )


class GeneratorConfig(StrictConfig):
    """The de-spoofing face generator; the defaults are the small rung's, for two cores."""

    identity: IdentityConfig = IdentityConfig(width=0.25, embedding=128)
    autoencoder: AutoencoderConfig = AutoencoderConfig()
    unet: UnetConfig = UnetConfig()
    schedule: NoiseSchedule = NoiseSchedule(
        kind="scaled-linear", beta_start=0.00085, beta_end=0.012
    )
    condition: bool = Field(default=True, description="false: trained without identity (ablation)")
    reconstruct: ReconstructConfig = ReconstructConfig()

    @model_validator(mode="after")
    def _fits(self) -> "GeneratorConfig":
        last = self.identity.widths[-1]
        if last > self.unet.cross:
            raise ValueError(
                f"unet.cross is {self.unet.cross}, but the identity's map has {last} channels; "
                "tokens are padded, never cut"
            )
        if self.reconstruct.start >= self.schedule.length:
            raise ValueError(
                f"reconstruct.start {self.reconstruct.start} is beyond the schedule's last "
                f"timestep {self.schedule.length - 1}"
            )
        return self

    @property
    def multiple(self) -> int:
        """What the side of a face must be a multiple of."""
        return self.autoencoder.downsampling * 2 ** (len(self.unet.widths) - 1)
