"""What a film really holds, by its packets: which track, which frames, when they are shown.

A header can promise anything: 2 s of 6, 60 s of 30, frames at times that go back. The packets are
what can be decoded. They are read once, without decoding, and laid out on one clock that only goes
on; everything that picks frames picks them from there.
"""

import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import MediaError
from despoof.media.containers import film_tracks, opened, packets
from despoof.media.joined import check_joined
from despoof.media.limits import DEFAULT_LIMITS, Deadline, ImageLimits, TimedFile

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

LONGEST, SHORTEST = 1.0, 1 / 120
"""Seconds that a frame counts for at most and at least when frames are spread over a film.

One that is held for minutes would otherwise push out of the choice all that comes after it, and
frames whose times are all the same would never be looked at.
"""

COVERED = 0.75
"""Share of a film's time that has to decode for it to be judged."""

_ALONE = 2
"""Frames in a row that may be missing between others without being a gap."""

_MOST = 10_000_000
"""Packets of a film; at 60 a second they last 46 hours. They are held, 17 bytes each."""

_NO_STAMP = -(2**63)


@dataclass(frozen=True, eq=False)
class Timeline:
    """The frames of a film, N of them, in the order in which they are shown.

    Attributes:
        track: index of its stream.
        stamps: (N,) int64, as the packets have them, ticks; `None` where they have none at all.
        seconds: (N,) float64 from 0, strictly ascending: as a player shows them. Where the stream's
            clock goes back, this one goes on.
        lengths: (N,) float64, seconds that each counts for, `SHORTEST` to `LONGEST`.
        keys: (K, 2) int64, stamp and decoding stamp of each key frame, ascending; none where the
            clock goes back, so that a search by time cannot tell where it lands.
        begin: how many frames come before the first key frame; they may not decode.
    """

    track: int
    stamps: NDArray[np.int64] | None
    seconds: NDArray[np.float64]
    lengths: NDArray[np.float64]
    keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    begin: int = 0

    def __len__(self) -> int:
        return len(self.seconds)

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
        stamps = np.zeros(0, np.int64) if self.stamps is None else self.stamps
        order = np.argsort(stamps, kind="stable")
        return stamps[order], order

    def place_of(self, stamp: int, last: int) -> int | None:
        """Return where a stamp stands: the first place after `last`, else the latest; or None.

        It stands in several places where the clock goes back.
        """
        stamps, order = self._sorted
        begin, end = np.searchsorted(stamps, stamp), np.searchsorted(stamps, stamp, "right")
        places = order[begin:end]
        if not len(places):
            return None
        return int(places[min(int(np.searchsorted(places, last, "right")), len(places) - 1)])


def survey(
    source: Path | bytes,
    name: str,
    limits: ImageLimits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> Timeline:
    """Read a film's packets and lay out its frames; nothing is decoded.

    Of several tracks the film is the one that a player shows: with more than one frame, played by
    default, large, long.

    Raises:
        MediaError: missing, not a video, without a film, a film without frames, or beyond the
            limits.
    """
    with opened(source, name, limits=limits, deadline=deadline) as (container, _):
        streams = film_tracks(container, name)
        read = {stream.index: _Packets(stream) for stream in streams}
        for packet in packets(container, streams):
            read[packet.stream_index].add(packet)
            if len(read[packet.stream_index].shown) > _MOST:
                raise MediaError(f"{name} has more than {_MOST} frames. Cut it into parts.")
        # The order of the header, but for tracks of a single picture.
        chosen = min(streams, key=lambda stream: 2 - min(len(read[stream.index].shown), 2))
        found = read[chosen.index]
        if container.format.name == "mpegts":
            ids = {stream.id for stream in container.streams.video}
            with source.open("rb") if isinstance(source, Path) else BytesIO(source) as file:
                timed = TimedFile(file, deadline) if deadline else file
                check_joined(timed, ids, sum(len(one.shown) for one in read.values()), name)
        if not found.shown:
            raise MediaError(
                f"{name} is a video of which no frame decodes. Copy or export the file again."
            )
        return found.timeline()  # here: a stream of a closed container knows nothing


def film_track(source: Path | bytes, name: str, limits: ImageLimits = DEFAULT_LIMITS) -> int:
    """Return the index of the film's stream; packets are read only where there is a choice.

    Raises:
        MediaError: as `survey`.
    """
    with opened(source, name, limits=limits) as (container, stream):
        if len(film_tracks(container, name)) == 1:
            return stream.index
    return survey(source, name, limits).track


def placed(
    timeline: Timeline, frames: "Iterable[VideoFrame]"
) -> "Iterator[tuple[int, VideoFrame]]":
    """Find each decoded frame's place in the timeline, by its stamp; skip the damaged ones.

    A frame that the decoder patched up from damaged data is left out: a patched face would be
    judged as if it had been filmed so.
    """
    last = -1
    for frame in frames:
        place = None if frame.pts is None else timeline.place_of(frame.pts, last)
        last = min(last + 1, len(timeline) - 1) if place is None else place
        if not frame.is_corrupt:
            yield last, frame


def check_covered(timeline: Timeline, decoded: NDArray[np.bool_], name: str) -> None:
    """Refuse a film of which too much does not decode: what is left may not be what it shows.

    Frames before the first key frame are forgiven, since nothing can show them; so are one or two
    between others, since some streams store a frame as two fields, or frames that are never shown.

    Args:
        timeline: of the film.
        decoded: (n,) which of its first n frames did.
        name: what messages call it.

    Raises:
        MediaError: less than `COVERED` of their time decodes; says how much, and from where on.
    """
    lost = ~decoded
    lost[: timeline.begin] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]])))
    gaps = [(a, b) for a, b in edges.reshape(-1, 2).tolist() if b - a > _ALONE]
    lengths = timeline.lengths[: len(decoded)]
    missing = math.fsum(float(lengths[a:b].sum()) for a, b in gaps)
    whole = float(lengths[decoded].sum()) + missing
    if missing > (1 - COVERED) * whole:
        raise MediaError(
            f"{name}: only {whole - missing:.1f} of {whole:.1f} s decode, the first gap is at "
            f"{timeline.seconds[gaps[0][0]]:.1f} s; expected at least {100 * COVERED:.0f} %. Copy "
            "or export the file again."
        )


class _Packets:
    """The stamps of one stream's packets, as they come, and where its clock starts anew."""

    def __init__(self, stream: "VideoStream") -> None:
        self.stream = stream
        self.shown = array("q")
        self.order = array("q")
        self.key = array("b")
        self.starts = [0]
        self.timed = True
        self.top = self.before = _NO_STAMP

    def add(self, packet: "Packet[VideoStream]") -> None:
        if packet.is_discard:  # cut off by an edit list: decoded, but never shown
            return
        shown = packet.pts if packet.pts is not None else packet.dts
        order = packet.dts if packet.dts is not None else packet.pts
        if shown is None or order is None:
            self.timed = False
            shown = order = len(self.shown)
        # Decoding stamps ascend, and a key frame is shown after all that was stored before it.
        # Where that is not so, another film begins, or the clock was set back.
        back = packet.dts is not None and packet.dts < self.before
        if self.shown and (back or (packet.is_keyframe and shown <= self.top)):
            self.starts.append(len(self.shown))
            self.top = _NO_STAMP
        self.top = max(self.top, shown)
        if packet.dts is not None:
            self.before = packet.dts
        self.shown.append(shown)
        self.order.append(order)
        self.key.append(packet.is_keyframe)

    def timeline(self) -> Timeline:
        shown = np.array(self.shown, np.int64)
        key = np.array(self.key, np.bool_)
        if not self.timed:
            rate = self.stream.average_rate or self.stream.guessed_rate
            step = float(1 / rate) if rate else 0.04
            seconds = np.arange(len(shown), dtype=np.float64) * step
            return Timeline(self.stream.index, None, seconds, np.full(len(shown), step))
        parts = [np.sort(part) for part in np.split(shown, self.starts[1:])]
        stamps = np.concatenate(parts)
        gaps = np.diff(stamps) * float(self.stream.time_base or 1)
        inner = np.ones(len(gaps), np.bool_)
        inner[np.array(self.starts[1:], np.int64) - 1] = False
        usual = float(np.median(gaps[inner])) if inner.any() else 0.04
        gaps[~inner] = usual
        gaps[gaps <= 0] = 0.001
        seconds = np.concatenate([[0.0], np.cumsum(gaps)])
        lengths = np.clip(np.append(gaps, usual), SHORTEST, LONGEST)
        keys = np.stack([shown, np.array(self.order, np.int64)], axis=1)[key]
        firsts = np.flatnonzero(key)
        return Timeline(
            track=self.stream.index,
            stamps=stamps,
            seconds=seconds,
            lengths=lengths,
            keys=keys if len(parts) == 1 else keys[:0],
            begin=int(firsts[0]) if len(firsts) else 0,
        )
