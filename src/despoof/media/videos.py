"""Frames out of a video, spread evenly over what it really holds."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from despoof.core.errors import InputError, MediaError
from despoof.core.types import Frame, Image
from despoof.media.containers import opened
from despoof.media.film_colour import colour_of
from despoof.media.images import DEFAULT_LIMITS, ImageLimits, check_size, name_of, read_bytes
from despoof.media.picking import decode, seek_each, shown_at, spread
from despoof.media.timeline import Timeline, check_covered, placed, survey
from despoof.media.upright import upright

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_Pick = tuple[int, Image, str]
"""Place in the timeline, picture, what was done to its colours."""

_SEEK_ABOVE = 4.0
"""Seconds between wanted frames above which seeking beats decoding all that lies between."""


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
        limits: larger pictures (and, for an open file, more bytes) are refused.
        name: what messages and `Frame.source` call it; by default its path, "<bytes>" or "<file>".

    Returns:
        1 to `count` distinct frames in the order of time; fewer where the video has fewer. `time`
        is in seconds from the video's start.

    Raises:
        InputError: count is below 1.
        MediaError: missing, not a video, without a film, no frame of it decodes, or too little.
    """
    if count < 1:
        raise InputError(f"count={count} frames are wanted; expected at least 1. Ask for 1 to 100.")
    name = name or name_of(source)
    if not isinstance(source, Path):
        source = read_bytes(source, limits.max_bytes, name)
    timeline = survey(source, name)
    wanted = spread(timeline.lengths, count)
    picks = _search(source, name, timeline, wanted, limits)
    if picks is None:
        picks = _decode(source, name, timeline, wanted, limits)
    return [
        Frame(image, name, index, float(timeline.seconds[place]), colour)
        for index, (place, image, colour) in enumerate(picks)
    ]


def square(frame: "VideoFrame", stream: "VideoStream", limits: ImageLimits, name: str) -> Image:
    """Return a decoded frame as an upright picture of square pixels, unless it is too large.

    Raises:
        MediaError: it is larger than the limits, as stored or stretched.
    """
    check_size((frame.width, frame.height), limits, name)
    aspect = float(stream.sample_aspect_ratio or 1)
    check_size((max(1, round(frame.width * aspect)), frame.height), limits, name)
    return upright(frame, name, aspect)


def _taken(
    found: "Iterable[tuple[int, VideoFrame]]",
    count: int,
    stream: "VideoStream",
    limits: ImageLimits,
    name: str,
) -> list[_Pick]:
    """Convert up to `count` frames; before the first one it is known whether there is room."""
    picks: list[_Pick] = []
    held = 0
    for place, frame in found:
        aspect = float(stream.sample_aspect_ratio or 1)
        size = round(frame.width * aspect) * frame.height * 3
        if held + size * (count - len(picks)) > limits.max_held:
            most = len(picks) + (limits.max_held - held) // max(size, 1)
            raise MediaError(
                f"{name}: {count} frames of {frame.width}x{frame.height} pixels take more than "
                f"{limits.max_held / 1e9:g} GB, the limit. Ask for at most {most} frames, or raise "
                "ImageLimits.max_held."
            )
        image = square(frame, stream, limits, name)
        held += image.nbytes
        picks.append((place, image, colour_of(frame, name).note))
    return picks


def _search(
    source: Path | bytes,
    name: str,
    timeline: Timeline,
    wanted: Sequence[int],
    limits: ImageLimits,
) -> list[_Pick] | None:
    """Jump to the wanted frames where they lie far apart; None where that is not faithful."""
    if float(timeline.seconds[wanted[-1]]) < _SEEK_ABOVE * len(wanted):
        return None
    with opened(source, name, timeline.track) as (container, stream):
        found = seek_each(container, stream, timeline, wanted)
        reached = takewhile(lambda one: one is not None, found)
        picks = _taken((one for one in reached if one), len(wanted), stream, limits, name)
    return picks if len(picks) == len(wanted) else None


def _decode(
    source: Path | bytes,
    name: str,
    timeline: Timeline,
    wanted: Sequence[int],
    limits: ImageLimits,
) -> list[_Pick]:
    """Decode up to the last wanted frame; hold the wanted ones alone."""
    decoded = np.zeros(wanted[-1] + 1, np.bool_)

    def noted(frames: "Iterator[tuple[int, VideoFrame]]") -> "Iterator[tuple[int, VideoFrame]]":
        for place, frame in frames:
            if place < len(decoded):
                decoded[place] = True
            yield place, frame

    with opened(source, name, timeline.track) as (container, stream):
        if stream.width and stream.height:  # 0 until a frame decodes, if the header is damaged
            check_size((stream.width, stream.height), limits, name)
        frames = noted(placed(timeline, decode(container, stream)))
        picks = _taken(shown_at(frames, wanted), len(wanted), stream, limits, name)
    if not picks:
        raise MediaError(
            f"{name} is a video of which no frame decodes. Copy or export the file again."
        )
    check_covered(timeline, decoded, name)
    return picks
