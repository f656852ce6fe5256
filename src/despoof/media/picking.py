"""Which frames of a film are taken, and the way to them, by decoding or by searching."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from despoof.media.containers import packets
from despoof.media.timeline import Timeline, placed

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

T = TypeVar("T")


def spread(lengths: NDArray[np.float64], count: int) -> list[int]:
    """Return the frames on the screen at the middles of `count` equal intervals of their time.

    >>> spread(np.ones(8), 4), spread(np.ones(3), 10**7)
    ([1, 3, 5, 7], [0, 1, 2])

    Args:
        lengths: (N,) seconds that each frame is shown, above 0.
        count: how many are wanted, at least 1; any number takes the same time.

    Returns:
        1 to min(N, count) distinct places, ascending.
    """
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    # Frame i is there at middle k, (k + 1/2) T / count, for k from marks[i] to marks[i + 1] - 1.
    marks = np.ceil(ends * (min(count, 10**12) / ends[-1]) - 0.5)
    return np.flatnonzero(np.diff(marks) > 0).tolist()


def shown_at(frames: Iterable[tuple[int, T]], wanted: Sequence[int]) -> Iterator[tuple[int, T]]:
    """Give the frame at each wanted place, the last one before it where that one is missing.

    A frame after all wanted places is the last one looked at.

    >>> list(shown_at([(0, "a"), (1, "b"), (5, "c")], [1, 4]))
    [(1, 'b')]

    Args:
        frames: (place, frame); one that goes back is passed over.
        wanted: places, ascending.

    Yields:
        Distinct frames in order; the first one stands in for places before it.
    """
    current: tuple[int, T] | None = None
    missing = list(reversed(wanted))
    given = -1
    for item in frames:
        if current is not None and item[0] < current[0]:
            continue
        before = current or item
        current = item
        while missing and missing[-1] <= item[0]:
            one = item if missing.pop() == item[0] else before
            if one[0] > given:
                given = one[0]
                yield one
        if not missing:
            return
    if missing and current is not None and current[0] > given:
        yield current


def decode(container: "InputContainer", stream: "VideoStream") -> "Iterator[VideoFrame]":
    """Decode from where the container stands; pass over packets that do not decode."""
    from av.error import FFmpegError

    for packet in packets(container, [stream]):
        try:
            yield from packet.decode()
        except (FFmpegError, EOFError):
            continue
    try:  # what the decoder still holds back
        yield from stream.decode(None)
    except (FFmpegError, EOFError):
        return


def seek_each(
    container: "InputContainer", stream: "VideoStream", timeline: Timeline, wanted: Sequence[int]
) -> "Iterator[tuple[int, VideoFrame] | None]":
    """Jump to each wanted place and decode only from the key frame before it.

    A search can land after the time that was asked for: many containers are searched by the time
    of decoding. So the stamp of the very frame decides, and the first one that decodes has to be
    the key frame or an earlier one.

    Yields:
        (place, frame) of each wanted place; None, and nothing more, where it cannot be reached so.
    """
    from av.error import FFmpegError

    stamps = timeline.stamps
    if stamps is None or not len(timeline.keys):
        yield None
        return
    for place in wanted:
        before = timeline.keys[timeline.keys[:, 0] <= stamps[place]]
        found = None
        if len(before):
            shown, order = before[-1].tolist()
            try:
                container.seek(min(shown, order), stream=stream)
                found = _reach(placed(timeline, decode(container, stream)), timeline, place, shown)
            except FFmpegError:
                found = None
        yield found
        if found is None:
            return


def _reach(
    frames: "Iterator[tuple[int, VideoFrame]]", timeline: Timeline, place: int, key: int
) -> "tuple[int, VideoFrame] | None":
    first = True
    for at, frame in frames:
        if at == place:
            return at, frame
        if at > place or (first and timeline.stamps is not None and timeline.stamps[at] > key):
            return None
        first = False
    return None
