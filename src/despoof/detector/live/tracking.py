"""Which face of this picture is which of the pictures before: by the overlap of their boxes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from despoof.core.types import Box, Face
from despoof.detector.live.config import TrackingConfig


@dataclass(frozen=True)
class Track:
    """One face over time.

    Attributes:
        number: from 1, in the order of appearance; never given twice.
        face: as it was last found.
        seen: when that was, seconds.
        found: whether the latest search found it.
        hits: how many searches did.
    """

    number: int
    face: Face
    seen: float
    found: bool = True
    hits: int = 1


def iou(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes, in [0, 1]; 0 where one is empty.

    >>> iou((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if not (width > 0 and height > 0):
        return 0.0
    shared = width * height
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    ratio = shared / (sum(areas) - shared)
    return ratio if ratio > 0 else 0.0  # of a box that is not finite it is no number


def match(tracks: Sequence[Track], faces: Sequence[Face], min_iou: float) -> dict[int, int]:
    """Pair tracks with faces, the best overlap first; each track and each face at most once.

    Args:
        tracks: any order.
        faces: any order.
        min_iou: pairs below are none.

    Returns:
        Position in `tracks` → position in `faces`.
    """
    overlaps = [
        (iou(track.face.box, face.box), -t, -f)
        for t, track in enumerate(tracks)
        for f, face in enumerate(faces)
    ]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for overlap, t, f in sorted(overlaps, reverse=True):
        if overlap < min_iou:
            break
        if -t not in pairs and -f not in taken:
            pairs[-t] = -f
            taken.add(-f)
    return pairs


def follow(
    tracks: Sequence[Track],
    faces: Sequence[Face],
    time: float,
    first_free: int,
    config: TrackingConfig,
) -> list[Track]:
    """Carry tracks on to what a search found; faces without a track begin one.

    Args:
        tracks: of the search before; `ended` ones are taken out by the caller.
        faces: what the search found.
        time: of the search, seconds.
        first_free: the number of the first new track.
        config: least overlap.

    Returns:
        The tracks, in their order, then the new ones in the order of `faces`.
    """
    pairs = match(tracks, faces, config.min_iou)
    carried = [
        Track(track.number, faces[pairs[t]], time, True, track.hits + 1)
        if t in pairs
        else replace(track, found=False)
        for t, track in enumerate(tracks)
    ]
    known = set(pairs.values())
    new = [face for f, face in enumerate(faces) if f not in known]
    return carried + [Track(first_free + i, face, time) for i, face in enumerate(new)]


def ended(track: Track, time: float, config: TrackingConfig) -> bool:
    """Tell whether a track is over: unseen for longer than the gap, or time went back."""
    return not 0 <= time - track.seen <= config.gap
