"""Tensors and plain facts in one safetensors file, whole or absent."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from despoof.core.errors import TrainingError
from despoof.core.files import atomic_path
from despoof.training.ema import Weights

METADATA_KEY = "despoof"


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


def plain_numbers(values: Mapping[str, object]) -> dict[str, object]:
    """Return nested values with NaN and infinities as null, which strict JSON can hold."""
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return plain_numbers(cast("Mapping[str, object]", value))
    return None if isinstance(value, float) and not math.isfinite(value) else value
