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
        TrainingError: the file is damaged or lacks a part, stands at a step that the run does not
            have, or was written with another configuration, other data or another network; the
            message says what differs.
    """
    tensors, facts = read_tensors(path)
    if not all(isinstance(facts.get(key), dict) for key in ("identity", "progress")):
        raise TrainingError(
            f"{path} is no checkpoint: it does not say of which run it is and where that stands. "
            "Restore it, or start again without resuming."
        )
    check_identity(path, facts["identity"], identity)
    progress = _progress(path, facts["progress"], int(identity["config"]["steps"]))
    try:
        put_weights(module, _below(tensors, "model/"))
    except RuntimeError as error:
        raise TrainingError(f"{path} is of another network: {error}") from error
    _load_average(path, average, _below(tensors, "average/"))
    for name, value in _below(tensors, "optimizer/").items():
        if not _load_moment(trained, name, value):
            raise TrainingError(
                f"{path} is of another network: its optimiser's {name} {tuple(value.shape)} fits "
                f"none of the updates {', '.join(item.update.name for item in trained)}. "
                "Start again without resuming."
            )
    if progress.step:
        _check_moments(path, trained)
    return progress


def check_identity(path: Path, stored: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise TrainingError unless the run was started with the same configuration and inputs."""
    old, new = dict(stored.get("config") or {}), now["config"]
    different = [
        f"{key} was {old.get(key)!r} and is {new.get(key)!r}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]
    fingerprint = stored.get("stage")
    if fingerprint != now["stage"]:
        different.append(f"the stage's own fingerprint was {fingerprint!r} and is {now['stage']!r}")
    if different:
        raise TrainingError(
            f"{path.parent} cannot be resumed, the run differs: {'; '.join(different)}. "
            "Restore these, choose another folder, or start again without resuming."
        )


def _progress(path: Path, stored: Mapping[str, Any], steps: int) -> Progress:
    """Return where the checkpoint stands, if a run of so many steps can stand there."""
    try:
        metrics = {k: math.nan if v is None else v for k, v in stored["best_metrics"].items()}
        values: dict[str, Any] = {**stored, "best_metrics": metrics}
        found = Progress(**values)
    except (KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"{path} does not say where the run stands ({error}). Restore it, or start again "
            "without resuming."
        ) from error
    counts = (found.step, found.best_step, found.stale)
    whole = all(type(count) is int and count >= 0 for count in counts)
    if not whole or not found.best_step <= found.step <= steps:
        raise TrainingError(
            f"{path} stands at step {found.step!r} (best step {found.best_step!r}, {found.stale!r} "
            f"validations since then); expected a step from 0 to {steps}, and the best one not "
            "after it. Restore it, or start again without resuming."
        )
    return found


def _load_average(path: Path, average: Weights | None, stored: Weights) -> None:
    if average is None:
        return
    lost = sorted(set(average) ^ set(stored))
    wrong = [n for n in average if n in stored and average[n].shape != stored[n].shape]
    if lost or wrong:
        raise TrainingError(
            f"{path} does not hold the averaged weights of this network: {', '.join(lost or wrong)}"
            f" {'is not in both' if lost else 'has another shape'}. Restore it, or start again "
            "without resuming."
        )
    for name, value in stored.items():
        average[name].copy_(value)


def _check_moments(path: Path, trained: Sequence[Trained]) -> None:
    """Raise unless the optimisers know what they knew: without it they would begin anew, unseen.

    A parameter that no loss has reached has no state. SGD without momentum has none at all.
    """
    for item in trained:
        states = [dict(item.optimizer.state.get(p, {})) for p in item.parameters]
        keys = {frozenset(state) for state in states if state}
        if len(keys) > 1 or (not keys and item.update.optimizer != "sgd"):
            raise TrainingError(
                f"{path} does not hold the whole state of the optimiser of update "
                f"{item.update.name!r}. Restore it, or start again without resuming."
            )


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
