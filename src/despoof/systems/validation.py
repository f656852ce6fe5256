"""Choosing weights: AUC on development sets."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from despoof.core.device import bf16_autocast
from despoof.core.types import System
from despoof.data.views import DevSet
from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores


def development_scores(
    module: nn.Module, sets: Sequence[DevSet], batch: int = 64
) -> dict[str, Tensor]:
    """Return (N,) float32 scores by the set's name, on the CPU, measured where the module lies.

    Runs in bf16 where a training run would take long otherwise: this only ranks checkpoints, and
    the final figures are measured anew in fp32.
    """
    system, device = cast("System", module), next(module.parameters()).device
    found: dict[str, Tensor] = {}
    with torch.no_grad(), bf16_autocast(device.type):
        for dev in sets:
            parts = [system.score(faces.to(device)) for faces in dev.faces.split(batch)]
            found[dev.name] = torch.cat(parts).float().cpu()
    return found


def auc_of(scores: dict[str, Tensor], sets: Sequence[DevSet]) -> dict[str, float]:
    """Return `auc/<set>` for each set and their mean as `auc`."""
    found = {
        f"auc/{dev.name}": auc(make_scores(scores[dev.name].double().numpy(), dev.live.numpy()))
        for dev in sets
    }
    return {"auc": sum(found.values()) / len(found), **found}


def development_auc(module: nn.Module, sets: Sequence[DevSet], batch: int = 64) -> dict[str, float]:
    """Return the `auc_of` of a module's `development_scores`."""
    return auc_of(development_scores(module, sets, batch), sets)
