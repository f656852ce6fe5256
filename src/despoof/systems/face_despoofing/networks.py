"""The three networks of Face De-Spoofing: DS-Net (noise), DQ-Net (depth), VQ-Net (looks real)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from despoof.nets.blocks import conv_block, conv_chain, resize_to, widen
from despoof.nets.depth_net import DepthNet
from despoof.systems.face_despoofing.config import NetworkConfig

MAP_SIZE = 32
CHANNELS = 6
"""Three channels of hue, saturation, value (or their continuous twin), then R, G, B."""


class Encoder(nn.Module):
    """(B, 6, S, S) -> (B, 60, 32, 32): three taps at S/2, S/4, S/8 (SPEC §3.3)."""

    def __init__(self, channels_in: int = CHANNELS, width: float = 1.0) -> None:
        super().__init__()
        stem, narrow, middle = (widen(c, width) for c in (24, 20, 25))
        self.stem = conv_block(channels_in, stem)
        self.stage1 = conv_chain((stem, narrow, middle, narrow))
        self.stage2 = conv_chain((narrow, narrow, middle, narrow))
        self.stage3 = conv_chain((narrow, narrow, middle, narrow))
        self.max_pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.average_pool = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)
        self.channels = 3 * narrow

    def forward(self, x: Tensor) -> Tensor:
        """Return the features that the 0/1-map head and the decoder share."""
        tap1 = x = self.stage1(self.max_pool(self.stem(x)))
        tap2 = x = self.stage2(self.max_pool(x))
        tap3 = self.stage3(self.average_pool(x))
        return torch.cat([resize_to(tap, MAP_SIZE) for tap in (tap1, tap2, tap3)], dim=1)


class Decoder(nn.Module):
    """(B, 60, 32, 32) -> (B, 6, S, S): the noise, in the published net's raw unit (SPEC §3.3).

    With `sees_photo` (ours) the photograph itself is put beside the enlarged features.
    """

    def __init__(self, channels_in: int, width: float, size: int, *, sees_photo: bool) -> None:
        super().__init__()
        self.size, self.sees_photo = size, sees_photo
        widths = [widen(c, width) for c in (28, 24, 20, 20, 20, 16, 16)]
        self.body = conv_chain((channels_in + CHANNELS * sees_photo, *widths))
        self.last = nn.Conv2d(widths[-1], CHANNELS, 3, padding=1, bias=False)
        nn.init.normal_(self.last.weight, std=0.002)  # the published start: almost no noise

    def forward(self, features: Tensor, photo: Tensor) -> Tensor:
        """Return the raw noise of (B, 6, S, S) photographs."""
        x = resize_to(features, self.size)
        return self.last(self.body(torch.cat([x, photo], dim=1) if self.sees_photo else x))


class DsOutput(NamedTuple):
    """What DS-Net gives: map (B, 32, 32), noise (B, 6, S, S), genuine (B, 6, S, S) in [0, …)."""

    map: Tensor
    noise: Tensor
    genuine: Tensor


class DsNet(nn.Module):
    """De-spoofing network: encoder, 0/1-map head, noise decoder; Î = ReLU(I − N/gain).

    Source: SPEC §3.3; the gain of 45 stands only in the published code.
    """

    def __init__(self, config: NetworkConfig, size: int) -> None:
        super().__init__()
        self.gain = config.noise_gain
        self.encoder = Encoder(CHANNELS, config.encoder_width)
        first, second = (widen(c, config.encoder_width) for c in (28, 16))
        self.map_body = nn.Sequential(
            conv_block(self.encoder.channels, first), nn.Dropout(0.0), conv_block(first, second)
        )
        self.map_last = nn.Conv2d(second, 1, 3, padding=1, bias=False)
        self.decoder = Decoder(
            self.encoder.channels,
            config.decoder_width,
            size,
            sees_photo=config.decoder_sees_photo,
        )

    def spoof_map(self, features: Tensor) -> Tensor:
        """(B, 60, 32, 32) features to the (B, 32, 32) 0/1 map; 1 = spoof, not clipped."""
        return self.map_last(self.map_body(features)).squeeze(1)

    def forward(self, x: Tensor) -> DsOutput:
        """Take (B, 6, S, S) in [0, 1]."""
        features = self.encoder(x)
        noise = self.decoder(features, x)
        return DsOutput(self.spoof_map(features), noise, torch.relu(x - noise / self.gain))


class VqNet(nn.Module):
    """Visual-quality critic: (B, 6, S, S) -> (B, 2) logits, class 1 = a photograph of a live face.

    Source: SPEC §3.3: 24, 20, pool, 20, 16, pool, 12, 6, pool, 1, flatten, 100, dropout .2, 2.
    """

    def __init__(self, config: NetworkConfig, size: int) -> None:
        super().__init__()
        a, b, c, d, e = (widen(n, config.critic_width) for n in (24, 20, 16, 12, 6))
        self.body = nn.Sequential(
            conv_chain((CHANNELS, a, b)),
            nn.MaxPool2d(2),
            conv_chain((b, b, c)),
            nn.MaxPool2d(2),
            conv_chain((c, d, e)),
            nn.MaxPool2d(2),
            conv_block(e, 1),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear((size // 8) ** 2, 100),
            nn.ELU(),
            nn.Dropout(0.2),
            nn.Linear(100, 2),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.head(self.body(x))


def depth_quality_net(config: NetworkConfig) -> DepthNet:
    """DQ-Net: the DepthNet that judges whether a face has a live face's relief."""
    return DepthNet(CHANNELS, config.quality_width, MAP_SIZE)
