"""A detector from an exported folder: onnxruntime or openvino alone, torch need not be there."""

import math
from pathlib import Path
from typing import cast

from despoof.core.errors import InputError
from despoof.core.types import FaceDetector, System
from despoof.detector.checking import Detector
from despoof.export.scorer import open_export
from despoof.face.detect import CenterFace
from despoof.face.quality import QualityPolicy


def load_exported(
    folder: str | Path,
    *,
    threshold: float | None = None,
    face_detector: FaceDetector | None = None,
    quality: QualityPolicy | None = QualityPolicy(),  # noqa: B008 - frozen
    device: str = "cpu",
) -> Detector:
    """Load a detector from a folder that `despoof export` wrote; arguments as `load`.

    Raises:
        WeightsError: the export is damaged, or a file is not the one that passed the gate.
        MissingExtraError: onnxruntime or openvino, whichever runs it, is not installed.
        InputError: the threshold is not finite, or a device other than the CPU is asked for.
    """
    if threshold is not None and not math.isfinite(threshold):
        raise InputError(f"threshold is {threshold}; expected a finite number.")
    if device not in ("cpu", "auto"):
        raise InputError(
            f"device is {device!r}, and {folder} is an export, which runs on the CPU here. Leave "
            "the device out, or load the weights that it was made from."
        )
    scorer = open_export(folder)
    record = scorer.config
    return Detector(
        system=cast("System", scorer),  # its config is read-only, and nobody writes to one
        crop=record.crop,
        threshold=record.threshold if threshold is None else threshold,
        name=record.name,
        face_detector=face_detector or CenterFace(),
        quality=quality,
        record=record.weights,
        sealed=record.seal is not None,
    )
