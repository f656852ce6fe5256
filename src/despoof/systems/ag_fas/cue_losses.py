"""What the cue network minimises: SSDG's three terms (SPEC §2.2; Jia et al. 2004.14043)."""

from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from despoof.core.config import StrictConfig

POSITIVE = 1e-16
"""A triplet above it counts, as in the published program."""


class CueLossConfig(StrictConfig):
    """Weights and margin; the defaults are the published ones."""

    triplet: float = Field(default=1.0, ge=0, description="weight of the asymmetric triplet loss")
    margin: float = Field(default=0.1, ge=0)
    adversarial: float = Field(default=0.5, ge=0, description="weight of the critic's loss")


@dataclass(frozen=True)
class CueLosses:
    """The three terms, scalars, not weighted."""

    cross_entropy: Tensor
    triplet: Tensor
    adversarial: Tensor

    def total(self, config: CueLossConfig) -> Tensor:
        """Return their weighted sum."""
        return (
            self.cross_entropy
            + config.triplet * self.triplet
            + config.adversarial * self.adversarial
        )


def triplet_labels(live: Tensor, domain: Tensor) -> Tensor:
    """Return (B,) classes: 0 for every live face, 1 + domain for attacks.

    Asymmetric: live faces of all domains shall meet, attacks of different domains need not.
    """
    return torch.where(live, torch.zeros_like(domain), domain + 1)


def triplet_loss(features: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Return the mean of max(0, d(a, p) − d(a, n) + margin) over the triplets where it is > 0.

    "Batch-all": every anchor with every other face of its class and every face of another class.
    d is the Euclidean distance. 0 where no triplet is left, or none exists.

    Args:
        features: (B, D).
        labels: (B,) integers.
        margin: ≥ 0.
    """
    x = features.float()
    distance = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    same = labels[:, None] == labels[None, :]
    others = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    valid = (same & others)[:, :, None] & ~same[:, None, :]  # anchor, positive, negative
    terms = F.relu(distance[:, :, None] - distance[:, None, :] + margin)[valid]
    counted = (terms.detach() > POSITIVE).sum()
    return terms.sum() / counted.clamp(min=1)


def critic_loss(logits: Tensor, live: Tensor, domain: Tensor) -> Tensor:
    """Return the domain's cross-entropy over the live faces alone ("single-side").

    Args:
        logits: (B, domains) of the critic; whoever called it has reversed its gradient.
        live: (B,) bool.
        domain: (B,) of the live faces; what attacks have there is not looked at.

    Returns:
        A scalar; 0 (with a gradient of 0) where no face is live.
    """
    if not bool(live.any()):
        return logits.float().sum() * 0
    return F.cross_entropy(logits.float()[live], domain[live])


def reverse_gradient(x: Tensor, coefficient: float) -> Tensor:
    """Return x; its gradient is multiplied by −coefficient on the way back (Ganin 1409.7495)."""
    kept = x.detach()
    # Values cancel exactly; what is differentiated is −coefficient · x.
    return kept + (kept - x) * coefficient if coefficient else kept
