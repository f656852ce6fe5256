"""The network: one encoder, a decoder for the noise, a head for the class."""

from typing import NamedTuple

from torch import Tensor, nn

from despoof.nets.unet import UNetDecoder, UNetEncoder, pooled
from despoof.systems.pair_unet.config import NetworkConfig

ALMOST_ZERO = 1e-3
"""Standard deviation of the last layer at the start: nearly no noise, yet every layer learns at
the first step (with exact zeros nothing before it would)."""


class Output(NamedTuple):
    """What the network gives: noise (B, 3, S, S) in [-1, 1] units, logit (B,) of live."""

    noise: Tensor
    logit: Tensor


class PairNetwork(nn.Module):
    """(B, 3, S, S) RGB in [-1, 1] -> noise and logit."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        widths, blocks = config.widths, config.blocks
        self.encoder = UNetEncoder(3, widths, blocks)
        self.decoder = UNetDecoder(3, widths, blocks, last_std=ALMOST_ZERO)
        self.head = nn.Sequential(
            nn.Linear(sum(widths), config.head), nn.SiLU(), nn.Linear(config.head, 1)
        )

    def forward(self, faces: Tensor) -> Output:
        """Return both answers."""
        features = self.encoder(faces)
        return Output(self.decoder(features), self._logit(features))

    def logit(self, faces: Tensor) -> Tensor:
        """(B,) logit of live alone: the decoder does not run."""
        return self._logit(self.encoder(faces))

    def _logit(self, features: list[Tensor]) -> Tensor:
        # Every level, not the deepest alone: dots and moiré live at the fine ones.
        return self.head(pooled(features)).squeeze(1)
