"""From RGB to the six channels that System 3 reads, and back."""

import math
from typing import Literal

import torch
from torch import Tensor

ColourSpace = Literal["hsv", "hue-circle", "ycbcr"]


def to_six_channels(faces: Tensor, space: ColourSpace) -> Tensor:
    """Take (B, 3, H, W) RGB in [-1, 1]; return (B, 6, H, W) in [0, 1]: three of `space`, then RGB.

    `hsv` is the published input (SPEC §3.2, hue first); its hue jumps from 1 to 0 at red, which is
    the colour of skin. `hue-circle` replaces hue and saturation by the point they mean on the
    colour disc, which has no jump (SPEC §3.8); `ycbcr` is the JPEG transform.
    """
    rgb = ((faces + 1) / 2).clamp(0, 1)
    convert = {"hsv": rgb_to_hsv, "hue-circle": rgb_to_hue_circle, "ycbcr": rgb_to_ycbcr}[space]
    return torch.cat([convert(rgb), rgb], dim=1)


def genuine_rgb(six: Tensor) -> Tensor:
    """Take (B, 6, H, W) in [0, …); return its RGB part in [-1, 1]."""
    return six[:, 3:].clamp(0, 1) * 2 - 1


def rgb_to_hsv(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) in [0, 1] to hue, saturation, value, each in [0, 1]; hue 0 for greys."""
    value, _ = rgb.max(dim=1)
    chroma = value - rgb.min(dim=1).values
    red, green, blue = rgb.unbind(dim=1)
    safe = torch.where(chroma > 0, chroma, torch.ones_like(chroma))
    hue = torch.where(
        value == red,
        ((green - blue) / safe) % 6,
        torch.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue = torch.where(chroma > 0, hue / 6, torch.zeros_like(hue))
    bright = torch.where(value > 0, value, torch.ones_like(value))
    return torch.stack([hue, chroma / bright, value], dim=1)


def rgb_to_hue_circle(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) in [0, 1] to x, y of the colour disc (shifted to [0, 1]) and value."""
    hue, saturation, value = rgb_to_hsv(rgb).unbind(dim=1)
    angle = 2 * math.pi * hue
    x = (saturation * torch.cos(angle) + 1) / 2
    y = (saturation * torch.sin(angle) + 1) / 2
    return torch.stack([x, y, value], dim=1)


def rgb_to_ycbcr(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) in [0, 1] to full-range Y, Cb, Cr in [0, 1] (ITU-T T.871, the JPEG matrix)."""
    red, green, blue = rgb.unbind(dim=1)
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    return torch.stack([y, (blue - y) / 1.772 + 0.5, (red - y) / 1.402 + 0.5], dim=1)
