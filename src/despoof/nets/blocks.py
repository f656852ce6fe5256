"""The convolution block of the DepthNet family, and the resize that all of its networks use."""

import itertools
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


def conv_block(channels_in: int, channels_out: int) -> nn.Sequential:
    """3×3 convolution without bias, batch norm, ELU: (B, in, H, W) -> (B, out, H, W).

    Source: Face De-Spoofing's published layer list (SPEC §3.3): batch-norm decay .9 (torch's
    momentum .1), eps 1e-5, ELU.
    """
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out, eps=1e-5, momentum=0.1),
        nn.ELU(inplace=True),
    )


def conv_chain(channels: Sequence[int]) -> nn.Sequential:
    """Blocks one after the other: `channels` = (in, first, second, …)."""
    return nn.Sequential(*(conv_block(a, b) for a, b in itertools.pairwise(channels)))


def widen(channels: int, multiplier: float) -> int:
    """Return a width scaled by a multiplier, at least 4 and even (1.0 leaves it untouched).

    >>> widen(25, 1.0), widen(25, 0.5), widen(6, 0.25)
    (25, 12, 4)
    """
    return channels if multiplier == 1.0 else max(4, 2 * round(channels * multiplier / 2))


def resize_to(x: Tensor, size: int) -> Tensor:
    """Resize (B, C, H, W) to (B, C, size, size): bilinear, as the published networks do."""
    if x.shape[-1] == size and x.shape[-2] == size:
        return x
    return F.interpolate(x, (size, size), mode="bilinear", align_corners=False)
