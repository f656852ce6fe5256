"""What the texture classifier minimises."""

from torch import Tensor
from torch.nn import functional as F

from despoof.systems.texture.network import Logits


def smoothed(live: Tensor, smoothing: float) -> Tensor:
    """Return float targets 1 − s/2 for live and s/2 for attacks, of (B,) bool and s in [0, 1).

    >>> import torch
    >>> smoothed(torch.tensor([True, False]), 0.1)
    tensor([0.9500, 0.0500])
    """
    return live.float() * (1 - smoothing) + smoothing / 2


def texture_loss(
    logits: Logits, live: Tensor, *, smoothing: float, cell_weight: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross-entropy of the face's logit, plus a share of the mean cross-entropy of its cells.

    Every cell of an attack is an attack: the medium is everywhere. That keeps the network from
    leaning on one conspicuous spot (an edge of the paper, a hand).

    Args:
        logits: of B faces.
        live: (B,) bool.
        smoothing: of the labels, both terms; see `smoothed`.
        cell_weight: of the cells' term.

    Returns:
        The scalar loss and its parts (`face`, `cells`), detached.
    """
    target = smoothed(live, smoothing)
    face = F.binary_cross_entropy_with_logits(logits.face.float(), target)
    spread = target.view(-1, 1, 1).expand_as(logits.cells)
    cells = F.binary_cross_entropy_with_logits(logits.cells.float(), spread)
    return face + cell_weight * cells, {"face": face.detach(), "cells": cells.detach()}
