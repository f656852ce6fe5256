"""A clip to its crops: frames, a face in each, the crop and its relief; from the cache if kept."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from despoof.core.config import StrictConfig
from despoof.core.files import atomic_path
from despoof.core.types import Face, FaceDetector, Image
from despoof.data.boxes import Faces, find_box_file, read_box_file
from despoof.data.crop_cache import (
    Choose,
    CropCache,
    Crops,
    clip_key,
    load_crops,
    preprocessing_key,
    save_crops,
)
from despoof.data.frames import FrameRule, count_frames, pick_frames, read_numbered
from despoof.data.manifest import Clip
from despoof.data.store import extent_of
from despoof.face.crop import CropConfig, crop_face, whole_picture_face
from despoof.face.depth import DepthLabeller
from despoof.face.detect import CenterFace


class CutConfig(StrictConfig):
    """How clips become crops."""

    crop: CropConfig
    frames: int | None = Field(
        default=16, ge=1, description="of a video that are cut, evenly spread; none = all"
    )
    rule: FrameRule = Field(default="uniform", description="which frames; see data.frames")
    boxes: Literal["files", "detector", "whole"] = Field(
        default="files",
        description="files: the manifest's and the dataset's own, the detector where they have "
        "none; detector: it alone; whole: pictures are face crops",
    )
    context: float = Field(
        default=1.2, ge=1, description="side of a picture / face, where boxes is whole"
    )

    @model_validator(mode="after")
    def _ssdg_takes_one_or_two(self) -> Self:
        if self.rule == "ssdg" and self.frames not in (1, 2):
            raise ValueError(f"rule ssdg takes 1 or 2 frames, not {self.frames}")
        return self


@dataclass(frozen=True)
class Cutter:
    """Cuts clips and keeps what it cut. Threads may share one.

    Attributes:
        config: how.
        cache: folder of cut crops and detections; None = keep nothing.
        limit: bytes of crops that are kept at most; None = no limit.
        detector: finds faces where no file tells.
        detector_name: names the detector in the cache's key; give another with another detector.
        depth: gives crops their relief; None = no relief.
        depth_name: names it in the cache's key.
    """

    config: CutConfig
    cache: Path | None = None
    limit: int | None = None
    detector: FaceDetector = field(default_factory=CenterFace)
    detector_name: str = "centerface"
    depth: DepthLabeller | None = None
    depth_name: str = ""

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What decides a crop, plain."""
        depth = (self.depth_name or type(self.depth).__name__) if self.depth else ""
        return {"cut": self.config.plain(), "detector": self.detector_name, "depth": depth}

    @cached_property
    def crops(self) -> CropCache | None:
        """Where crops are kept."""
        if self.cache is None:
            return None
        return CropCache(self.cache, preprocessing_key(self.settings), self.limit)

    @cached_property
    def detections(self) -> CropCache | None:
        """Where detections are kept: beside the crops, and for crops of any size."""
        if self.cache is None:
            return None
        return CropCache(self.cache, preprocessing_key({"detector": self.detector_name}))


def crops_of(cutter: Cutter, clip: Clip, choose: Choose = range) -> Crops:
    """Return crops of a clip: from the cache, else cut (all at once, and kept).

    Frames without a face are left out; a clip may have none at all.

    Args:
        cutter: how, and where they are kept.
        clip: a picture or a video.
        choose: given how many crops there are, the places of those wanted; default all.

    Raises:
        MediaError: the file cannot be read.
        DataError: a box file is malformed, or the cache cannot be written.
    """
    box_file = find_box_file(clip) if cutter.config.boxes == "files" else None
    key = clip_key(clip, box_file)
    if cutter.crops is not None:
        kept = load_crops(cutter.crops, key, choose)
        if kept is not None:
            return kept
    crops = _cut(cutter, clip)
    if cutter.crops is not None:
        save_crops(cutter.crops, key, crops)
    return crops.take(choose(len(crops.images)))


def _cut(cutter: Cutter, clip: Clip) -> Crops:
    config = cutter.config
    size = config.crop.size
    labeller = cutter.depth
    images: list[Image] = []
    depth: list[NDArray[np.uint8]] = []
    numbers: list[int] = []
    rows: list[tuple[float, ...]] = []
    extent: list[float] = []
    for number, image, face in faces_in(cutter, clip):
        crop = crop_face(image, face, config.crop)
        images.append(crop.image)
        numbers.append(number)
        rows.append(face.box)
        extent.append(extent_of(crop, config.crop.scale))
        if labeller is not None:
            depth.append((labeller(crop) * 255).round().astype(np.uint8))
    side = 0 if labeller is None else 32
    return Crops(
        images=np.array(images, np.uint8).reshape(-1, size, size, 3),
        numbers=np.array(numbers, np.int64),
        extent=np.array(extent, np.float32),
        boxes=np.array(rows, np.float64).reshape(-1, 4),
        depth=np.array(depth, np.uint8).reshape(len(images), side, side),
    )


def faces_in(cutter: Cutter, clip: Clip) -> Iterator[tuple[int, Image, Face]]:
    """Give (number, picture, face) of each wanted frame that has a face.

    Raises:
        MediaError: the file cannot be read.
        DataError: a box file is malformed.
    """
    box_file = find_box_file(clip) if cutter.config.boxes == "files" else None
    total = count_frames(clip.path)
    # A row may speak of the first frames only (SiW's protocol 1).
    total = min(total, clip.frames) if clip.frames else total
    detect = _Detections(cutter, clip)
    told: Faces | None = None
    for number, image in read_numbered(
        clip.path, pick_frames(total, cutter.config.frames, cutter.config.rule)
    ):
        if cutter.config.boxes == "whole":
            yield number, image, whole_picture_face(image, cutter.config.context)
            continue
        if told is None:
            told = _told(cutter, clip, box_file, image, total)
        face = told.get(number) or detect(number, image)
        if face is not None:
            yield number, image, face
    detect.save()


def _told(cutter: Cutter, clip: Clip, box_file: Path | None, image: Image, total: int) -> Faces:
    """Return the faces that files tell; the manifest's box is a picture's, not a video's."""
    if cutter.config.boxes == "detector":
        return {}
    if clip.box is not None and total == 1:
        return {0: Face(box=clip.box, landmarks=clip.landmarks)}
    return {} if box_file is None else read_box_file(clip, box_file, image.shape[:2])


class _Detections:
    """The detector's faces of one clip: read when first asked, written when new ones came."""

    def __init__(self, cutter: Cutter, clip: Clip) -> None:
        self.detector = cutter.detector
        self.path = None
        if cutter.detections is not None:
            self.path = cutter.detections.path(clip_key(clip), ".json")
        self.known: Faces | None = None
        self.new = False

    def __call__(self, number: int, image: Image) -> Face | None:
        """Return the largest face of a frame, None where there is none."""
        if self.known is None:
            self.known = {} if self.path is None else _read_faces(self.path)
        if number not in self.known:
            found = self.detector(image)
            self.known[number] = found[0] if found else None
            self.new = True
        return self.known[number]

    def save(self) -> None:
        """Keep what was found, with what others found meanwhile."""
        if self.path is None or not self.new or self.known is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        faces = _read_faces(self.path) | self.known
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps({str(k): _plain(v) for k, v in faces.items()}))


def _plain(face: Face | None) -> list[Any] | None:
    if face is None:
        return None
    points = None if face.landmarks is None else face.landmarks.tolist()
    return [list(face.box), points, face.confidence]


def _read_faces(path: Path) -> Faces:
    """Read kept detections; a file that is missing or damaged holds none."""
    try:
        values = cast("dict[str, list[Any] | None]", json.loads(path.read_text()))
        return {int(number): _face(value) for number, value in values.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _face(value: list[Any] | None) -> Face | None:
    if value is None:
        return None
    (x1, y1, x2, y2), points, confidence = value
    landmarks = None if points is None else np.array(points, np.float32).reshape(5, 2)
    return Face(box=(x1, y1, x2, y2), landmarks=landmarks, confidence=confidence)
