"""Which frames of a stream are on the screen at wanted times, by decoding or by seeking."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

T = TypeVar("T")


@dataclass(frozen=True)
class Span:
    """A stretch of time in a stream's own clock, seconds; streams need not start at 0."""

    start: float
    end: float


def middles(span: Span, count: int) -> list[float]:
    """Return the middles of `count` equal intervals of a span, seconds.

    >>> middles(Span(0.0, 8.0), 4)
    [1.0, 3.0, 5.0, 7.0]
    """
    step = (span.end - span.start) / count
    return [span.start + (i + 0.5) * step for i in range(count)]


def shown_at(
    frames: Iterable[tuple[float, T]], wanted: Sequence[float]
) -> tuple[list[tuple[float, T]], float | None]:
    """Pick the frame on the screen at each wanted time: the last one that is not later.

    A frame later than all wanted times is the last one looked at.

    >>> shown_at([(0.0, "a"), (1.0, "b"), (5.0, "c")], [0.5, 4.0])
    ([(0.0, 'a'), (1.0, 'b')], None)

    Args:
        frames: (seconds, frame), ascending; one that jumps back in time is passed over.
        wanted: seconds, ascending.

    Returns:
        The distinct frames in order (the first frame stands in for times before it), and the time
        of the very last frame if the stream ended before a frame later than all wanted times.
    """
    picks: list[tuple[float, T]] = []
    current: tuple[float, T] | None = None
    missing = list(wanted)
    for item in frames:
        if current is not None and item[0] < current[0]:
            continue
        if missing and item[0] > missing[0]:
            picks.append(current or item)
            while missing and item[0] > missing[0]:
                missing.pop(0)
        current = item
        if not missing:
            return _distinct(picks), None
    if missing and current is not None:
        picks.append(current)
    return _distinct(picks), current[0] if current is not None else None


def decode(
    container: "InputContainer", stream: "VideoStream"
) -> Iterator[tuple[float, "VideoFrame"]]:
    """Decode from where the container stands; give (seconds, frame) and pass over damage.

    Packets that do not decode, and frames that the decoder patched up from damaged data, are left
    out: a patched face would be judged as if it had been filmed so. An unreadable rest ends it.
    """
    from av.error import FFmpegError

    packets = container.demux(stream)
    index = 0
    ended = False
    while not ended:
        try:
            packet = next(packets, None)
        except FFmpegError:
            packet = None
        ended = packet is None
        try:
            # At the end, ask for what the decoder still holds back; [] if it was asked already.
            frames = packet.decode() if packet is not None else stream.decode(None)
        except (FFmpegError, EOFError):
            continue
        for frame in frames:
            # Bare streams carry no times: count frames at the stream's rate.
            seconds = frame.time if frame.pts is not None else index * frame_seconds(stream)
            index += 1
            if not frame.is_corrupt:
                yield seconds, frame


def seek_each(
    container: "InputContainer", stream: "VideoStream", wanted: Sequence[float]
) -> "list[tuple[float, VideoFrame]] | None":
    """Jump to each wanted time and decode only from the key frame before it.

    Returns:
        What `shown_at` would pick, or None where this container cannot be searched faithfully: the
        jump fails, lands late, or the stream ends too early.
    """
    from av.error import FFmpegError

    picks: list[tuple[float, VideoFrame]] = []
    tick = float(stream.time_base or 1)
    for time in wanted:
        try:
            container.seek(int(time / tick), stream=stream)
        except FFmpegError:
            return None
        found, last = shown_at(decode(container, stream), [time])
        if not found or found[0][0] > time:
            return None
        if last is not None and last + frame_seconds(stream) < time:
            return None
        picks += found
    return _distinct(picks)


def measure(container: "InputContainer", stream: "VideoStream") -> Span:
    """Find the span from the packets' own times, without decoding; reads the whole stream."""
    from av.error import FFmpegError

    length = frame_seconds(stream)
    start, end, count = float("inf"), float("-inf"), 0
    try:
        for packet in container.demux(stream):
            count += 1 if packet.size else 0
            if packet.pts is not None and packet.time_base:
                time = float(packet.pts * packet.time_base)
                start, end = min(start, time), max(end, time + length)
    except FFmpegError:
        pass  # a cut file: what came before is the span
    return Span(start, end) if end > start else Span(0.0, max(count, 1) * length)


def frame_seconds(stream: "VideoStream") -> float:
    """Return how long a frame lasts on average, seconds; 1/25 where the stream does not say."""
    rate = stream.average_rate or stream.guessed_rate
    return float(1 / rate) if rate else 0.04


def _distinct(picks: list[tuple[float, T]]) -> list[tuple[float, T]]:
    return [pick for i, pick in enumerate(picks) if i == 0 or pick[0] != picks[i - 1][0]]
