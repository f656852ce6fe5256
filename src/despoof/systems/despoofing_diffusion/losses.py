"""The detector's loss: mean squared error of the map, and of its local differences (SPEC §1.4)."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.config import StrictConfig
from despoof.systems.despoofing_diffusion.config import DetectorConfig
from despoof.systems.despoofing_diffusion.views import depth_target

Padding = Literal["valid", "same"]

NEIGHBOURS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))


class LossConfig(StrictConfig):
    """L = mse · L_MSE + contrast · L_CDL; the defaults are the paper's equal weights."""

    mse: float = Field(default=1.0, ge=0)
    contrast: float = Field(default=1.0, ge=0, description="weight of the contrastive depth loss")
    padding: Padding = Field(
        default="valid", description="valid: inner cells alone (CDCN); same: zeros around (SGTD)"
    )


CDCN = LossConfig()
SGTD = LossConfig(contrast=0.5, padding="same")
"""As FAS-SGTD weighs it; its weight decay of 5e-4 belongs to the optimiser."""


def contrastive_depth_loss(found: Tensor, target: Tensor, padding: Padding = "valid") -> Tensor:
    """Mean squared error of the differences to the eight neighbours.

    mean over i of (Kᵢ ∗ found − Kᵢ ∗ target)², Kᵢ the 3×3 kernel with +1 at neighbour i and −1 in
    the middle. Kᵢ is linear, so it is applied once, to the difference of the two maps.

    Args:
        found: (B, H, W), H and W at least 3.
        target: (B, H, W).
        padding: "valid" looks at the (H − 2)(W − 2) inner cells, "same" at all, with zeros outside.
    """
    error = found - target
    padded = F.pad(error, (1, 1, 1, 1)) if padding == "same" else error
    height, width = padded.shape[-2] - 2, padded.shape[-1] - 2
    middle = padded[:, 1:-1, 1:-1]
    squares = [
        (padded[:, 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] - middle).square().mean()
        for dy, dx in NEIGHBOURS
    ]
    return torch.stack(squares).mean()


def depth_map_loss(
    found: Tensor, target: Tensor, config: LossConfig
) -> tuple[Tensor, dict[str, Tensor | float]]:
    """Return L of (B, 32, 32) maps, computed in float32, and its two terms unweighted."""
    found, target = found.float(), target.float()
    mse = F.mse_loss(found, target)
    contrast = contrastive_depth_loss(found, target, config.padding)
    logs: dict[str, Tensor | float] = {"mse": mse.detach(), "contrast": contrast.detach()}
    return config.mse * mse + config.contrast * contrast, logs


def detector_loss(
    net: nn.Module, batch: dict[str, Tensor], detector: DetectorConfig, config: LossConfig
) -> tuple[Tensor, dict[str, Tensor | float]]:
    """Loss of a batch, and its terms: what a stage's update calls.

    Args:
        net: `networks.TwoStreamNet`, or anything that is called like it.
        batch: `faces` (B, 3, S, S), `live` (B,) bool, `depth` (B, 32, 32) over the whole crop, and
            `noise` (B, 3, T, T) where the detector needs it.
        detector: of the net; decides how the depth is cut.
        config: weights.
    """
    faces = batch["faces"]
    found = net(faces, batch["noise"] if detector.needs_noise else None)
    target = depth_target(batch["depth"], batch["live"], faces.shape[-1], detector)
    return depth_map_loss(found, target, config)
