"""The DepthNet trunk of central-difference networks: stem, three blocks, a tap after each."""

import itertools
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from despoof.nets.blocks import widen
from despoof.nets.central_difference import central_difference_block


class TrunkWidths(NamedTuple):
    """Channels: of the stem; of the outer and the inner layers of a block; late in the head."""

    stem: int
    outer: int
    inner: int
    late: int


def trunk_widths(multiplier: float = 1.0) -> TrunkWidths:
    """Return the published widths times a multiplier (1.0 leaves them untouched).

    >>> trunk_widths()
    TrunkWidths(stem=64, outer=128, inner=196, late=64)
    """
    return TrunkWidths(*(widen(c, multiplier) for c in (64, 128, 196, 64)))


class DepthTrunk(nn.Module):
    """(B, C, S, S) -> three taps (B, outer, S/2, S/2), S/4, S/8; of a folded picture half of that.

    Source: SPEC §1.4: stem 64; three times 128, 196, 128 and max-pool 3×3, stride 2, padding 1.

    Args:
        channels_in: channels of the picture.
        widths: of its layers.
        theta: share of the central differences.
        fold: ours, for two cores. 2 turns each 2×2 pixels into channels first: nothing is lost,
            and the convolutions run over a quarter of the places. 1 = published.
    """

    def __init__(
        self, channels_in: int, widths: TrunkWidths, theta: float = 0.7, fold: int = 1
    ) -> None:
        super().__init__()
        stem, outer, inner, _ = widths
        self.fold = fold
        self.stem = central_difference_block(channels_in * fold**2, stem, theta)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                *(
                    central_difference_block(a, b, theta)
                    for a, b in itertools.pairwise((first, outer, inner, outer))
                ),
                nn.MaxPool2d(3, stride=2, padding=1),
            )
            for first in (stem, outer, outer)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the taps, finest first."""
        x = self.stem(F.pixel_unshuffle(x, self.fold) if self.fold > 1 else x)
        taps: list[Tensor] = []
        for block in self.blocks:
            x = block(x)
            taps.append(x)
        return taps
