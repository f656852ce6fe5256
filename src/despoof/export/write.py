"""Weights in, exported folder out: nothing is written unless it says what torch says."""

import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from despoof._version import __version__
from despoof.core.errors import InputError, WeightsError
from despoof.core.files import sha256
from despoof.core.types import System
from despoof.export.bf16 import store_in_bf16
from despoof.export.faces import Faces
from despoof.export.int8 import quantise
from despoof.export.onnx_file import write_onnx
from despoof.export.openvino_file import convert
from despoof.export.parity import BOUNDS, MIN_FACES, Bounds, measure
from despoof.export.record import (
    EXPORT,
    MODEL_FILES,
    ExportRecord,
    Format,
    InputKind,
    Precision,
    write_export,
)
from despoof.export.scorer import ExportedScorer
from despoof.export.sessions import open_model
from despoof.export.whole import WholeScorer, score_rule
from despoof.systems.saving import load_system
from despoof.weights.record import CONFIG, read_record, weight_files

BATCH = 16


@dataclass(frozen=True)
class Asked:
    """What to export to.

    Attributes:
        format: onnx or openvino.
        precision: of the network.
        input: what the model takes.
    """

    format: Format = "onnx"
    precision: Precision = "fp32"
    input: InputKind = "uint8"


def export(
    weights: Path,
    output: Path,
    asked: Asked,
    faces: Callable[[ExportRecord], Sequence[Faces]],
    told: str,
    *,
    bounds: Bounds | None = None,
    say: Callable[[str], None] = lambda what: None,
) -> ExportRecord:
    """Export the whole scorer of a folder of weights, if the file says what torch says.

    Args:
        weights: a checked folder of `weights.registry.resolve`.
        output: the folder to make; may exist only if empty or an earlier export, which it replaces.
        asked: format, precision, input.
        faces: the export's record -> the gate's faces (at least 200) and, for int8, other faces to
            calibrate with. Called once the weights are known to be exportable.
        told: where the faces come from, in words.
        bounds: of the gate; None: those of the precision.
        say: told what is done next.

    Returns:
        The record that was written.

    Raises:
        InputError: the system is not one forward pass, too few faces, or `output` is in use.
        WeightsError: the file's scores are not torch's; nothing is left behind.
        MissingExtraError: a package of the `export` extra is not installed.
    """
    check_output(output)
    name, system = load_system(weights)
    score_rule(name)
    record = _first_record(weights, name, system, asked)
    gate, *rest = faces(record)
    if asked.precision == "int8" and not rest:
        raise InputError("int8 needs faces to calibrate with besides those of the gate.")
    if len(gate) < MIN_FACES:
        raise InputError(
            f"{len(gate)} faces for the comparison with torch; expected {MIN_FACES} or more. "
            "Give more pictures, or none: then faces are drawn from a portrait."
        )
    say("torch scores the faces")
    expected = torch_scores(system, gate)
    output.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        made = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}."))
        stack.callback(shutil.rmtree, made, ignore_errors=True)
        say(f"writing {asked.format}, {asked.precision}")
        _write_model(made, record, name, system, rest)
        say("the file scores the faces")
        run = open_model(made, record.format, record.precision)
        found = _scores(ExportedScorer(record, run), gate)
        parity = measure(expected, found, record.threshold, bounds or BOUNDS[asked.precision], told)
        if not parity.passed:
            raise WeightsError(
                f"{record.name} as {asked.format} {asked.precision} does not say what torch says: "
                f"on {parity.count} faces ({told}) scores differ by up to "
                f"{parity.max_difference:.4g} (allowed {parity.max_allowed:.4g}), verdicts agree "
                f"on {100 * parity.agreement:.1f} % (needed {100 * parity.min_agreement:.1f} %). "
                "Nothing was written. Take a higher precision."
            )
        hashes = {file: sha256(made / file) for file in MODEL_FILES[asked.format]}
        record = record.model_copy(update={"files": hashes, "parity": parity})
        record = write_export(made, record)
        _put_in_place(made, output)
    return record


def check_output(output: Path) -> None:
    """Raise InputError unless the folder is absent, empty or an earlier export."""
    if output.is_dir() and any(output.iterdir()) and not (output / EXPORT).is_file():
        raise InputError(f"{output} holds other files. Name a new folder for the export.")
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file. Name a new folder for the export.")


@torch.no_grad()
def torch_scores(system: System, faces: Faces) -> NDArray[np.float32]:
    """Score (N, S, S, 3) uint8 faces with the system itself; (N,)."""
    found: list[NDArray[np.float32]] = []
    for start in range(0, len(faces), BATCH):
        pixels = torch.from_numpy(faces[start : start + BATCH]).permute(0, 3, 1, 2)
        found.append(system.score(pixels.float() / 127.5 - 1).numpy())
    return np.concatenate(found)


def _scores(scorer: ExportedScorer, faces: Faces) -> NDArray[np.float32]:
    # Batches of other sizes than torch's, the last of them odd: the batch must be free.
    starts = range(0, len(faces), BATCH - 1)
    return np.concatenate([scorer.score_crops(faces[at : at + BATCH - 1]) for at in starts])


def _first_record(weights: Path, name: str, system: System, asked: Asked) -> ExportRecord:
    known = read_record(weights)
    crop = system.config.crop
    limit = known.threshold if known is not None else None
    if known is not None and limit is not None and known.preprocessing_hash != crop.digest():
        raise WeightsError(
            f"The threshold of {known.name!r} was chosen with preprocessing "
            f"{known.preprocessing_hash}, but its configuration has {crop.digest()}. Calibrate "
            "again before exporting."
        )
    packages = (
        ("onnx", "onnxruntime", "openvino")
        if asked.format == "openvino"
        else ("onnx", "onnxruntime")
    )
    versions = {"despoof": __version__, "torch": str(torch.__version__)}
    return ExportRecord(
        name=known.name if known else name,
        system=name,
        format=asked.format,
        precision=asked.precision,
        input=asked.input,
        outputs=("score",),
        crop=crop,
        threshold=limit.value if limit else None,
        preprocessing_hash=crop.digest(),
        source={p.name: sha256(p) for p in (weights / CONFIG, *weight_files(weights))},
        weights=known,
        versions=versions | {one: _version(one) for one in packages},
    )


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _write_model(
    folder: Path, record: ExportRecord, name: str, system: System, rest: Sequence[Faces]
) -> None:
    direct = folder / MODEL_FILES["onnx"][0]
    half = record.precision == "fp16" and record.format == "onnx"
    dtype = torch.float16 if half else torch.float32
    write_onnx(WholeScorer(name, system, record.input, dtype), record, direct)
    if record.precision == "bf16":
        store_in_bf16(direct)
    if record.precision == "int8":
        quantise(direct, as_input(rest[0], record.input))
    if record.format == "openvino":
        convert(direct, record, folder)
        direct.unlink()


def as_input(faces: Faces, kind: InputKind) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Return (N, S, S, 3) uint8 faces as a model of this kind takes them."""
    if kind == "uint8":
        return faces
    planes = faces.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(127.5) - 1
    return np.ascontiguousarray(planes)


def _put_in_place(made: Path, output: Path) -> None:
    """Rename the new folder to its name; an earlier export goes first."""
    umask = os.umask(0)
    os.umask(umask)
    made.chmod(0o777 & ~umask)  # mkdtemp makes private folders
    if output.exists():
        old = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}."))
        output.rename(old / "old")
        made.rename(output)
        shutil.rmtree(old, ignore_errors=True)
    else:
        made.rename(output)
