"""The folder of one stage: which file is what, and how a run ends or starts over."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from despoof.core.errors import TrainingError
from despoof.core.files import atomic_path
from despoof.training.ema import put_weights
from despoof.training.journal import LOSSES, METRICS
from despoof.training.tensors import plain_numbers, read_tensors

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"
DONE = "done.json"
CONFIG = "config.yaml"
ENVIRONMENT = "environment.json"
LOCK = ".lock"


@dataclass(frozen=True)
class StageResult:
    """How a stage ended.

    Attributes:
        best_step: the step whose averaged weights were kept.
        best_metrics: what they measured on the development split; {} where nothing was measured.
        last_step: the step at which training ended, early or not.
        folder: where everything lies.
        skipped: True if it was finished before, with the same configuration and inputs.
    """

    best_step: int
    best_metrics: dict[str, float]
    last_step: int
    folder: Path
    skipped: bool


def busy(folder: Path) -> TrainingError:
    """Return the error that somebody else trains in a folder."""
    return TrainingError(
        f"{folder} is being trained in by another process: two would spoil each other's run. Wait "
        "for it, stop it, or choose another folder."
    )


def clear(folder: Path) -> None:
    """Remove what an earlier run left, what says that it is done first."""
    for name in (DONE, CHECKPOINT, BEST, LOSSES, METRICS, ENVIRONMENT):
        (folder / name).unlink(missing_ok=True)


def write_done(result: StageResult, identity: Mapping[str, Any]) -> None:
    """Write done.json, the last thing that a run does."""
    values = plain_numbers(
        {
            "best_step": result.best_step,
            "best_metrics": result.best_metrics,
            "last_step": result.last_step,
            "identity": identity,
        }
    )
    with atomic_path(result.folder / DONE) as temporary:
        temporary.write_text(json.dumps(values, indent=2), encoding="utf-8")


def read_done(folder: Path, identity: Mapping[str, Any]) -> StageResult | None:
    """Return how a finished run with this identity ended; None if there is no such run here."""
    try:
        values = json.loads((folder / DONE).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if (
        not isinstance(values, dict)
        or values.get("identity") != identity
        or not (folder / BEST).exists()
    ):
        return None
    metrics = {k: math.nan if v is None else v for k, v in values["best_metrics"].items()}
    return StageResult(values["best_step"], metrics, values["last_step"], folder, True)


def load_best(folder: Path, module: nn.Module) -> None:
    """Put the kept weights of a run into a module.

    Raises:
        TrainingError: they are missing, damaged or of another network.
    """
    tensors, _ = read_tensors(folder / BEST)
    try:
        put_weights(module, tensors)
    except RuntimeError as error:
        raise TrainingError(f"{folder / BEST} is of another network: {error}") from error


def take_best(folder: str | Path, module: nn.Module, setting: str, *, start: str = "") -> None:
    """Put what a finished stage kept into a module, for a stage that builds on it.

    Args:
        folder: of the stage.
        module: of the shape that was trained.
        setting: which part of the configuration decides that shape, for the message.
        start: of the tensors' names that belong to the module; it is cut off, the rest stays.

    Raises:
        TrainingError: there are no weights, or those of another network.
    """
    path = Path(folder) / BEST
    tensors, _ = read_tensors(path)
    own = {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
    try:
        put_weights(module, own)
    except RuntimeError as error:
        raise TrainingError(
            f"{path} is of another network: {error}. Set {setting} as it was when that stage was "
            "trained."
        ) from error
