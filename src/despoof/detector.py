"""The product: a system, its preprocessing, a threshold and a policy make verdicts.

It fails closed. Whatever goes wrong with a face is `undecided` with the reason, never `live`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from despoof.core.device import pick_device
from despoof.core.errors import InputError, WeightsError
from despoof.core.types import (
    Box,
    Face,
    FaceCrop,
    FaceDetector,
    FaceParts,
    Frame,
    Image,
    System,
    Verdict,
)
from despoof.core.verdicts import undecided, whole_clip
from despoof.face.crop import CropConfig, crop_face, whole_picture_face
from despoof.face.detect import CenterFace
from despoof.face.quality import QualityPolicy, assess
from despoof.media.sources import read_frames
from despoof.systems.saving import load_system
from despoof.weights.record import Record, read_record
from despoof.weights.registry import resolve

__all__ = ["DEFAULT_WEIGHTS", "Detector", "FaceParts", "load"]

T = TypeVar("T")

DEFAULT_WEIGHTS = "face-despoofing"
CROPPED_CONTEXT = 1.2
"""`cropped=True`: the picture's side is taken to be this multiple of the face."""


@dataclass(frozen=True)
class Detector:
    """Checks pictures and videos. Safe to share between threads: nothing in it changes.

    Attributes:
        system: decomposes and scores face crops.
        crop: how faces are cut out for it.
        threshold: live iff score > threshold; None makes every verdict undecided.
        name: of the weights, for messages.
        face_detector: finds faces.
        quality: which faces are not judged; None judges every face.
        device: where the system runs.
        batch_size: faces per network call.
        record: what is known about the weights; None for a user's own folder without a record.
    """

    system: System
    crop: CropConfig
    threshold: float | None
    name: str = "custom"
    face_detector: FaceDetector = field(default_factory=CenterFace)
    quality: QualityPolicy | None = field(default_factory=QualityPolicy)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    batch_size: int = 16
    record: Record | None = None

    def check(
        self,
        source: Any,  # noqa: ANN401 - see media.read_frames for what is accepted
        *,
        boxes: Sequence[Box] | None = None,
        cropped: bool = False,
        frames: int = 8,
    ) -> list[Verdict]:
        """Judge every face of a picture or of `frames` frames of a video.

        Args:
            source: path, "-" for stdin, bytes, file object, PIL image, (H, W, 3) uint8 array,
                (3, H, W) tensor in [-1, 1], or a list of `Frame`s that were read before.
            boxes: the faces as (x1, y1, x2, y2) in pixels, instead of detection.
            cropped: the picture already is a face crop (about 1.2 × the face): no detection.
            frames: how many, spread evenly over a video's duration.

        Returns:
            One verdict per face and frame, in order; a frame without a face gives one undecided
            verdict. Never empty. `despoof.core.verdicts.whole_clip` sums them up.

        Raises:
            MediaError: the source cannot be read.
            InputError: an array, tensor or box is malformed.
        """
        found = self._examine(_frames_of(source, frames), boxes, cropped)
        faces = [item for item in found if isinstance(item, _Prepared)]
        scores = iter(self._scores([face.crop.image for face in faces]))
        return [
            item if isinstance(item, Verdict) else self._verdict(item, next(scores))
            for item in found
        ]

    def judge(
        self,
        source: Any,  # noqa: ANN401
        *,
        boxes: Sequence[Box] | None = None,
        cropped: bool = False,
        frames: int = 8,
    ) -> Verdict:
        """Sum `check` up: the worst face of a picture, the mean over the frames of a video."""
        return whole_clip(self.check(source, boxes=boxes, cropped=cropped, frames=frames))

    def decompose(
        self,
        source: Any,  # noqa: ANN401
        *,
        boxes: Sequence[Box] | None = None,
        cropped: bool = False,
        frames: int = 8,
    ) -> list[FaceParts]:
        """Judge every face and give the evidence; arguments as `check`.

        A face that the quality gate turned away is decomposed too, but stays undecided. Frames
        without a face give nothing.
        """
        found = self._examine(_frames_of(source, frames), boxes, cropped)
        faces = [item for item in found if isinstance(item, _Prepared)]
        parts: list[FaceParts] = []
        for chunk in _chunks(faces, self.batch_size):
            pixels = self._pixels([face.crop.image for face in chunk])
            out = self.system.decompose(pixels)
            genuine = ((out.genuine.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
            for i, face in enumerate(chunk):
                parts.append(
                    FaceParts(
                        frame=face.frame,
                        crop=face.crop,
                        verdict=self._verdict(face, float(out.score[i])),
                        genuine=genuine[i].permute(1, 2, 0).cpu().numpy(),
                        noise=out.noise[i].float().permute(1, 2, 0).cpu().numpy(),
                        evidence=out.evidence[i].float().cpu().numpy(),
                    )
                )
        return parts

    def _examine(
        self, frames: Sequence[Frame], boxes: Sequence[Box] | None, cropped: bool
    ) -> list["_Prepared | Verdict"]:
        """Find, measure and cut out every face; a frame without one is a verdict already."""
        if boxes is not None and cropped:
            raise InputError("boxes and cropped were both given; a cropped picture has no boxes.")
        found: list[_Prepared | Verdict] = []
        for frame in frames:
            faces = self._faces(frame.image, boxes, cropped)
            for face in faces:
                crop = crop_face(frame.image, face, self.crop)
                found.append(_Prepared(frame, crop, *self._quality(frame.image, face, crop)))
            if not faces:
                found.append(undecided(frame, self.threshold, "no face found"))
        return found

    def _faces(self, image: Image, boxes: Sequence[Box] | None, cropped: bool) -> list[Face]:
        if cropped:
            return [whole_picture_face(image, CROPPED_CONTEXT)]
        if boxes is None:
            return self.face_detector(image)
        for box in boxes:
            if len(box) != 4 or not all(map(math.isfinite, box)):
                raise InputError(f"Box {tuple(box)}: expected four finite numbers x1, y1, x2, y2.")
        return [Face(box=(float(a), float(b), float(c), float(d))) for a, b, c, d in boxes]

    def _quality(self, image: Image, face: Face, crop: FaceCrop) -> tuple[dict[str, float], str]:
        if self.quality is None:
            return {}, ""
        report = assess(image, face, crop, self.quality)
        return dict(report.values), report.reason

    def _pixels(self, crops: Sequence[Image]) -> Tensor:
        stacked = torch.from_numpy(np.stack(crops)).to(self.device)
        return stacked.permute(0, 3, 1, 2).float() / 127.5 - 1

    def _scores(self, crops: Sequence[Image]) -> list[float]:
        scores: list[float] = []
        for chunk in _chunks(crops, self.batch_size):
            scores += self.system.score(self._pixels(chunk)).tolist()
        return scores

    def _verdict(self, face: "_Prepared", score: float) -> Verdict:
        base = undecided(face.frame, self.threshold, face.reason, face.crop.face, face.quality)
        if not math.isfinite(score):
            return replace(base, reason=f"the network's score is {score}, not a number")
        if face.reason:
            return replace(base, score=score)
        if self.threshold is None:
            reason = "these weights have no threshold; give one (--threshold, load(threshold=…))"
            return replace(base, score=score, reason=reason)
        return replace(base, score=score, label="live" if score > self.threshold else "spoof")


@dataclass(frozen=True)
class _Prepared:
    frame: Frame
    crop: FaceCrop
    quality: dict[str, float]
    reason: str


def load(
    weights: str | Path = DEFAULT_WEIGHTS,
    *,
    threshold: float | None = None,
    face_detector: FaceDetector | None = None,
    quality: QualityPolicy | None = QualityPolicy(),  # noqa: B008 - frozen
    device: str = "cpu",
    allow_download: bool = False,
) -> Detector:
    """Load a detector by the name of shipped weights, or from a folder that training wrote.

    Args:
        weights: a name from `despoof models`, a folder, or "org/name" with `allow_download`.
        threshold: use this one instead of the weights' own.
        face_detector: your own; default CenterFace.
        quality: gate; None judges every face that is found.
        device: auto, cpu, cuda, cuda:N, mps.
        allow_download: let "org/name" be fetched from the Hugging Face hub.

    Raises:
        WeightsError: unknown name, damaged or foreign files, or a threshold that was chosen with
            another preprocessing than the configuration's.
        InputError: the threshold is not finite, or there is no such device.
    """
    if threshold is not None and not math.isfinite(threshold):
        raise InputError(f"threshold is {threshold}; expected a finite number.")
    folder = resolve(weights, allow_download=allow_download)
    record = read_record(folder)
    name, system = load_system(folder)
    if record is not None and record.system.replace("_", "-") != name:
        raise WeightsError(
            f"{folder}: the record is of system {record.system!r}, the configuration of {name!r}. "
            "The files are from different weights; get the folder again."
        )
    crop: CropConfig = system.config.crop
    chosen = threshold
    if chosen is None and record is not None and record.threshold is not None:
        if record.preprocessing_hash != crop.digest():
            raise WeightsError(
                f"The threshold of {record.name!r} was chosen with preprocessing "
                f"{record.preprocessing_hash}, but its configuration has {crop.digest()}: scores "
                "would not mean the same. Calibrate again, or give a threshold yourself."
            )
        chosen = record.threshold.value
    place = pick_device(device)
    cast("nn.Module", system).to(place)
    return Detector(
        system=system,
        crop=crop,
        threshold=chosen,
        name=record.name if record else name,
        face_detector=face_detector or CenterFace(),
        quality=quality,
        device=place,
        record=record,
    )


def _frames_of(source: Any, count: int) -> Sequence[Frame]:  # noqa: ANN401
    if not isinstance(source, list | tuple):
        return read_frames(source, count)
    items = cast("Sequence[Any]", source)
    if not items or not all(isinstance(item, Frame) for item in items):
        raise InputError(
            f"A {type(source).__name__} of {len(items)} items is no picture. Expected at least one "
            "Frame and nothing else; pass other pictures one at a time."
        )
    return items


def _chunks(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
