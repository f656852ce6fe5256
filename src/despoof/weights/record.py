"""What is known about one set of weights; it lies beside them as `record.json`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import Field, JsonValue

from despoof.core.config import StrictConfig
from despoof.core.errors import ConfigError, WeightsError
from despoof.core.files import atomic_path, sha256
from despoof.weights.seal import check_seal, sealed

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
        value: on the system's own score; a finite number, no text and no truth value.
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

    value: float = Field(allow_inf_nan=False, strict=True)
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
        config: the name of the system's configuration, beside the record; like `file` it is the
            name that is loaded, no other is accepted.
        licence: of the weights, an SPDX identifier or a plain sentence.
        terms: what the training data's terms allow, in a sentence.
        provenance: which experiment, seed and commit made it.
        trained_on: datasets and counts, in a sentence.
        measured: figures by name, with their test set; plain JSON values.
        preprocessing_hash: of the preprocessing that the threshold was chosen with.
        threshold: None where nobody has chosen one.
        seal: SHA-256 over all other fields, see `seal.py`; older records have none.
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
    seal: Sha256 | None = None

    @property
    def sealed(self) -> bool:
        """Whether the record covers all that decides a verdict: files, settings, threshold."""
        return self.seal is not None and self.config in self.others


def weight_files(folder: Path) -> list[Path]:
    """Return the files of weights in a folder, `model.safetensors` first: all are read as one."""
    return sorted(folder.glob(PARTS), key=lambda path: (path.name != WEIGHTS, path.name))


def read_record(folder: Path) -> Record | None:
    """Read a folder's record; None if it has none.

    Raises:
        WeightsError: it is not JSON, a field is missing, unknown or not allowed, it names other
            files than those that are loaded, or its fields are not those that were sealed.
    """
    path = folder / RECORD
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise TypeError(f"it holds {type(values).__name__}")
        record = Record.parse(values, origin=str(path))
    except FileNotFoundError:
        return None
    except ConfigError as error:
        raise WeightsError(f"{error} Repair the record or remove it.") from error
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(
            f"{path} is not a readable record: {error}. Expected one JSON object; repair or remove "
            "it."
        ) from error
    for named, loaded in ((record.file, WEIGHTS), (record.config, CONFIG)):
        if named != loaded:  # it would vouch for a file that nobody reads
            raise WeightsError(
                f"{path} is about {named!r}, but {loaded} is what is loaded. Get the folder again, "
                "or remove the record to use the folder unchecked."
            )
    advice = "Another threshold is written by despoof calibrate --save"
    check_seal(path, cast("dict[str, Any]", values), advice)
    return record


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
        "others": _other_hashes(folder),
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
    return _write(folder, record)


def set_threshold(folder: Path, threshold: Threshold) -> Record:
    """Put another threshold into the record beside weights, and seal it anew.

    Nothing else of it changes, except that an older record learns the hashes of the configuration
    and of further weights: the threshold was chosen with these.

    Raises:
        WeightsError: the folder has no record, or it cannot be read.
    """
    record = read_record(folder)
    if record is None:
        raise WeightsError(f"{folder} has no {RECORD} that a threshold could be written into.")
    others = _other_hashes(folder) | record.others
    return _write(folder, record.model_copy(update={"threshold": threshold, "others": others}))


def seal_record(folder: Path) -> Record:
    """Give an older record what it lacks: hashes of all files that decide a score, and the seal.

    Nothing that it says already is changed, and what is whole is not written again. The caller has
    made sure (`check_folder`) that the folder is the one that was measured.

    Raises:
        WeightsError: the folder has no record, or it cannot be read.
    """
    record = read_record(folder)
    if record is None:
        raise WeightsError(f"{folder} has no {RECORD} that could be sealed.")
    if record.sealed:
        return record
    others = _other_hashes(folder) | record.others
    return _write(folder, record.model_copy(update={"others": others}))


def _other_hashes(folder: Path) -> dict[str, str]:
    files = (folder / CONFIG, *weight_files(folder))
    return {path.name: sha256(path) for path in files if path.name != WEIGHTS}


def _write(folder: Path, record: Record) -> Record:
    values = sealed(record.plain())
    with atomic_path(folder / RECORD) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return record.model_copy(update={"seal": values["seal"]})
