"""A residual UNet at half resolution: picture in, features of every level, picture-sized map out.

The picture is first folded 2×2 into channels (pixel unshuffle) and unfolded at the end. Nothing is
lost by that, and the convolutions run over a quarter of the places: four times the speed, which
two CPU cores need. Dots and gratings at the Nyquist frequency are still seen, as channels.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FOLD = 2


def multiple_of(widths: Sequence[int]) -> int:
    """Return what the side of a picture must be a multiple of.

    >>> multiple_of((32, 64, 128, 160))
    16
    """
    return FOLD * 2 ** (len(widths) - 1)


def check_widths(widths: Sequence[int]) -> None:
    """Raise ValueError where a width does not divide into the groups of the norm.

    >>> check_widths((32, 64))
    """
    if any(width < 8 or width % 8 for width in widths):
        raise ValueError(f"widths {widths} must be multiples of 8 (groups of the norm)")


def check_side(side: int, widths: Sequence[int]) -> None:
    """Raise ValueError where a picture of this side cannot be halved level by level.

    >>> check_side(112, (32, 64, 128, 160))
    """
    step = multiple_of(widths)
    if side % step:
        raise ValueError(f"crop.size {side} must be a multiple of {step} for {len(widths)} levels")


class ResidualBlock(nn.Module):
    """(B, in, H, W) -> (B, out, H, W): two normed 3×3 convolutions beside a shortcut."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.norm1 = _norm(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm2 = _norm(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        same = channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the shortcut plus what was learnt."""
        y = self.conv1(F.silu(self.norm1(x)))
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(y)))


class UNetEncoder(nn.Module):
    """(B, C, S, S) -> one (B, widths[i], S / 2^(i+1), S / 2^(i+1)) for each level."""

    def __init__(self, channels: int, widths: Sequence[int], blocks: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels * FOLD**2, widths[0], 3, padding=1)
        self.levels = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width, width) for _ in range(blocks))) for width in widths
        )
        self.downs = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in itertools.pairwise(widths)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features, finest first."""
        x = self.stem(F.pixel_unshuffle(x, FOLD))
        found = [self.levels[0](x)]
        for down, level in zip(self.downs, self.levels[1:], strict=True):
            found.append(level(down(found[-1])))
        return found


class UNetDecoder(nn.Module):
    """Features of `UNetEncoder` -> (B, channels, S, S)."""

    def __init__(
        self, channels: int, widths: Sequence[int], blocks: int, *, last_std: float
    ) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(widths))[::-1]
        self.ups = nn.ModuleList(nn.Conv2d(deep, fine, 1) for fine, deep in pairs)
        self.levels = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(fine, fine) for _ in range(blocks))) for fine, _ in pairs
        )
        self.norm = _norm(widths[0])
        self.last = nn.Conv2d(widths[0], channels * FOLD**2, 3, padding=1, bias=False)
        nn.init.normal_(self.last.weight, std=last_std)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Go back up, adding what the encoder saw at each level."""
        x = features[-1]
        for up, level, skip in zip(self.ups, self.levels, features[-2::-1], strict=True):
            x = level(F.interpolate(up(x), scale_factor=2.0, mode="nearest") + skip)
        return F.pixel_shuffle(self.last(F.silu(self.norm(x))), FOLD)


def pooled(features: Sequence[Tensor]) -> Tensor:
    """Mean of each channel of each level: (B, sum of widths)."""
    return torch.cat([x.mean(dim=(2, 3)) for x in features], dim=1)


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(max(1, channels // 8), channels)
