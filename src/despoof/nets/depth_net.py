"""DepthNet: a face in, a coarse relief out; flat paper and screens have none."""

import torch
from torch import Tensor, nn

from despoof.nets.blocks import conv_block, conv_chain, resize_to, widen


class DepthNet(nn.Module):
    """Fully convolutional depth regressor with three taps.

    (B, C, S, S) -> (B, 32, 32), no unit, trained towards [0, 1]. S ≥ 32.

    Source: Liu et al. 2018 (arXiv:1803.11097) as used in Face De-Spoofing (SPEC §3.3, DQ-Net):
    64; [128, 196, 128, max-pool] twice; [128, 196, 128, average-pool]; three taps resized to 32
    and concatenated; 128, dropout .2, 64, 1 (linear, no bias).
    """

    def __init__(self, channels_in: int, width: float = 1.0, map_size: int = 32) -> None:
        super().__init__()
        stem, middle, wide, late = (widen(c, width) for c in (64, 128, 196, 64))
        self.map_size = map_size
        self.stem = conv_block(channels_in, stem)
        self.stage1 = conv_chain((stem, middle, wide, middle))
        self.stage2 = conv_chain((middle, middle, wide, middle))
        self.stage3 = conv_chain((middle, middle, wide, middle))
        self.max_pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.average_pool = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)
        self.head = nn.Sequential(
            conv_block(3 * middle, middle), nn.Dropout(0.2), conv_block(middle, late)
        )
        self.last = nn.Conv2d(late, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the depth map (B, 32, 32)."""
        x = self.stem(x)
        tap1 = x = self.max_pool(self.stage1(x))
        tap2 = x = self.max_pool(self.stage2(x))
        tap3 = self.average_pool(self.stage3(x))
        taps = torch.cat([resize_to(tap, self.map_size) for tap in (tap1, tap2, tap3)], dim=1)
        return self.last(self.head(taps)).squeeze(1)
