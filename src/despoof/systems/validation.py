"""Choosing weights: AUC on development sets."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from despoof.core.device import bf16_autocast
from despoof.core.types import System
from despoof.data.views import DevSet
from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores


def development_auc(module: nn.Module, sets: Sequence[DevSet], batch: int = 64) -> dict[str, float]:
    """Return `auc/<set>` for each set and their mean as `auc`, measured where the module lies.

    Runs in bf16 where a training run would take long otherwise: this only ranks checkpoints, and
    the final figures are measured anew in fp32.
    """
    system, device = cast("System", module), next(module.parameters()).device
    found: dict[str, float] = {}
    with torch.no_grad(), bf16_autocast(device.type):
        for dev in sets:
            parts = [system.score(faces.to(device)) for faces in dev.faces.split(batch)]
            scores = torch.cat(parts).double().cpu().numpy()
            found[f"auc/{dev.name}"] = auc(make_scores(scores, dev.live.numpy()))
    return {"auc": sum(found.values()) / len(found), **found}
