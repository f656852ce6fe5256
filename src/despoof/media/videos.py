"""Frames out of a video, spread evenly over what it really holds."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from despoof.core.errors import InputError, MediaError
from despoof.core.types import Frame, Image
from despoof.media.containers import opened
from despoof.media.film_colour import colour_of
from despoof.media.guard import guarded
from despoof.media.images import name_of, read_bytes
from despoof.media.limits import DEFAULT_LIMITS, Deadline, ImageLimits, stretched
from despoof.media.picking import decode, seek_each, shown_at, spread
from despoof.media.timeline import Timeline, check_covered, placed, survey
from despoof.media.upright import upright

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_Pick = tuple[int, Image, str]
"""Place in the timeline, picture, what was done to its colours."""

_SEEK_ABOVE = 4.0
"""Seconds between wanted frames above which seeking beats decoding all that lies between."""


@guarded
def read_video(
    source: Path | bytes | BinaryIO,
    count: int = 8,
    limits: ImageLimits = DEFAULT_LIMITS,
    name: str | None = None,
) -> list[Frame]:
    """Read the frames on the screen at the middles of `count` equal intervals of a video's time.

    Time decides and not the frame's number, so a variable frame rate does no harm; the packets'
    time and not the header's, so frames are spread over what is really there, on a clock that goes
    on where the stream's own goes back (`timeline`). Covers and thumbnails are no film. The display
    matrix and the pixel aspect are applied.

    Args:
        source: a path, the encoded bytes, or a file open for reading bytes.
        count: how many frames are wanted, at least 1.
        limits: what is refused before it is decoded (bytes: for an open file), and when it is
            given up.
        name: what messages and `Frame.source` call it; by default its path, "<bytes>" or "<file>".

    Returns:
        1 to `count` distinct frames in the order of time; fewer where the video has fewer. `time`
        is in seconds from the video's start.

    Raises:
        InputError: count is below 1.
        MediaError: missing, not a video, without a film, no frame of it decodes, too little, or
            beyond the limits.
    """
    if count < 1:
        raise InputError(f"count={count} frames are wanted; expected at least 1. Ask for 1 to 100.")
    name = name or name_of(source)
    if not isinstance(source, Path):
        source = read_bytes(source, limits.max_bytes, name)
    deadline = Deadline(limits, name)
    film = _Film(source, name, survey(source, name, limits, deadline), limits, deadline)
    timeline = film.timeline
    wanted = spread(timeline.lengths, count)
    picks = _search(film, wanted)
    if picks is None:
        picks = _decode(film, wanted)
    return [
        Frame(image, name, index, float(timeline.seconds[place]), colour)
        for index, (place, image, colour) in enumerate(picks)
    ]


def square(frame: "VideoFrame", stream: "VideoStream", limits: ImageLimits, name: str) -> Image:
    """Return a decoded frame as an upright picture of square pixels, unless it is too large.

    Raises:
        MediaError: it is larger than the limits, as stored or stretched.
    """
    aspect = float(stream.sample_aspect_ratio or 1)
    stretched(frame.width, frame.height, aspect, limits, name)
    return upright(frame, name, aspect)


@dataclass(frozen=True)
class _Film:
    source: Path | bytes
    name: str
    timeline: Timeline
    limits: ImageLimits
    deadline: Deadline

    def opened(self) -> "AbstractContextManager[tuple[InputContainer, VideoStream]]":
        return opened(self.source, self.name, self.timeline.track, self.limits, self.deadline)

    def check_room(self, size: tuple[int, int], count: int, taken: int = 0, held: int = 0) -> None:
        """Refuse `count` frames, of which `taken` are `held` bytes and the others of this size."""
        each = size[0] * size[1] * 3
        if held + each * (count - taken) <= self.limits.max_held:
            return
        most = taken + (self.limits.max_held - held) // each
        raise MediaError(
            f"{self.name}: {count} frames of {size[0]}x{size[1]} pixels take more than "
            f"{self.limits.max_held / 1e9:g} GB, the limit. Ask for at most {most} frames, or "
            "raise ImageLimits.max_held."
        )


def _taken(
    film: _Film, found: "Iterable[tuple[int, VideoFrame]]", count: int, stream: "VideoStream"
) -> list[_Pick]:
    """Convert up to `count` frames; before the first one it is known whether there is room."""
    picks: list[_Pick] = []
    held = 0
    for place, frame in found:
        film.deadline.check()
        aspect = float(stream.sample_aspect_ratio or 1)
        size = stretched(frame.width, frame.height, aspect, film.limits, film.name)
        film.check_room(size, count, len(picks), held)
        image = square(frame, stream, film.limits, film.name)
        held += image.nbytes
        picks.append((place, image, colour_of(frame, film.name).note))
    return picks


def _search(film: _Film, wanted: Sequence[int]) -> list[_Pick] | None:
    """Jump to the wanted frames where they lie far apart; None where that is not faithful."""
    if float(film.timeline.seconds[wanted[-1]]) < _SEEK_ABOVE * len(wanted):
        return None
    with film.opened() as (container, stream):
        _check_header(film, stream, len(wanted))
        found = seek_each(container, stream, film.timeline, wanted)
        reached = takewhile(lambda one: one is not None, found)
        picks = _taken(film, (one for one in reached if one), len(wanted), stream)
    return picks if len(picks) == len(wanted) else None


def _check_header(film: _Film, stream: "VideoStream", count: int) -> None:
    """Refuse too many frames before the first decodes; a damaged header may not say their size."""
    if stream.width and stream.height:
        aspect = float(stream.sample_aspect_ratio or 1)
        size = stretched(stream.width, stream.height, aspect, film.limits, film.name)
        film.check_room(size, count)


def _decode(film: _Film, wanted: Sequence[int]) -> list[_Pick]:
    """Decode up to the last wanted frame; hold the wanted ones alone."""
    decoded = np.zeros(wanted[-1] + 1, np.bool_)

    def noted(frames: "Iterator[tuple[int, VideoFrame]]") -> "Iterator[tuple[int, VideoFrame]]":
        for place, frame in frames:
            film.deadline.check()
            if place < len(decoded):
                decoded[place] = True
            yield place, frame

    with film.opened() as (container, stream):
        _check_header(film, stream, len(wanted))
        frames = noted(placed(film.timeline, decode(container, stream)))
        picks = _taken(film, shown_at(frames, wanted), len(wanted), stream)
    if not picks:
        raise MediaError(
            f"{film.name} is a video of which no frame decodes. Copy or export the file again."
        )
    check_covered(film.timeline, decoded, film.name)
    return picks
