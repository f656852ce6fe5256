"""The identity encoder: iResNet-18 of ArcFace, whose last map tells the generator whose face it is.

Names, order and geometry are those of the community's checkpoints (insightface's `iresnet18`), so
that their state dicts fit as they are; see `identity_weights.py`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from despoof.core.errors import InputError
from despoof.systems.ag_fas.generator_config import IdentityConfig

BLOCKS = 2
"""Of each stage: the 18 in the name."""


class IdentityFeatures(NamedTuple):
    """What the encoder gives.

    Attributes:
        map: (B, C, S/16, S/16) after the last batch norm: where on the face, not only whose.
        embedding: (B, D), not normalised.
    """

    map: Tensor
    embedding: Tensor


class IdentityNet(nn.Module):
    """Faces in, map and embedding out; no dropout (insightface's rate is 0).

    In the paper's geometry (the configuration's defaults) it has 24,025,600 parameters.
    """

    def __init__(self, config: IdentityConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or IdentityConfig()
        widths = config.widths
        self.conv1 = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.prelu = nn.PReLU(widths[0])
        before = (widths[0], *widths[:-1])
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            _stage(wide, out) for wide, out in zip(before, widths, strict=True)
        )
        self.bn2 = nn.BatchNorm2d(widths[-1])
        self.fc = nn.Linear(widths[-1] * config.tokens, config.embedding)
        self.features = nn.BatchNorm1d(config.embedding)
        self.features.weight.requires_grad_(False)  # ArcFace: stays 1; length says nothing
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.normal_(part.weight, 0, 0.1)  # insightface's

    def forward(self, faces: Tensor) -> IdentityFeatures:
        """Encode faces.

        Args:
            faces: [B, 3, S, S] RGB in [-1, 1] of any size; resized to `config.size`.

        Raises:
            InputError: not [B, 3, H, W].
        """
        found = self.map(faces)
        return IdentityFeatures(found, self.features(self.fc(found.flatten(1))))

    def map(self, faces: Tensor) -> Tensor:
        """Return `forward(faces).map` alone."""
        if faces.ndim != 4 or faces.shape[1] != 3:
            raise InputError(
                f"The identity encoder got {tuple(faces.shape)}, expected [B, 3, H, W] in [-1, 1]."
            )
        size = self.config.size
        if faces.shape[-2:] != (size, size):
            faces = F.interpolate(faces, (size, size), mode="bilinear", align_corners=False)
        found = self.prelu(self.bn1(self.conv1(faces)))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            found = stage(found)
        return self.bn2(found)


def identity_tokens(features_map: Tensor, width: int) -> Tensor:
    """Return a map as tokens, row by row, for `encoder_hidden_states` (SPEC §2.1).

    Args:
        features_map: [B, C, H, W].
        width: length of a token, at least C; the rest is zeros (the paper: 512 → 768).

    Returns:
        [B, H·W, width].

    Raises:
        InputError: the map has more channels than the tokens are long.
    """
    channels = features_map.shape[1]
    if channels > width:
        raise InputError(
            f"The identity's map has {channels} channels and tokens are {width} long; expected at "
            "least as many. Set unet.cross to that, or take a narrower encoder."
        )
    return F.pad(features_map.flatten(2).transpose(1, 2), (0, width - channels))


def cosines(one: Tensor, other: Tensor) -> Tensor:
    """Return the cosine of each pair of embeddings: [B, D] and [B, D] to [B]."""
    return F.cosine_similarity(one, other, dim=1)


@torch.no_grad()
def embed(net: IdentityNet, faces: Tensor, batch: int = 64) -> Tensor:
    """Return the embeddings [N, D] of faces [N, 3, S, S], on the CPU, a batch at a time."""
    device = next(net.parameters()).device
    parts: Sequence[Tensor] = [net(part.to(device)).embedding for part in faces.split(batch)]
    return torch.cat(list(parts)).float().cpu()


class _Block(nn.Module):
    """BN, convolution, BN, PReLU, convolution, BN, and the input added."""

    def __init__(self, wide: int, out: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(wide)
        self.conv1 = nn.Conv2d(wide, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.prelu = nn.PReLU(out)
        self.conv2 = nn.Conv2d(out, out, 3, stride=stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or wide != out:
            self.downsample = nn.Sequential(
                nn.Conv2d(wide, out, 1, stride=stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor) -> Tensor:
        found = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(found)) + self.downsample(x)


def _stage(wide: int, out: int) -> nn.Sequential:
    """Blocks of one width; the first one halves the sides."""
    first = _Block(wide, out, stride=2)
    return nn.Sequential(first, *(_Block(out, out, stride=1) for _ in range(BLOCKS - 1)))
