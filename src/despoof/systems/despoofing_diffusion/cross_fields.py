"""Fields trained several times, each without some of the people (SPEC §1.7 item 5).

A field has seen the training faces, and finds another noise in them than in the faces of strangers.
A detector that learns from such noise learns what it will never meet again.
"""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from despoof.core.errors import TrainingError
from despoof.diffusion.network import DomainNetwork, NetworkConfig
from despoof.systems.despoofing_diffusion.field_losses import Loss
from despoof.systems.despoofing_diffusion.people import Folds
from despoof.training.ema import put_weights
from despoof.training.folder import BEST
from despoof.training.stage import Batch
from despoof.training.tensors import read_tensors

EVERYONE = "everyone"


class CrossFields(nn.Module):
    """The fields of everyone, and K that never saw the people of their fold.

    Attributes:
        everyone: what the system keeps; in use all faces are strangers to it.
        folds: K of the same network, with the same first weights.
        dealt: () int64, who is in which fold (`Folds.digest`); kept with the weights.
    """

    dealt: Tensor

    def __init__(self, everyone: DomainNetwork, count: int) -> None:
        super().__init__()
        self.everyone = everyone
        self.folds = nn.ModuleList(copy.deepcopy(everyone) for _ in range(count))
        self.register_buffer("dealt", torch.zeros((), dtype=torch.int64))

    def deal(self, folds: Folds) -> None:
        """Note who is in which fold."""
        self.dealt.fill_(int(folds.digest, 16))

    def check_dealt(self, folds: Folds) -> None:
        """Raise TrainingError unless these are the folds that the fields were trained with."""
        if int(self.dealt) != int(folds.digest, 16):
            raise TrainingError(
                f"The fields were trained with people dealt otherwise ({int(self.dealt):x}) than "
                f"this data and seed deal them ({folds.digest}): a face could be given the noise "
                "of fields that have seen its person. Take the data and seed of that run, set "
                "recipe.fields.folds to 1, or leave recipe.fields.trained away."
            )


Fields = DomainNetwork | CrossFields
"""Trained once, or once for everyone and once for each fold."""


def of_everyone(fields: Fields | nn.Module) -> DomainNetwork:
    """Return the fields that have seen all training faces."""
    return fields.everyone if isinstance(fields, CrossFields) else cast("DomainNetwork", fields)


def of_folds(fields: Fields | nn.Module) -> list[DomainNetwork]:
    """Return the fields of the folds, in order; none where nothing was cross-fitted."""
    if not isinstance(fields, CrossFields):
        return []
    return [cast("DomainNetwork", fold) for fold in fields.folds]


def without_fold(batch: Batch, fold: int) -> Batch:
    """Leave out the faces of a fold's people, and unnamed ones; `fold` and `named` say which."""
    seen = (batch["fold"] != fold) & batch["named"]
    return {name: value[seen] for name, value in batch.items()}


def fold_loss(loss: Callable[[Batch], Loss], module: nn.Module, batch: Batch, fold: int) -> Loss:
    """Return the loss on the faces that a fold's fields may see.

    A small batch may hold no live face of theirs; it then teaches nothing.
    """
    seen = without_fold(batch, fold)
    if not bool(seen["live"].any()):
        return torch.stack([0 * p.sum() for p in module.parameters()]).sum(), {}
    return loss(seen)


def take_fields(folder: Path, config: NetworkConfig, count: int) -> Fields:
    """Return the fields of a finished stage.

    Args:
        folder: of the stage.
        config: of the network.
        count: of folds; 1 takes the fields of everyone, also from a run that was cross-fitted.

    Raises:
        TrainingError: there are no weights, or those of another network or other folds.
    """
    tensors, _ = read_tensors(folder / BEST)
    fields = DomainNetwork(config)
    if count > 1:
        fields = CrossFields(fields, count)
    else:
        own = {n: v for n, v in tensors.items() if n.startswith(f"{EVERYONE}.")}
        tensors = {n.removeprefix(f"{EVERYONE}."): v for n, v in own.items()} or tensors
    try:
        put_weights(fields, tensors)
    except RuntimeError as error:
        raise TrainingError(
            f"{folder / BEST} is of another network, or of other than {count} folds: {error}"
        ) from error
    return fields
