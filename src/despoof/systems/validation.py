"""Choosing weights: AUC on development sets."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from despoof.data.views import DevSet
from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores


def development_auc(
    score: Callable[[Tensor], Tensor], sets: Sequence[DevSet], batch: int = 64
) -> dict[str, float]:
    """Return `auc/<set>` for each set and their mean as `auc`.

    Runs in bf16 where a training run would take long otherwise: this only ranks checkpoints, and
    the final figures are measured anew in fp32.
    """
    found: dict[str, float] = {}
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for dev in sets:
            scores = torch.cat([score(faces).float().cpu() for faces in dev.faces.split(batch)])
            found[f"auc/{dev.name}"] = auc(
                make_scores(scores.double().numpy(), dev.live.numpy())
            )
    return {"auc": sum(found.values()) / len(found), **found}
