"""Checkpoints: all that a run needs to go on as if nothing had happened."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from despoof.core.errors import TrainingError
from despoof.training.ema import Weights, put_weights
from despoof.training.optimise import Trained
from despoof.training.tensors import read_tensors, write_tensors


@dataclass
class Progress:
    """Where a run stands.

    Attributes:
        step: steps done.
        best_step: the step whose averaged weights are in best.safetensors; 0 before any.
        best_metrics: what they measured.
        stale: validations since then.
    """

    step: int = 0
    best_step: int = 0
    best_metrics: dict[str, float] = field(default_factory=dict[str, float])
    stale: int = 0


def save_checkpoint(
    path: Path,
    module: nn.Module,
    trained: Sequence[Trained],
    average: Weights | None,
    *,
    progress: Progress,
    identity: Mapping[str, Any],
) -> None:
    """Write module, optimisers, averaged weights and progress, atomically."""
    tensors = {f"model/{name}": value for name, value in module.state_dict().items()}
    tensors |= {f"average/{name}": value for name, value in (average or {}).items()}
    for item in trained:
        for index, parameter in enumerate(item.parameters):
            for key, value in item.optimizer.state[parameter].items():
                if isinstance(value, Tensor):  # SGD keeps a None before its first step
                    tensors[f"optimizer/{item.update.name}/{index}/{key}"] = value
    write_tensors(path, tensors, {"identity": identity, "progress": vars(progress)})


def load_checkpoint(
    path: Path,
    module: nn.Module,
    trained: Sequence[Trained],
    average: Weights | None,
    identity: Mapping[str, Any],
) -> Progress:
    """Put a checkpoint into the module, the optimisers and the average, in place.

    Raises:
        TrainingError: the file is damaged, or was written with another configuration, other data
            or another network; the message says what differs.
    """
    tensors, facts = read_tensors(path)
    check_identity(path, facts["identity"], identity)
    try:
        put_weights(module, _below(tensors, "model/"))
    except RuntimeError as error:
        raise TrainingError(f"{path} is of another network: {error}") from error
    for name, value in _below(tensors, "average/").items():
        if average is not None:
            average[name].copy_(value)
    for name, value in _below(tensors, "optimizer/").items():
        if not _load_moment(trained, name, value):
            raise TrainingError(
                f"{path} is of another network: its optimiser's {name} {tuple(value.shape)} fits "
                f"none of the updates {', '.join(item.update.name for item in trained)}. "
                "Start again without resuming."
            )
    return Progress(**_with_nan(facts["progress"]))


def check_identity(path: Path, stored: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise TrainingError unless the run was started with the same configuration and inputs."""
    old, new = stored["config"], now["config"]
    different = [
        f"{key} was {old.get(key)!r} and is {new.get(key)!r}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]
    if stored["stage"] != now["stage"]:
        different.append(
            f"the stage's own fingerprint was {stored['stage']!r} and is {now['stage']!r}"
        )
    if different:
        raise TrainingError(
            f"{path.parent} cannot be resumed, the run differs: {'; '.join(different)}. "
            "Restore these, choose another folder, or start again without resuming."
        )


def _with_nan(progress: dict[str, Any]) -> dict[str, Any]:
    metrics = {k: math.nan if v is None else v for k, v in progress["best_metrics"].items()}
    return {**progress, "best_metrics": metrics}


def _load_moment(trained: Sequence[Trained], name: str, value: Tensor) -> bool:
    """Put one tensor of an optimiser's state in place; False if there is no place for it."""
    update, index, key = name.rsplit("/", 2)
    for item in trained:
        if item.update.name == update and int(index) < len(item.parameters):
            parameter = item.parameters[int(index)]
            if value.ndim and value.shape != parameter.shape:
                return False
            if value.shape == parameter.shape:
                # Same memory layout as the parameter's: else other kernels round differently.
                value = torch.empty_like(parameter).copy_(value)
            item.optimizer.state[parameter][key] = value
            return True
    return False


def _below(tensors: Weights, prefix: str) -> Weights:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
