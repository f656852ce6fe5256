"""Tensors and plain facts in one safetensors file, whole or absent, with a check sum over both."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from despoof.core.errors import TrainingError
from despoof.core.files import atomic_path
from despoof.training.ema import Weights

METADATA_KEY = "despoof"
SUM_KEY = "sha256"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and plain facts as one safetensors file with their check sum, atomically."""
    # Tied weights share memory, which safetensors refuses: each name gets its own copy.
    own = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    text = json.dumps(plain_numbers(facts))
    with atomic_path(path) as temporary:
        save_file(own, temporary, {METADATA_KEY: text, SUM_KEY: _sum(own, text)})


def read_tensors(path: Path) -> tuple[Weights, dict[str, Any]]:
    """Read what `write_tensors` wrote. A file from before check sums has none to compare.

    Raises:
        TrainingError: the file is missing or damaged, or anything in it is not what was written.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            text = metadata[METADATA_KEY]
            facts = dict(json.loads(text))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise TrainingError(
            f"{path} is not a whole checkpoint: {error}. Delete the run's folder to start again."
        ) from error
    written = metadata.get(SUM_KEY)
    if written is not None and written != (found := _sum(tensors, text)):
        raise TrainingError(
            f"{path} is not what was written: its {len(tensors)} tensors and its step have the "
            f"check sum {found}, it says {written}. Restore it, or delete the run's folder to "
            "start again."
        )
    return tensors, facts


def _sum(tensors: Mapping[str, Tensor], text: str) -> str:
    """Return a SHA-256 over the facts and over each tensor's name, type, shape and bytes."""
    total = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        value = tensors[name]
        total.update(f"\n{name} {value.dtype} {tuple(value.shape)}\n".encode())
        total.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def plain_numbers(values: Mapping[str, object]) -> dict[str, object]:
    """Return nested values with NaN and infinities as null, which strict JSON can hold."""
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return plain_numbers(cast("Mapping[str, object]", value))
    return None if isinstance(value, float) and not math.isfinite(value) else value
