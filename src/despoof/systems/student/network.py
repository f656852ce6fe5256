"""The network that predicts a face's signed noise: an encoder and a decoder, one pass."""

import torch
from torch import Tensor, nn

from despoof.nets.unet import UNetDecoder, UNetEncoder
from despoof.systems.student.config import NetworkConfig

ALMOST_ZERO = 1e-3
"""Standard deviation of the last layer at the start: nearly no noise, yet every layer learns at the
first step. With exact zeros (SPEC §8.4) nothing before the last layer would."""


class NoiseNetwork(nn.Module):
    """(B, 3, S, S) RGB in [-1, 1] -> signed noise of the same shape, [-1, 1] units, not clipped.

    With `calls: 2` the same weights are asked twice. The network then also sees the noise that was
    found so far, at first none, and answers with what is missing (SPEC §8.4, level 5 in its
    plainest form: two calls, no latent).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.calls = config.calls
        channels = 3 if config.calls == 1 else 6
        self.encoder = UNetEncoder(channels, config.widths, config.blocks)
        self.decoder = UNetDecoder(3, config.widths, config.blocks, last_std=ALMOST_ZERO)

    def forward(self, faces: Tensor) -> Tensor:
        """Return the noise."""
        if self.calls == 1:
            return self.decoder(self.encoder(faces))
        noise = torch.zeros_like(faces)
        for _ in range(self.calls):
            seen = torch.cat([faces, noise], dim=1)
            noise = noise + self.decoder(self.encoder(seen))
        return noise
