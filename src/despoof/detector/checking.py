"""Faces of a picture or a video, judged and explained by a system."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from despoof.core.errors import InputError
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
from despoof.detector.bridged import bridge_of, explained, scored, with_latent
from despoof.detector.crops import CropScorer
from despoof.face.aside import asides
from despoof.face.crop import CropConfig, crop_face, whole_picture_face
from despoof.face.detect import CenterFace
from despoof.face.quality import QualityPolicy, assess
from despoof.media.sources import read_frames
from despoof.weights.record import Record

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from despoof.diffusion.bridge import BridgeConfig, Progress

T = TypeVar("T")

NO_THRESHOLD = "these weights have no threshold; give one (--threshold, load(threshold=…))"
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
        no_threshold: what verdicts say where the threshold is None.
        progress: told a bridge's steps, from (0, all) to (all, all) for each network call.
        sealed: False where it was loaded from a folder that no record vouches for; verdicts say so.
    """

    system: System
    crop: CropConfig
    threshold: float | None
    name: str = "custom"
    face_detector: FaceDetector = field(default_factory=CenterFace)
    quality: QualityPolicy | None = field(default_factory=QualityPolicy)
    device: "torch.device | str" = "cpu"
    batch_size: int = 16
    record: Record | None = None
    no_threshold: str = NO_THRESHOLD
    progress: "Progress | None" = None
    sealed: bool = True

    @property
    def bridge(self) -> "BridgeConfig | None":
        """How the system's bridge is crossed; None where it has none."""
        return bridge_of(self.system)

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
            verdict. A face that was found beside a larger one may be set aside (`Verdict.aside`):
            it has a verdict, and no say in the picture's. Never empty.
            `despoof.core.verdicts.whole_clip` sums them up.

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
        """Sum `check` up: the worst face of a picture, the worst frames of a video."""
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
        without a face give nothing. A system with a bridge gives `BridgedParts`.

        Raises:
            InputError: the weights are an export, which gives scores alone; and as `check`.
        """
        if isinstance(self.system, CropScorer):
            raise InputError(
                f"{self.name} is an export and gives scores alone: no genuine face, no evidence. "
                "Load the weights that it was made from, or check without them (no --explain)."
            )
        import torch

        found = self._examine(_frames_of(source, frames), boxes, cropped)
        faces = [item for item in found if isinstance(item, _Prepared)]
        parts: list[FaceParts] = []
        for chunk in _chunks(faces, self.batch_size):
            pixels = self._pixels([face.crop.image for face in chunk])
            out, made = explained(self.system, pixels, self.progress)
            genuine = ((out.genuine.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
            for i, face in enumerate(chunk):
                one = FaceParts(
                    frame=face.frame,
                    crop=face.crop,
                    verdict=self._verdict(face, float(out.score[i])),
                    genuine=genuine[i].permute(1, 2, 0).cpu().numpy(),
                    noise=out.noise[i].float().permute(1, 2, 0).cpu().numpy(),
                    evidence=out.evidence[i].float().cpu().numpy(),
                )
                parts.append(one if made is None else with_latent(one, self.system, made, i))
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
            height, width = frame.image.shape[:2]
            # Boxes that a caller gave are the faces that are meant.
            beside = [""] * len(faces) if boxes is not None else asides(faces, width, height)
            for face, aside in zip(faces, beside, strict=True):
                crop = crop_face(frame.image, face, self.crop)
                quality = self._quality(frame.image, face, crop)
                found.append(_Prepared(frame, crop, *quality, aside))
            if not faces:
                none = undecided(frame, self.threshold, "no face found")
                found.append(replace(none, sealed=self.sealed))
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

    def _pixels(self, crops: Sequence[Image]) -> "Tensor":
        import torch

        stacked = torch.from_numpy(np.stack(crops)).to(self.device)
        return stacked.permute(0, 3, 1, 2).float() / 127.5 - 1

    def _scores(self, crops: Sequence[Image]) -> list[float]:
        scores: list[float] = []
        for chunk in _chunks(crops, self.batch_size):
            if isinstance(self.system, CropScorer):
                scores += self.system.score_crops(np.stack(chunk)).tolist()
                continue
            scores += scored(self.system, self._pixels(chunk), self.progress).tolist()
        return scores

    def _verdict(self, face: "_Prepared", score: float) -> Verdict:
        base = undecided(face.frame, self.threshold, face.reason, face.crop.face, face.quality)
        base = replace(base, aside=face.aside, sealed=self.sealed)
        if not math.isfinite(score):
            return replace(base, reason=f"the network's score is {score}, not a number")
        if face.reason:
            return replace(base, score=score)
        if self.threshold is None:
            return replace(base, score=score, reason=self.no_threshold)
        return replace(base, score=score, label="live" if score > self.threshold else "spoof")


@dataclass(frozen=True)
class _Prepared:
    frame: Frame
    crop: FaceCrop
    quality: dict[str, float]
    reason: str
    aside: str


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
