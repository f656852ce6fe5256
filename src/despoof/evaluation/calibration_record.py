"""Write a calibrated threshold into the record beside weights, and read nothing else into it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from despoof.core.errors import ConfigError, WeightsError
from despoof.core.files import sha256
from despoof.evaluation.calibration import Calibration
from despoof.weights.check import check_folder
from despoof.weights.record import CONFIG, RECORD, Threshold, set_threshold, write_record
from despoof.weights.registry import FILES, records

_UNSTATED = "not stated"


@dataclass(frozen=True)
class Saved:
    """Where a threshold went.

    Attributes:
        record: the file.
        preprocessing_hash: of the system's preprocessing, which the threshold now belongs to.
    """

    record: Path
    preprocessing_hash: str


def plain_calibration(found: Calibration) -> dict[str, Any]:
    """Flatten a calibration to JSON values; rates are fractions."""
    return {
        "threshold": found.threshold,
        "criterion": str(found.criterion),
        "method": found.method,
        "confidence": found.confidence,
        "attained_confidence": found.attained,
        "n_live": found.n_live,
        "n_attack": found.n_attack,
        "by": found.by,
        "bounds": [
            {
                "rate": bound.rate,
                "of": bound.of,
                "value": bound.observed.value,
                "ci95": [bound.observed.low, bound.observed.high],
                "k": bound.observed.k,
                "n": bound.observed.n,
                "upper": bound.upper,
            }
            for bound in found.bounds
        ],
        "guarantee": found.guarantee,
        "limits": list(found.limits),
    }


def weights_folder(run: str | Path) -> Path:
    """Return the folder of weights that a run, or a folder of weights, has.

    Raises:
        WeightsError: there is none, or the name is that of shipped weights: those are not changed.
    """
    folder = Path(run).expanduser()
    if not folder.is_dir() and str(run) in records():
        raise WeightsError(
            f"{str(run)!r} is shipped with despoof and is not changed. Copy {FILES / str(run)} to "
            "a folder of your own, and give that to --save and to --weights."
        )
    for place in (folder, folder / "weights"):
        if (place / CONFIG).is_file():
            return place
    raise WeightsError(
        f"{folder} holds no weights ({CONFIG} is missing, also in {folder / 'weights'}). Give the "
        "folder that `despoof train` wrote."
    )


def save_threshold(
    run: str | Path, found: Calibration, scores_file: str | Path, *, oracle: bool = False
) -> Saved:
    """Write the threshold beside the weights; a run without a record gets one.

    Args:
        run: folder of a run or of weights.
        found: what to write.
        scores_file: that it was chosen on; its SHA-256 is written too.
        oracle: the scores were the test set's, which the criterion then says.

    Raises:
        WeightsError: no weights, damaged ones, or a record of another preprocessing than theirs.
    """
    folder = weights_folder(run)
    record = check_folder(folder)
    preprocessing = preprocessing_hash(folder)
    if record is not None and record.preprocessing_hash != preprocessing:
        raise WeightsError(
            f"{folder / RECORD} is of preprocessing {record.preprocessing_hash}, {CONFIG} of "
            f"{preprocessing}: they do not belong together. Get the folder again."
        )
    values = plain_calibration(found)
    threshold = Threshold(
        value=found.threshold,
        criterion=str(found.criterion) + (" (oracle)" if oracle else ""),
        chosen_on=Path(scores_file).name,
        n_live=found.n_live,
        n_attack=found.n_attack,
        method=found.method,
        confidence=found.confidence,
        bounds=values["bounds"],
        guarantee=found.guarantee,
        data_sha256=sha256(scores_file),
        preprocessing_hash=preprocessing,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    if record is not None:
        set_threshold(folder, threshold)
    else:
        name = folder.resolve()
        write_record(
            folder,
            name=name.parent.name if name.name == "weights" else name.name,
            system=str(_config(folder)["system"]),
            licence=_UNSTATED,
            terms=_UNSTATED,
            provenance=f"trained in {folder.resolve()}",
            trained_on=_UNSTATED,
            preprocessing_hash=preprocessing,
            threshold=threshold,
        )
    return Saved(folder / RECORD, preprocessing)


def preprocessing_hash(folder: Path) -> str:
    """Return the hash of the preprocessing that a folder's configuration describes.

    Raises:
        WeightsError: there is no readable configuration of a known system.
    """
    from despoof.systems.records import system_record

    values = _config(folder)
    try:
        record = system_record(str(values["system"]))
        config = cast("Any", record.config.parse(values["config"], str(folder / CONFIG)))
        return str(config.crop.digest())
    except (ConfigError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{folder / CONFIG} does not describe a system of ours ({error}). "
            "Give a folder that `despoof train` wrote."
        ) from error


def _config(folder: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((folder / CONFIG).read_text(encoding="utf-8")))
