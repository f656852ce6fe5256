"""Score clips with a detector in batches: one score a clip, or why there is none."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby

from despoof.core.errors import DespoofError, InputError
from despoof.core.types import Face, FaceDetector, Frame, Image, Verdict
from despoof.core.verdicts import clip_score, whole_clip
from despoof.data.manifest import Clip
from despoof.detector import CROPPED_CONTEXT, Detector
from despoof.evaluation.score_journal import Outcome
from despoof.face.crop import whole_picture_face
from despoof.media.guard import in_words
from despoof.media.isolated import read_each

_LOG = logging.getLogger(__name__)
_BATCH_PIXELS = 50_000_000  # of the pictures that wait for the network: 150 MB


@dataclass(frozen=True)
class BulkSettings:
    """How clips become scores.

    Attributes:
        frames: how many of a video are looked at, spread evenly.
        cropped: pictures without a box in the manifest are face crops (about 1.2 × the face).
        detect: find the faces, and pass over the manifest's boxes and landmarks.

    Raises:
        InputError: frames < 1, or both cropped and detect.
    """

    frames: int = 8
    cropped: bool = False
    detect: bool = False

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise InputError(f"frames is {self.frames}; expected at least 1.")
        if self.cropped and self.detect:
            raise InputError("cropped and detect were both given; a face crop needs no detection.")


def score_clips(
    detector: Detector,
    clips: Sequence[Clip],
    settings: BulkSettings,
    show: Callable[[str], None] = lambda name: None,
) -> Iterator[list[tuple[Clip, Outcome]]]:
    """Score clips in batches of about `detector.batch_size` frames; nothing is written.

    The score of a clip is that of `Detector.judge` (`core.verdicts.clip_score`): of its worst
    frames, each its worst face. It does not hang on a threshold: a face that was judged goes before
    one that the quality gate turned away. A clip that could not be decided at all has the score of
    what frames have one, with the reason. Frames, faces and settings are the same in any batch, but
    the last bits of a network's sums are not: equal clips in equal order give equal scores.
    """
    faces = _KnownFaces(detector.face_detector)
    # Against an infinite threshold a judged face is a spoof and a gated one undecided, whatever
    # the weights' own threshold: so `whole_clip` picks by score alone.
    judge = replace(detector, threshold=math.inf, face_detector=faces)
    batch: list[tuple[Clip, list[Frame] | str]] = []
    frames = pixels = 0
    with closing(read_each([str(clip.path) for clip in clips], settings.frames)) as found:
        for clip in clips:
            show(clip.name)
            taken = next(found)
            if isinstance(taken, DespoofError):
                _LOG.debug("%s", clip.name, exc_info=taken)
                batch.append((clip, str(taken)))
                frames += 1
            else:
                batch.append((clip, taken))
                frames += len(taken)
                pixels += sum(frame.image.shape[0] * frame.image.shape[1] for frame in taken)
            if frames >= detector.batch_size or pixels >= _BATCH_PIXELS:
                yield _judge(judge, faces, batch, settings)
                batch, frames, pixels = [], 0, 0
    if batch:
        yield _judge(judge, faces, batch, settings)


def known_faces(clip: Clip, frames: Sequence[Frame], settings: BulkSettings) -> list[Face] | None:
    """Return the face that needs no detector, or None: the manifest's, else the whole picture's.

    A manifest's box belongs to a picture; a video's faces move, and are detected.
    """
    if clip.box is not None and not settings.detect and len(frames) == 1:
        return [Face(box=clip.box, landmarks=clip.landmarks)]
    return [whole_picture_face(frames[0].image, CROPPED_CONTEXT)] if settings.cropped else None


class _KnownFaces:
    """A face detector that was told the faces of some pictures."""

    def __init__(self, other: FaceDetector) -> None:
        self.other = other
        self.faces: dict[int, list[Face]] = {}  # id(image) → faces; valid while the batch is held

    def __call__(self, image: Image) -> list[Face]:
        known = self.faces.get(id(image))
        return self.other(image) if known is None else known


def _judge(
    judge: Detector,
    faces: _KnownFaces,
    batch: Sequence[tuple[Clip, list[Frame] | str]],
    settings: BulkSettings,
) -> list[tuple[Clip, Outcome]]:
    named: list[Frame] = []
    faces.faces.clear()
    for number, (clip, taken) in enumerate(batch):
        if isinstance(taken, str):
            continue
        known = known_faces(clip, taken, settings)
        named += [replace(frame, source=str(number)) for frame in taken]
        if known is not None:
            faces.faces |= {id(frame.image): known for frame in taken}
    try:
        verdicts = judge.check(named) if named else []
    except Exception as error:
        if len(batch) == 1:
            _LOG.debug("%s", batch[0][0].name, exc_info=error)
            known = isinstance(error, DespoofError)
            return [(batch[0][0], Outcome(None, str(error) if known else in_words(error)))]
        # One bad clip must not fail its neighbours.
        return [one for item in batch for one in _judge(judge, faces, [item], settings)]
    found = {source: list(group) for source, group in groupby(verdicts, key=lambda v: v.source)}
    return [
        (clip, Outcome(None, taken) if isinstance(taken, str) else _outcome(found[str(number)]))
        for number, (clip, taken) in enumerate(batch)
    ]


def _outcome(verdicts: Sequence[Verdict]) -> Outcome:
    whole = whole_clip(verdicts)
    if whole.label != "undecided":
        return Outcome(whole.score)
    worst: dict[int, float] = {}
    for verdict in verdicts:
        if verdict.score is not None and not verdict.aside:
            worst[verdict.index] = min(verdict.score, worst.get(verdict.index, math.inf))
    score = clip_score(list(worst.values())) if worst else None
    return Outcome(score, whole.reason)
