"""The networks that say the noise: diffusers' UNet, one for both domains or one for each."""

from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from despoof.core.config import StrictConfig
from despoof.core.device import bf16_autocast
from despoof.core.errors import InputError
from despoof.core.extras import need
from despoof.diffusion.field import EpsFunction
from despoof.diffusion.group_norm import quick_norms
from despoof.diffusion.noising import Prediction, eps_from
from despoof.diffusion.schedule import NoiseSchedule

Domain = Literal["all", "live"]
DOMAINS: tuple[Domain, ...] = ("all", "live")


class NetworkConfig(StrictConfig):
    """Geometry of the UNet; the defaults have about 6 million parameters (SPEC's small rung)."""

    domains: Literal["tied", "separate"] = Field(
        default="tied", description="one network told the domain, or two (the paper)"
    )
    prediction: Prediction = "eps"
    channels: int = Field(default=3, ge=1, description="of the picture")
    coordinates: bool = Field(
        default=False, description="two more inputs say where in the picture a tile lies"
    )
    widths: tuple[int, ...] = Field(
        default=(64, 96, 128), min_length=2, description="channels at full, half … size"
    )
    fold: int = Field(
        default=1,
        ge=1,
        description="ours, for two cores: turns each square of so many pixels a side into channels "
        "first, and back at the end; no pixel is lost, the first level has no full size",
    )
    blocks: int = Field(default=2, ge=1, description="residual blocks a level")
    attention: tuple[bool, ...] = Field(
        default=(False, False, True), description="which levels attend to themselves"
    )
    head_channels: int = Field(default=32, ge=1, description="of each attention head")
    norm_groups: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _fits(self) -> "NetworkConfig":
        if len(self.attention) != len(self.widths):
            raise ValueError(f"attention has {len(self.attention)} levels, widths {self.widths}")
        if any(width % self.norm_groups for width in self.widths):
            raise ValueError(f"widths {self.widths} must be multiples of {self.norm_groups} groups")
        return self

    @property
    def multiple(self) -> int:
        """Return what the sides of a picture must be a multiple of."""
        return self.fold * 2 ** (len(self.widths) - 1)


class DomainNetwork(nn.Module):
    """(x [B, C, H, W], t [B], domain [B]) → what `config.prediction` names, like x."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        tied = config.domains == "tied"
        self.nets = nn.ModuleList(
            _unet(config, classes=len(DOMAINS) if tied else None)
            for _ in range(1 if tied else len(DOMAINS))
        )
        for net in self.nets[1:]:  # both start alike: where domains agree, fields should
            net.load_state_dict(self.nets[0].state_dict())

    def forward(
        self, x: Tensor, t: Tensor, domain: Domain | Tensor, place: Tensor | None = None
    ) -> Tensor:
        """Return the prediction.

        Args:
            x: noised pictures [B, C, H, W]; sides multiples of `config.multiple`.
            t: times, [B] or one.
            domain: a name for all, or indices into `DOMAINS` [B] (tied networks only).
            place: [B or 1, 2, H, W] of `place_channels`; needed iff `config.coordinates`.
        """
        _check(self.config, x, place)
        inputs = x if place is None else torch.cat([x, place.to(x).expand(len(x), -1, -1, -1)], 1)
        inputs = F.pixel_unshuffle(inputs, self.config.fold)
        times = t.to(x.device, torch.float32).expand(len(x))
        if self.config.domains == "tied":
            labels = domain if isinstance(domain, Tensor) else _labels(domain, x)
            said = cast("Any", self.nets[0])(inputs, times, class_labels=labels).sample
            return F.pixel_shuffle(said, self.config.fold)
        if isinstance(domain, Tensor):
            raise InputError("Separate networks take a domain by name, one for the whole batch.")
        said = cast("Any", self.nets[DOMAINS.index(domain)])(inputs, times).sample
        return F.pixel_shuffle(said, self.config.fold)


def place_channels(
    height: int, width: int, *, top: int = 0, left: int = 0, whole: tuple[int, int] | None = None
) -> Tensor:
    """Return [1, 2, height, width]: where a tile's pixels lie in the picture, x and y in [-1, 1].

    Args:
        height: of the tile.
        width: of the tile.
        top: row of its first pixel in the picture.
        left: column of its first pixel.
        whole: height and width of the picture; the tile's own if None.
    """
    rows, columns = whole or (height, width)
    y = (torch.arange(top, top + height) + 0.5) * 2 / rows - 1
    x = (torch.arange(left, left + width) + 0.5) * 2 / columns - 1
    across, down = x.expand(height, width), y[:, None].expand(height, width)
    return torch.stack([across, down])[None]


def eps_function(
    network: DomainNetwork,
    domain: Domain,
    schedule: NoiseSchedule,
    *,
    bf16: bool = True,
) -> EpsFunction:
    """Return the field of one domain: no gradients, network in bf16, answer in fp32.

    Args:
        network: trained; its mode (train, eval) is left as it is.
        domain: whose field.
        schedule: that it was trained on; turns v into eps.
        bf16: False runs the network in its own precision, as a processor without bf16 does
            anyway (`bf16_autocast`).
    """

    @torch.no_grad()
    def eps(x: Tensor, t: Tensor) -> Tensor:
        config, picture = network.config, x.float()
        place = place_channels(*x.shape[-2:]) if config.coordinates else None
        with bf16_autocast(x.device.type, bf16):
            said = network(picture, t, domain, place)
        return eps_from(schedule, said.float(), picture, t, config.prediction)

    return eps


def _unet(config: NetworkConfig, classes: int | None) -> nn.Module:
    unet = need("diffusers", "train").UNet2DModel(
        in_channels=(config.channels + 2 * config.coordinates) * config.fold**2,
        out_channels=config.channels * config.fold**2,
        block_out_channels=config.widths,
        layers_per_block=config.blocks,
        down_block_types=tuple(f"{_kind(on)}DownBlock2D" for on in config.attention),
        up_block_types=tuple(f"{_kind(on)}UpBlock2D" for on in reversed(config.attention)),
        attention_head_dim=config.head_channels,
        norm_num_groups=config.norm_groups,
        dropout=config.dropout,
        add_attention=config.attention[-1],
        num_class_embeds=classes,
    )
    quick_norms(unet)
    return unet


def _kind(attends: bool) -> str:
    return "Attn" if attends else ""


def _labels(domain: Domain, x: Tensor) -> Tensor:
    return torch.full((len(x),), DOMAINS.index(domain), device=x.device)


def _check(config: NetworkConfig, x: Tensor, place: Tensor | None) -> None:
    step = config.multiple
    if x.ndim != 4 or x.shape[1] != config.channels or any(s % step for s in x.shape[-2:]):
        raise InputError(
            f"The network got {tuple(x.shape)}, expected [B, {config.channels}, H, W] with sides "
            f"that are multiples of {step}."
        )
    if (place is not None) != config.coordinates:
        need_it = "needs" if config.coordinates else "takes no"
        raise InputError(f"This network {need_it} place channels. See place_channels.")
