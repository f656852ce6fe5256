"""A plain classifier on RGB: same trunk family, same size, same data, no decomposition."""

import torch
from pydantic import Field
from torch import Tensor, nn

from despoof.core.config import StrictConfig
from despoof.core.types import Decomposition
from despoof.face.crop import CropConfig
from despoof.nets.depth_net import DepthNet
from despoof.systems.inputs import check_faces


class RgbBaselineConfig(StrictConfig):
    """Preprocessing and width."""

    crop: CropConfig = CropConfig(size=256, scale=2.5)
    width: float = Field(default=1.0, gt=0, description="multiplies DepthNet's widths")


class RgbBaseline(nn.Module):
    """DepthNet's trunk on RGB; the mean of its map is the logit of "live"."""

    def __init__(self, config: RgbBaselineConfig | None = None) -> None:
        super().__init__()
        self.config = config or RgbBaselineConfig()
        self.trunk = DepthNet(3, self.config.width)

    def forward(self, faces: Tensor) -> Tensor:
        """(B, 3, S, S) in [-1, 1] to (B, 32, 32) logits of "live here"."""
        return self.trunk(faces)

    @torch.no_grad()
    def decompose(self, faces: Tensor) -> Decomposition:
        """Score faces; a classifier knows no genuine face, so its noise is zero everywhere.

        Evidence is the map of P(spoof), as in System 3.
        """
        check_faces(faces, self.config.crop.size)
        logits = self(faces).float()
        return Decomposition(
            genuine=faces.clone(),
            noise=torch.zeros_like(faces),
            evidence=torch.sigmoid(-logits),
            score=logits.mean(dim=(1, 2)),
        )

    @torch.no_grad()
    def score(self, faces: Tensor) -> Tensor:
        """Return `decompose(faces).score`."""
        check_faces(faces, self.config.crop.size)
        return self(faces).float().mean(dim=(1, 2))
