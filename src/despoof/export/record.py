"""What is known about an exported scorer; it lies beside the model as `export.json`."""

import json
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.core.errors import ConfigError, WeightsError
from despoof.core.files import atomic_path, sha256
from despoof.face.crop import CropConfig
from despoof.weights.record import Record, Sha256
from despoof.weights.seal import check_seal, sealed

EXPORT = "export.json"
Format = Literal["onnx", "openvino"]
Precision = Literal["fp32", "fp16", "bf16", "int8"]
InputKind = Literal["uint8", "float32"]
MODEL_FILES: dict[Format, tuple[str, ...]] = {
    "onnx": ("model.onnx",),
    "openvino": ("model.xml", "model.bin"),
}
"""What each format writes; the first is the one to open."""
MEANING = "higher = more live; live if score > threshold, else spoof"


class Parity(StrictConfig):
    """How near the exported scores are to those of torch, on the same faces.

    Attributes:
        faces: how many, and where from, in words.
        count: how many.
        spread: of torch's scores, 5th to 95th percentile; differences are judged in this unit.
        max_difference: greatest |exported − torch|, in the score's unit.
        mean_difference: mean of it.
        correlation: Pearson's, of both scores; None where one of them is constant.
        compared_at: the threshold of the verdicts that are compared.
        agreement: share of the faces with equal verdicts, [0, 1].
        to_live: faces that only the export calls live.
        to_spoof: faces that only torch calls live.
        max_allowed: bound on `max_difference`, in the score's unit.
        min_agreement: bound on `agreement`.
    """

    faces: str
    count: int = Field(ge=1)
    spread: float = Field(ge=0)
    max_difference: float = Field(ge=0)
    mean_difference: float = Field(ge=0)
    correlation: float | None
    compared_at: float
    agreement: float = Field(ge=0, le=1)
    to_live: int = Field(ge=0)
    to_spoof: int = Field(ge=0)
    max_allowed: float = Field(gt=0)
    min_agreement: float = Field(ge=0, le=1)

    @property
    def passed(self) -> bool:
        """Whether both bounds are kept; a difference that is not a number keeps none."""
        return self.max_difference <= self.max_allowed and self.agreement >= self.min_agreement


class ExportRecord(StrictConfig):
    """An exported scorer: which weights it was, what it takes, what it gives, how near it is.

    Attributes:
        name: of the weights.
        system: that they are of.
        format: what runs it.
        precision: of the network; normalisation and score rule stay fp32.
        input: "uint8": (B, S, S, 3) RGB pixels; "float32": (B, 3, S, S) RGB in [-1, 1].
        outputs: names, "score" first; "genuine" is (B, 3, S, S) float32 in [-1, 1].
        crop: how a face is cut out for it, S is its size.
        threshold: live iff score > threshold; None where nobody has chosen one.
        meaning: of the score, in words.
        preprocessing_hash: of `crop`; that of the threshold is the same.
        files: SHA-256 of each model file, 64 hex digits.
        source: SHA-256 of the weights' files that it was made from.
        weights: their record; None for a user's own folder without one.
        parity: what the gate measured.
        versions: of despoof, torch and the writers.
        seal: SHA-256 over all other fields, see `weights/seal.py`; older exports have none.
    """

    name: str = Field(min_length=1)
    system: str = Field(min_length=1)
    format: Format
    precision: Precision
    input: InputKind
    outputs: tuple[str, ...]
    crop: CropConfig
    threshold: float | None = Field(allow_inf_nan=False, strict=True)
    meaning: str = MEANING
    preprocessing_hash: str = Field(min_length=1)
    files: dict[str, str] = Field(default_factory=dict)
    source: dict[str, str]
    weights: Record | None = None
    parity: Parity | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    seal: Sha256 | None = None


def is_export(folder: str | Path) -> bool:
    """Whether a folder holds an exported scorer (not whether it is whole)."""
    return (Path(folder).expanduser() / EXPORT).is_file()


def read_export(folder: Path) -> ExportRecord:
    """Read `export.json` and check that the model files are those that passed the gate.

    Raises:
        WeightsError: the record is unreadable, a model file is missing or another one, the crop
            is not the one that the scores were measured with, or anything that is sealed (the
            threshold, the crop, what the score means) was changed since.
    """
    path = folder / EXPORT
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise TypeError(f"it holds {type(values).__name__}, expected one JSON object.")
        values = cast("dict[str, Any]", values)
        record = ExportRecord.parse(values, str(path))
    except (OSError, ValueError, TypeError, ConfigError) as error:
        raise WeightsError(
            f"{path} is not a readable export record: {error} Export the weights again."
        ) from error
    for name in MODEL_FILES[record.format]:
        file, expected = folder / name, record.files.get(name)
        found = sha256(file) if file.is_file() else None
        if found is None or found != expected:
            raise WeightsError(
                f"{file} has SHA-256 {found or '- (it is missing)'}, {EXPORT} says {expected}. "
                "It is not the file that was compared with torch: restore it or export again."
            )
    if record.preprocessing_hash != record.crop.digest():
        raise WeightsError(
            f"{path}: the scores are of preprocessing {record.preprocessing_hash}, the crop is "
            f"{record.crop.digest()}. The record was edited; export the weights again."
        )
    check_seal(path, values, "Another threshold: calibrate the weights and export them again")
    return record


def write_export(folder: Path, record: ExportRecord) -> ExportRecord:
    """Write `export.json` with its seal, whole or not at all; return the record as written."""
    values = sealed(record.plain())
    with atomic_path(folder / EXPORT) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return ExportRecord.parse(values, str(folder / EXPORT))
