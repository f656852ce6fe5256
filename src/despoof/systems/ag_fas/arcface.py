"""ArcFace: tell people apart by an angle, with a margin (Deng et al. 1801.07698)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from despoof.core.errors import InputError


class ArcFaceHead(nn.Module):
    """One direction for each person; what embeddings are compared with while learning."""

    def __init__(self, people: int, embedding: int, scale: float = 64.0) -> None:
        """Draw the directions.

        Args:
            people: how many, at least 1.
            embedding: length of an embedding.
            scale: of the cosines before the softmax (the paper: 64).
        """
        super().__init__()
        if people < 1:
            raise InputError(f"{people} people cannot be told apart; expected at least 1.")
        self.scale = scale
        self.weight = nn.Parameter(0.01 * torch.randn(people, embedding))

    def forward(self, embeddings: Tensor, person: Tensor, margin: float | Tensor) -> Tensor:
        """Return logits in which each face's own person is harder to reach.

        Args:
            embeddings: [B, D], of any length.
            person: [B] int64, who is seen.
            margin: added to the angle to the own person, radians in [0, π/2): one, or [B].

        Returns:
            [B, people] scale · cosine, float32. Beyond π − margin, where cos(angle + margin) would
            rise again, the own cosine falls by margin · sin(margin) instead, as in the paper's
            code.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            directions = F.normalize(self.weight.float(), dim=1)
            cosine = F.normalize(embeddings.float(), dim=1) @ directions.T
            own = cosine.gather(1, person[:, None])[:, 0]
            harder = with_margin(own, torch.as_tensor(margin, device=own.device))
            return self.scale * cosine.scatter(1, person[:, None], harder[:, None])


def with_margin(cosine: Tensor, margin: Tensor) -> Tensor:
    """Return cos(angle + margin), continued so that it falls over all angles from 0 to π."""
    sine = (1 - cosine.square()).clamp(min=1e-9).sqrt()  # at 0 the root has no gradient
    moved = cosine * margin.cos() - sine * margin.sin()
    return torch.where(cosine > (math.pi - margin).cos(), moved, cosine - margin * margin.sin())
