"""From the name of weights to a detector: the folder is checked, the threshold must fit."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from despoof.core.defaults import DEFAULT_WEIGHTS
from despoof.core.device import pick_device
from despoof.core.errors import InputError, WeightsError
from despoof.core.types import FaceDetector, System
from despoof.detector.bridged import rebridged
from despoof.detector.checking import NO_THRESHOLD, Detector
from despoof.detector.exported import load_exported
from despoof.export.record import is_export
from despoof.face.crop import CropConfig
from despoof.face.detect import CenterFace
from despoof.face.quality import QualityPolicy
from despoof.weights.record import Record, read_record
from despoof.weights.registry import records, resolve

if TYPE_CHECKING:
    from torch import nn

OTHER_WAY = (
    "the threshold was chosen with another solver, steps or precision; give one "
    "(--threshold, load(threshold=…))"
)


@runtime_checkable
class Foldable(Protocol):
    """A system that says itself what of it is rewritten for use; it shares the rest."""

    def for_inference(self) -> System:
        """Return the rewritten one."""
        ...


def load(
    weights: str | Path = DEFAULT_WEIGHTS,
    *,
    threshold: float | None = None,
    face_detector: FaceDetector | None = None,
    quality: QualityPolicy | None = QualityPolicy(),  # noqa: B008 - frozen
    device: str = "cpu",
    allow_download: bool = False,
    solver: str | None = None,
    steps: int | None = None,
    autocast: bool | None = None,
) -> Detector:
    """Load a detector: shipped weights by name, a folder that training or `despoof export` wrote.

    An exported folder runs with onnxruntime or openvino; torch need not be installed.

    Args:
        weights: a name from `despoof models`, a folder, or "org/name" with `allow_download`.
        threshold: use this one instead of the weights' own.
        face_detector: your own; default CenterFace.
        quality: gate; None judges every face that is found.
        device: auto, cpu, cuda, cuda:N, mps.
        allow_download: let "org/name" be fetched from the Hugging Face hub.
        solver: of a bridge, instead of the weights' own: ddim, heun, dpm-solver, inverse-ddim,
            o-belm. Like the two below, only for systems with a bridge; a recorded threshold does
            not hold for another way than its own, and is not used.
        steps: of a bridge, each way.
        autocast: run the fields of a bridge in bf16, or not; None: as the weights say.

    Raises:
        WeightsError: unknown name, damaged or foreign files, or a threshold that was chosen with
            another preprocessing than the configuration's.
        InputError: the threshold is not finite, there is no such device, or a bridge is asked of
            a system that has none.
        ConfigError: there is no such solver, or it cannot take so few steps.
    """
    if threshold is not None and not math.isfinite(threshold):
        raise InputError(f"threshold is {threshold}; expected a finite number.")
    if is_export(weights) and str(weights) not in records():
        if (solver, steps, autocast) != (None, None, None):
            raise InputError(f"{weights} is an export and crosses no bridge: no solver, no steps.")
        return load_exported(
            weights,
            threshold=threshold,
            face_detector=face_detector,
            quality=quality,
            device=device,
        )
    from despoof.nets.folding import folded
    from despoof.systems.saving import load_system

    folder = resolve(weights, allow_download=allow_download)
    record = read_record(folder)
    name, system = load_system(folder)
    if record is not None and record.system.replace("_", "-") != name:
        raise WeightsError(
            f"{folder}: the record is of system {record.system!r}, the configuration of {name!r}. "
            "The files are from different weights; get the folder again."
        )
    crop: CropConfig = system.config.crop
    asked = rebridged(system, solver, steps, autocast)
    chosen = threshold if threshold is not None or asked is not system else _recorded(record, crop)
    place = pick_device(device)
    module = cast("nn.Module", asked).to(place)
    return Detector(
        system=asked.for_inference()
        if isinstance(asked, Foldable)
        else cast("System", folded(module)),
        crop=crop,
        threshold=chosen,
        name=record.name if record else name,
        face_detector=face_detector or CenterFace(),
        quality=quality,
        device=place,
        record=record,
        no_threshold=OTHER_WAY if asked is not system and _has_threshold(record) else NO_THRESHOLD,
        sealed=record is not None and record.sealed,
    )


def _has_threshold(record: Record | None) -> bool:
    return record is not None and record.threshold is not None


def _recorded(record: Record | None, crop: CropConfig) -> float | None:
    """Return the record's threshold, if there is one; it must be of this preprocessing."""
    if record is not None and record.threshold is not None:
        if record.preprocessing_hash != crop.digest():
            raise WeightsError(
                f"The threshold of {record.name!r} was chosen with preprocessing "
                f"{record.preprocessing_hash}, but its configuration has {crop.digest()}: scores "
                "would not mean the same. Calibrate again, or give a threshold yourself."
            )
        return record.threshold.value
    return None
