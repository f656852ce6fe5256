"""Checkpoints: one safetensors file, whole or absent, its state as JSON in the metadata."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from despoof.core.errors import TrainingError
from despoof.core.files import atomic_path
from despoof.training.ema import Weights, put_weights
from despoof.training.optimise import Trained

METADATA_KEY = "despoof"


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


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and plain facts as one safetensors file, atomically."""
    # Tied weights share memory, which safetensors refuses: each name gets its own copy.
    own = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(own, temporary, {METADATA_KEY: json.dumps(plain_numbers(facts))})


def read_tensors(path: Path) -> tuple[Weights, dict[str, Any]]:
    """Read what `write_tensors` wrote.

    Raises:
        TrainingError: the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})[METADATA_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise TrainingError(
            f"{path} is not a whole checkpoint: {error}. Delete the run's folder to start again."
        ) from error
    return tensors, facts


def save_checkpoint(
    path: Path,
    module: nn.Module,
    trained: Sequence[Trained],
    average: Weights | None,
    *,
    progress: Progress,
    identity: Mapping[str, Any],
) -> None:
    """Write all that is needed to go on as if nothing had happened."""
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
    for item in trained:
        _load_optimizer(item, _below(tensors, f"optimizer/{item.update.name}/"))
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


def plain_numbers(values: Mapping[str, object]) -> dict[str, object]:
    """Return nested values with NaN and infinities as null, which strict JSON can hold."""
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return plain_numbers(cast("Mapping[str, object]", value))
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_nan(progress: dict[str, Any]) -> dict[str, Any]:
    metrics = {k: math.nan if v is None else v for k, v in progress["best_metrics"].items()}
    return {**progress, "best_metrics": metrics}


def _load_optimizer(item: Trained, tensors: Weights) -> None:
    for name, value in tensors.items():
        index, _, key = name.partition("/")
        parameter = item.parameters[int(index)]
        if value.shape == parameter.shape and value.ndim:
            # Same memory layout as the parameter's: else other kernels run, and round differently.
            value = torch.empty_like(parameter).copy_(value)  # noqa: PLW2901
        item.optimizer.state[parameter][key] = value


def _below(tensors: Weights, prefix: str) -> Weights:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
