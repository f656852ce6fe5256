"""Whether a folder of weights is whole, is what its record says, and is of the wanted system."""

import json
from pathlib import Path
from typing import Any, cast

from safetensors import SafetensorError, safe_open

from despoof.core.errors import WeightsError
from despoof.core.files import sha256
from despoof.weights.record import CONFIG, WEIGHTS, Record, read_record, weight_files


def check_folder(folder: Path, system: str | None = None) -> Record | None:
    """Check a folder before anything is loaded from it; return its record if it has one.

    Without a record only the structure can be checked: the two files are there and readable, and
    a `system` that the configuration may name is the wanted one.

    Args:
        folder: holds config.json and model.safetensors, perhaps record.json.
        system: the system that the weights must be of; None = any.

    Raises:
        WeightsError: a file is missing, damaged, of another system, or not the recorded one.
    """
    record = read_record(folder)
    config = _read_config(folder / (record.config if record else CONFIG))
    weights = folder / (record.file if record else WEIGHTS)
    if not weights.is_file():
        raise WeightsError(f"{folder} has no {weights.name}. A system's folder has one; check it.")
    if record:
        _check_hash(weights, record)
        _check_others(folder, record)
    found = record.system if record else config.get("system")
    if system and found and found != system:
        raise WeightsError(
            f"{folder} holds weights of system {found!r}, expected {system!r}. Load it with "
            f"{found!r}, or choose weights of {system!r}."
        )
    for part in dict.fromkeys((weights, *weight_files(folder))):
        try:
            with safe_open(part, framework="np") as file:
                names = list(file.keys())
        except (SafetensorError, OSError) as error:
            raise WeightsError(
                f"{part} is damaged or no safetensors file: {error}. Copy or download it again."
            ) from error
        if not names:
            raise WeightsError(f"{part} holds no tensor. Save the system again.")
    return record


def _check_hash(weights: Path, record: Record) -> None:
    actual = sha256(weights)
    if actual != record.sha256:
        raise WeightsError(
            f"{weights} has SHA-256 {actual} ({weights.stat().st_size} bytes), its record says "
            f"{record.sha256}. It is not the file that was measured: "
            "restore it, or remove record.json to use it unchecked."
        )


def _check_others(folder: Path, record: Record) -> None:
    """The configuration and further weights move scores as much as the first file does."""
    if not record.others:
        return
    known = {record.file, *record.others}
    strange = [path.name for path in weight_files(folder) if path.name not in known]
    if strange:
        raise WeightsError(
            f"{folder} holds {', '.join(strange)}, which its record does not name and which would "
            "be read with the rest. Move it away."
        )
    for name, expected in record.others.items():
        path = folder / name
        if not path.is_file():
            raise WeightsError(f"{folder} has no {name}, which its record names. Get it again.")
        if sha256(path) != expected:
            raise WeightsError(
                f"{path} is not the file that was measured: its SHA-256 differs from the record's, "
                f"{expected}. Restore it, or remove record.json to use it unchecked."
            )


def _read_config(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(
            f"{path.parent} has no {path.name}. A system's folder holds config.json and "
            "model.safetensors; was it written by despoof train?"
        ) from error
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path} is not readable JSON: {error}. Save the system again."
        ) from error
    if not isinstance(values, dict):
        raise WeightsError(f"{path} holds {type(values).__name__}, expected one JSON object.")
    return cast("dict[str, Any]", values)
