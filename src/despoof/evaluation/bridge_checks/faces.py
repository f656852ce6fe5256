"""The faces that a bridge is checked on: from a manifest, two folders, or the data at hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import DataError, DespoofError
from despoof.core.types import Face, Image
from despoof.data.manifest import Clip
from despoof.data.samples import Sample
from despoof.data.store import CONTEXT_OF_BARE_CROPS
from despoof.detector import CROPPED_CONTEXT
from despoof.face.crop import CropConfig, crop_face, to_crop, whole_picture_face
from despoof.face.detect import CenterFace
from despoof.media.sources import read_frames

FindFace = Callable[[Image], Face | None]
"""A picture's face where the table has none; None where there is none to be seen."""


@dataclass(frozen=True)
class BridgeFaces:
    """N face crops.

    Attributes:
        images: (N, S, S, 3) uint8.
        live: (N,) bool.
        groups: the person of each, or the clip where unknown: the unit of intervals.
        landmarks: (5, 2) float64 of each, in pixels of the crop counted from pixel centres; None
            where the table has none.
        skipped: names of pictures without a readable face.
    """

    images: NDArray[np.uint8]
    live: NDArray[np.bool_]
    groups: tuple[str, ...]
    landmarks: tuple[NDArray[np.float64] | None, ...]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.live)


def cut_faces(
    clips: Sequence[Clip],
    crop: CropConfig,
    count: int,
    find: FindFace,
    show: Callable[[str], None] = lambda name: None,
) -> BridgeFaces:
    """Cut the face of one frame of each clip, half of them live where there are as many.

    Args:
        clips: of both classes; thinned evenly.
        crop: of the system.
        count: of both classes together, at most.
        find: asked where a clip has no box.
        show: told the name of each clip.

    Raises:
        DataError: none of the clips shows a readable face.
    """
    kept: list[tuple[Clip, Image, NDArray[np.float64] | None]] = []
    skipped: list[str] = []
    for clip in _thinned(clips, count):
        show(clip.name)
        try:
            image = read_frames(str(clip.path), 1)[0].image
        except DespoofError:
            skipped.append(clip.name)
            continue
        face = find(image) if clip.box is None else Face(clip.box, clip.landmarks)
        if face is None:
            skipped.append(clip.name)
            continue
        cut = crop_face(image, face, crop)
        points = face.landmarks
        kept.append(
            (clip, cut.image, None if points is None else to_crop(points - 0.5, cut.matrix))
        )
    if not kept:
        raise DataError(
            f"None of {len(skipped)} clips shows a readable face, e.g. {skipped[:1]}. Check the "
            "paths, or say --cropped if the pictures are face crops."
        )
    return BridgeFaces(
        images=np.stack([image for _, image, _ in kept]),
        live=np.array([clip.live for clip, _, _ in kept]),
        groups=tuple(clip.group for clip, _, _ in kept),
        landmarks=tuple(points for _, _, points in kept),
        skipped=tuple(skipped),
    )


def sample_clip(sample: Sample) -> Clip:
    """Return a row of the development data as a manifest has it."""
    return Clip(
        sample.path,
        sample.name,
        sample.label,
        dataset=sample.dataset,
        subject=sample.subject,
        species=sample.species,
        split=sample.split,
        box=sample.box,
        landmarks=sample.landmarks,
    )


def bare_crop_face(image: Image) -> Face:
    """Return the face of a CelebA-Spoof crop that has no box."""
    return whole_picture_face(image, CONTEXT_OF_BARE_CROPS)


def finder(*, cropped: bool) -> FindFace:
    """Return how faces without a box are found: the largest of the picture, or the whole of it."""
    if cropped:
        return lambda image: whole_picture_face(image, CROPPED_CONTEXT)
    detect = CenterFace()
    return lambda image: next(iter(detect(image)), None)


def _thinned(clips: Sequence[Clip], count: int) -> list[Clip]:
    chosen: list[Clip] = []
    for live in (True, False):
        of_class = [clip for clip in clips if clip.live == live]
        wanted = min(len(of_class), count // 2)
        chosen += [of_class[i * len(of_class) // wanted] for i in range(wanted)]
    return chosen
