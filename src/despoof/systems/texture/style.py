"""Style mixing: a face now and then wears the colours and contrasts of another one of its class.

What a camera, a lamp or a codec does to a picture shows in the mean and deviation of the channels
of early feature maps. Mixing those of two faces makes cameras that nobody has photographed with
(MixStyle, Zhou et al. 2021, arXiv:2104.02008). Partners are of the same class here: what a medium
does to colours shows there, too, and an attack in a live face's colours may be none any more.
"""

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from despoof.core.config import StrictConfig
from despoof.training.stage import Batch

EPS = 1e-6


class StyleMixConfig(StrictConfig):
    """How often and how far styles are mixed; the published values."""

    probability: float = Field(default=0.5, gt=0, le=1, description="of each face")
    alpha: float = Field(
        default=0.1, gt=0, description="of Beta(alpha, alpha), which draws the own share"
    )
    stages: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(1, 2), min_length=1, description="of the backbone, from 0, behind which it happens"
    )


def draw_styles(live: Tensor, config: StyleMixConfig, seed: int) -> Batch:
    """Draw a partner and the own share for each face.

    Args:
        live: (B,) bool.
        config: how often and how far.
        seed: the only source of chance.

    Returns:
        `partner` (B,) int64: a position of the same class, perhaps the face's own; `own` (B,)
        float32 in [0, 1]: share of the own style; 1 where nothing is mixed.
    """
    rng = np.random.default_rng(seed)
    classes = live.numpy()
    partner = np.arange(len(classes))
    for value in (True, False):
        rows = np.flatnonzero(classes == value)
        partner[rows] = rng.permutation(rows)
    own = rng.beta(config.alpha, config.alpha, len(classes))
    own = np.where(rng.uniform(size=len(classes)) < config.probability, own, 1.0)
    return {"partner": torch.from_numpy(partner), "own": torch.from_numpy(own.astype(np.float32))}


def mix_styles(features: Tensor, partner: Tensor, own: Tensor) -> Tensor:
    """Give each map the mixed mean and deviation of its own channels and its partner's.

    Args:
        features: (B, C, H, W).
        partner: (B,) positions.
        own: (B,) share of the own style, in [0, 1]; 1 = as it was, but for rounding.

    Returns:
        The same shape and type. Means and deviations are constants to the gradient, as published.
    """
    exact = features.float()
    with torch.no_grad():
        mean = exact.mean(dim=(2, 3), keepdim=True)
        deviation = (exact.var(dim=(2, 3), keepdim=True, correction=0) + EPS).sqrt()
        share = own.to(exact.device).view(-1, 1, 1, 1)
        new_mean = share * mean + (1 - share) * mean[partner]
        new_deviation = share * deviation + (1 - share) * deviation[partner]
    mixed = (exact - mean) / deviation * new_deviation + new_mean
    return mixed.to(features.dtype)
