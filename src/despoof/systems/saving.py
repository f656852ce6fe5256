"""A system as a folder: config.json + model.safetensors + README.md; never pickle."""

import json
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from despoof.core.config import StrictConfig
from despoof.core.errors import ConfigError, WeightsError
from despoof.core.files import atomic_path
from despoof.core.types import System
from despoof.systems.records import system_record

MODEL, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
FURTHER = (
    "model-*.safetensors"  # more tensors of the same system, where one file would be too large
)


def save_system(folder: str | Path, name: str, config: StrictConfig, module: nn.Module) -> None:
    """Write a system; each file is whole or absent. An existing model card is kept."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    with atomic_path(folder / MODEL) as temporary:
        save_file(tensors, temporary)
    with atomic_path(folder / CONFIG) as temporary:
        values = {"system": name, "config": config.plain()}
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    if not (folder / CARD).exists():
        record = system_record(name)
        with atomic_path(folder / CARD) as temporary:
            temporary.write_text(f"# {record.title}\n\nSource: {record.paper}\n", encoding="utf-8")


def load_system(folder: str | Path) -> tuple[str, System]:
    """Read a system; return its name and the module in eval mode on the CPU.

    Raises:
        WeightsError: a file is missing or corrupt, or the tensors do not fit the configuration.
    """
    folder = Path(folder)
    try:
        values = cast("dict[str, Any]", json.loads((folder / CONFIG).read_text(encoding="utf-8")))
        record = system_record(str(values["system"]))
        system = record.make(values["config"], str(folder / CONFIG))
        tensors = load_file(folder / MODEL)
        for part in sorted(folder.glob(FURTHER)):
            tensors |= load_file(part)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, ConfigError) as error:
        raise WeightsError(
            f"{folder} does not hold a readable system ({error}). "
            f"Expected {CONFIG} and {MODEL} as written by despoof; get the folder again."
        ) from error
    module = cast("nn.Module", system)
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise WeightsError(
            f"{folder / MODEL} does not fit its {CONFIG}: {first} "
            "The two files are from different systems or versions."
        ) from error
    for parameter in module.parameters():
        if parameter.ndim == 4:  # convolutions on a CPU take two thirds of the time so
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return record.name, system
