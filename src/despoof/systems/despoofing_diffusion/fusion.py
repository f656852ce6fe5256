"""Three readings of "the results of the last layer of each branch are fused" (SPEC §1.4).

Every one is: each stream's taps become features; the features of both streams, side by side, become
the map.

| | features of a stream | map from both |
|---|---|---|
| f1 (default) | the three taps, 384 channels | 768 → 128 → 64 → 1 |
| f2 | the last tap, 128 channels | 256 → 128 → 64 → 1 |
| f3 | the three taps → 128 → 64 | 128 → 1 |

A single stream is always the published single-stream network: 384 → 128 → 64 → 1.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from despoof.nets.blocks import resize_to
from despoof.nets.central_difference import CentralDifferenceConv2d, central_difference_block
from despoof.nets.depth_trunk import TrunkWidths
from despoof.systems.despoofing_diffusion.config import DetectorConfig

MAP_SIZE = 32
"""Side of the map."""


class GatherTaps(nn.Module):
    """The last `count` taps of a trunk, resized to the map and concatenated; no parameters."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, taps: Sequence[Tensor]) -> Tensor:
        """Return (B, count · channels, 32, 32)."""
        return torch.cat([resize_to(tap, MAP_SIZE) for tap in taps[-self.count :]], dim=1)


def stream_features(config: DetectorConfig, widths: TrunkWidths) -> nn.Sequential:
    """Taps of one stream -> the features that meet those of the other stream."""
    two = len(config.streams) == 2
    if two and config.fusion == "f3":
        return nn.Sequential(GatherTaps(3), *_first_layers(3 * widths.outer, config, widths))
    return nn.Sequential(GatherTaps(1 if two and config.fusion == "f2" else 3))


def map_head(config: DetectorConfig, widths: TrunkWidths) -> nn.Sequential:
    """Features of all streams, concatenated -> (B, 1, 32, 32)."""
    count = len(config.streams)
    last: list[nn.Module] = [nn.ReLU(inplace=True)] if config.positive else []
    if count == 2 and config.fusion == "f3":
        return nn.Sequential(CentralDifferenceConv2d(2 * widths.late, 1, config.theta), *last)
    taps = 1 if count == 2 and config.fusion == "f2" else 3
    return nn.Sequential(
        *_first_layers(count * taps * widths.outer, config, widths),
        CentralDifferenceConv2d(widths.late, 1, config.theta),
        *last,
    )


def _first_layers(channels: int, config: DetectorConfig, widths: TrunkWidths) -> list[nn.Module]:
    return [
        central_difference_block(channels, widths.outer, config.theta),
        central_difference_block(widths.outer, widths.late, config.theta),
    ]
