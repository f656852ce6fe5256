"""The identity encoder: iResNet-18, with the names that insightface's checkpoints use (SPEC §2.1).

Its last map, not its embedding, tells the generator who is seen: 49 tokens, one a cell.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.errors import InputError
from despoof.systems.ag_fas.generator_config import IdentityConfig

EPS = 1e-5
BLOCKS = 2
"""Residual blocks of each of the four stages: that is what makes it an iResNet-18."""


class IdentityFeatures(NamedTuple):
    """What is known of B faces: map (B, C, S/16, S/16) after the last norm, embedding (B, D)."""

    map: Tensor
    embedding: Tensor


class Block(nn.Module):
    """Norm, conv, norm, PReLU, conv (the stride), norm; plus the input, by 1×1 where it differs."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels_in, eps=EPS)
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels, eps=EPS)
        self.prelu = nn.PReLU(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels, eps=EPS)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False),
                nn.BatchNorm2d(channels, eps=EPS),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C', H/stride, W/stride)."""
        around = x if self.downsample is None else self.downsample(x)
        y = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(y)) + around


class IdentityNet(nn.Module):
    """iResNet-18: exact at the configuration's defaults, narrower or wider by `width`."""

    def __init__(self, config: IdentityConfig | None = None) -> None:
        super().__init__()
        self.config = config or IdentityConfig()
        widths = self.config.widths
        self.conv1 = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0], eps=EPS)
        self.prelu = nn.PReLU(widths[0])
        before = (widths[0], *widths[:3])
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _stage(channels_in, channels)
            for channels_in, channels in zip(before, widths, strict=True)
        )
        self.bn2 = nn.BatchNorm2d(widths[3], eps=EPS)
        self.fc = nn.Linear(widths[3] * self.config.tokens, self.config.embedding)
        self.features = nn.BatchNorm1d(self.config.embedding, eps=EPS)
        # As published it stays 1: the head scales, not this norm. A buffer: nothing learns it.
        del self.features.weight
        self.features.register_buffer("weight", torch.ones(self.config.embedding))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.1)

    def forward(self, faces: Tensor) -> IdentityFeatures:
        """Return the map and the embedding (not of unit length) of faces.

        Args:
            faces: (B, 3, S, S) RGB in [-1, 1]; resized (bilinear) to `config.size` inside.

        Raises:
            InputError: another shape.
        """
        last = self.map(faces)
        return IdentityFeatures(last, self.features(self.fc(last.flatten(1))))

    def map(self, faces: Tensor) -> Tensor:
        """Return the map alone, (B, C, size/16, size/16): all that the generator needs."""
        if faces.ndim != 4 or faces.shape[1] != 3:
            raise InputError(
                f"faces have shape {tuple(faces.shape)}; expected (B, 3, S, S) RGB in [-1, 1]."
            )
        size = self.config.size
        x = faces
        if x.shape[-2:] != (size, size):
            x = F.interpolate(x, (size, size), mode="bilinear", align_corners=False)
        x = self.prelu(self.bn1(self.conv1(x)))
        return self.bn2(self.layer4(self.layer3(self.layer2(self.layer1(x)))))


def identity_tokens(features_map: Tensor, width: int) -> Tensor:
    """Return (B, N, width) tokens of a (B, C, H, W) map, N = H·W in rows, zero-padded to `width`.

    Raises:
        InputError: the map is no map, or has more channels than a token is long.
    """
    if features_map.ndim != 4 or features_map.shape[1] > width:
        raise InputError(
            f"The identity's map is {tuple(features_map.shape)}; expected (B, C ≤ {width}, H, W). "
            "Tokens are padded, never cut: make unet.cross at least as long."
        )
    tokens = features_map.flatten(2).transpose(1, 2)
    return F.pad(tokens, (0, width - tokens.shape[2]))


@torch.no_grad()
def cosines(first: Tensor, second: Tensor) -> Tensor:
    """Return the (B,) cosines of two (B, D) lists of embeddings."""
    return F.cosine_similarity(first.float(), second.float(), dim=1)


def _stage(channels_in: int, channels: int) -> nn.Sequential:
    first = Block(channels_in, channels, stride=2)
    return nn.Sequential(first, *(Block(channels, channels, 1) for _ in range(BLOCKS - 1)))
