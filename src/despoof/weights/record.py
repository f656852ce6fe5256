"""What is known about one set of weights; it lies beside them as `record.json`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, JsonValue

from despoof.core.config import StrictConfig
from despoof.core.errors import ConfigError, WeightsError
from despoof.core.files import atomic_path, sha256

RECORD = "record.json"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
README = "README.md"
PARTS = "model*.safetensors"
_PLAIN_NAME = r"^[\w.-]+$"  # a downloaded record must not lead out of its folder
PlainName = Annotated[str, Field(pattern=_PLAIN_NAME)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Threshold(StrictConfig):
    """A threshold and how it was chosen; live iff score > value.

    Attributes:
        value: on the system's own score.
        criterion: e.g. "eer" or "apcer=0.01"; ends in "(oracle)" if chosen on the test set.
        chosen_on: the scores it was chosen on, e.g. "celeba-spoof dev".
        n_live: live faces among them.
        n_attack: attacks among them.
        method: how `despoof calibrate` chose it: "order statistic", "split conformal" or "eer".
        confidence: with which `bounds` hold on new data.
        bounds: per error rate and species, k errors of n and the upper bound.
        guarantee: what is promised on new data, in sentences.
        data_sha256: of the score file.
        preprocessing_hash: of the system whose scores they are, as far as it is known.
        date: of the choice, ISO 8601.

    Records from before calibration have the first five fields alone.
    """

    value: float = Field(allow_inf_nan=False)
    criterion: str
    chosen_on: str
    n_live: int = Field(ge=0)
    n_attack: int = Field(ge=0)
    method: str | None = None
    confidence: float | None = Field(default=None, gt=0, lt=1)
    bounds: list[dict[str, JsonValue]] | None = None
    guarantee: str | None = None
    data_sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    preprocessing_hash: str | None = None
    date: str | None = None


class Record(StrictConfig):
    """One set of weights: what it is, where it comes from, what it may be used for, how good it is.

    Attributes:
        name: how a user asks for it, e.g. "face-despoofing".
        system: the system that it belongs to, the folder's name under `systems/`.
        file: the weights' name, beside the record.
        sha256: of that file, 64 hex digits.
        size_bytes: of all files of weights together.
        others: SHA-256 of what else decides a score, by name: the configuration, and further files
            of weights (`model-2.safetensors`, …). Records from before two views have none.
        config: the name of the system's configuration, beside the record.
        licence: of the weights, an SPDX identifier or a plain sentence.
        terms: what the training data's terms allow, in a sentence.
        provenance: which experiment, seed and commit made it.
        trained_on: datasets and counts, in a sentence.
        measured: figures by name, with their test set; plain JSON values.
        preprocessing_hash: of the preprocessing that the threshold was chosen with.
        threshold: None where nobody has chosen one.
    """

    name: str = Field(min_length=1)
    system: str = Field(min_length=1)
    file: PlainName = WEIGHTS
    sha256: Sha256
    size_bytes: int = Field(ge=1)
    others: dict[PlainName, Sha256] = Field(default_factory=dict)
    config: PlainName = CONFIG
    licence: str = Field(min_length=1)
    terms: str = Field(min_length=1)
    provenance: str = Field(min_length=1)
    trained_on: str = Field(min_length=1)
    measured: dict[str, JsonValue] = Field(default_factory=dict)
    preprocessing_hash: str = Field(min_length=1)
    threshold: Threshold | None = None


def weight_files(folder: Path) -> list[Path]:
    """Return the files of weights in a folder, `model.safetensors` first: all are read as one."""
    return sorted(folder.glob(PARTS), key=lambda path: (path.name != WEIGHTS, path.name))


def read_record(folder: Path) -> Record | None:
    """Read a folder's record; None if it has none.

    Raises:
        WeightsError: it is not JSON, or a field is missing, unknown or not allowed.
    """
    path = folder / RECORD
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Record.parse(values, origin=str(path))
    except FileNotFoundError:
        return None
    except ConfigError as error:
        raise WeightsError(f"{error} Repair the record or remove it.") from error
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(
            f"{path} is not a readable record: {error}. Expected one JSON object; repair or remove "
            "it."
        ) from error


def write_record(
    folder: Path,
    *,
    name: str,
    system: str,
    licence: str,
    terms: str,
    provenance: str,
    trained_on: str,
    preprocessing_hash: str,
    measured: Mapping[str, JsonValue] | None = None,
    threshold: Threshold | None = None,
) -> Record:
    """Write `record.json` beside a system's saved files; size and hash are taken from the weights.

    Raises:
        WeightsError: the folder has no weights, or a text is empty.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise WeightsError(f"{folder} has no {WEIGHTS}. Save the system there first.")
    values = {
        "name": name,
        "system": system,
        "sha256": sha256(weights),
        "size_bytes": sum(path.stat().st_size for path in weight_files(folder)),
        "others": {
            path.name: sha256(path)
            for path in (folder / CONFIG, *weight_files(folder))
            if path != weights
        },
        "licence": licence,
        "terms": terms,
        "provenance": provenance,
        "trained_on": trained_on,
        "measured": dict(measured or {}),
        "preprocessing_hash": preprocessing_hash,
        "threshold": threshold.plain() if threshold else None,
    }
    try:
        record = Record.parse(values, origin=f"the record of {name!r}")
    except ConfigError as error:
        raise WeightsError(str(error)) from error
    _write(folder, record)
    return record


def set_threshold(folder: Path, threshold: Threshold) -> Record:
    """Put another threshold into the record beside weights; nothing else of it changes.

    Raises:
        WeightsError: the folder has no record, or it cannot be read.
    """
    record = read_record(folder)
    if record is None:
        raise WeightsError(f"{folder} has no {RECORD} that a threshold could be written into.")
    changed = record.model_copy(update={"threshold": threshold})
    _write(folder, changed)
    return changed


def _write(folder: Path, record: Record) -> None:
    with atomic_path(folder / RECORD) as temporary:
        temporary.write_text(json.dumps(record.plain(), indent=2) + "\n", encoding="utf-8")
