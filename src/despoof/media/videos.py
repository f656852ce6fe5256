"""Frames out of a video, spread evenly over its time."""

import contextlib
from collections.abc import Generator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from despoof.core.errors import InputError, MediaError
from despoof.core.types import Frame, Image
from despoof.media.images import DEFAULT_LIMITS, ImageLimits, check_size, name_of, read_bytes
from despoof.media.picking import (
    Span,
    decode,
    frame_seconds,
    measure,
    middles,
    seek_each,
    shown_at,
)
from despoof.media.upright import upright

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Bare streams have no index: the duration that FFmpeg gives for them is guessed from the bit rate.
_BARE = "mjpeg,h264,hevc,mpegvideo,m4v"
# Real containers and bare streams only. Other formats of FFmpeg would read a text file as ANSI art,
# or follow a playlist to other files and hosts.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,asf,flv,ogg,mxf,dv,ivf,yuv4mpegpipe,nut,"
    + _BARE
)

_SEEK_ABOVE = 4.0
"""Seconds between wanted frames above which seeking beats decoding all that lies between."""


def read_video(
    source: Path | bytes | BinaryIO,
    count: int = 8,
    limits: ImageLimits = DEFAULT_LIMITS,
    name: str | None = None,
) -> list[Frame]:
    """Read the frames on the screen at the middles of `count` equal intervals of a video's time.

    Time decides and not the frame's number, so a variable frame rate does no harm. Rotation and
    pixel aspect are applied. A damaged or cut video gives frames spread over what decodes.

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
        MediaError: missing, not a video, without pictures, or no frame of it decodes.
    """
    if count < 1:
        raise InputError(f"count={count} frames are wanted; expected at least 1. Ask for 1 to 100.")
    name = name or name_of(source)
    if not isinstance(source, Path):
        source = read_bytes(source, limits.max_bytes, name)
    span = _find_span(source, name, limits)
    wanted = middles(span, count)
    picks, last = _pick(source, name, wanted)
    if last is not None and picks and last < wanted[-1]:
        # The header promised more than there is: spread the frames over what there is.
        picks, _ = _pick(source, name, middles(Span(min(span.start, last), last), count))
    if not picks:
        raise MediaError(
            f"{name} is a video of which no frame decodes. Copy or export the file again."
        )
    start = min(span.start, picks[0][0])
    return [Frame(image, name, index, time - start) for index, (time, image) in enumerate(picks)]


def _find_span(source: Path | bytes, name: str, limits: ImageLimits) -> Span:
    with opened(source, name) as (container, stream):
        if stream.width and stream.height:  # 0 until a frame decodes, if the header is damaged
            check_size((stream.width, stream.height), limits, name)
        base = float(stream.time_base or 1)
        start = stream.start_time * base if stream.start_time is not None else 0.0
        duration = 0.0
        if stream.duration is not None:
            duration = stream.duration * base
        elif container.duration is not None:
            duration = container.duration / 1e6
        if duration <= 0 or container.format.name in _BARE.split(","):
            return measure(container, stream)
        return Span(start, start + duration)


def _pick(
    source: Path | bytes, name: str, wanted: Sequence[float]
) -> tuple[list[tuple[float, Image]], float | None]:
    """Pick the pictures; with them the end of the stream if that came before the last wanted."""
    picks: list[tuple[float, VideoFrame]] | None = None
    last: float | None = None
    with opened(source, name) as (container, stream):
        aspect = float(stream.sample_aspect_ratio or 1)
        if len(wanted) > 1 and wanted[1] - wanted[0] > _SEEK_ABOVE:
            picks = seek_each(container, stream, wanted)
    if picks is None:
        with opened(source, name) as (container, stream):
            picks, end = shown_at(decode(container, stream), wanted)
            last = None if end is None else end + frame_seconds(stream)
    return [(time, upright(frame, aspect)) for time, frame in picks], last


@contextlib.contextmanager
def opened(
    source: Path | bytes, name: str
) -> "Generator[tuple[InputContainer, VideoStream], None, None]":
    """Open the container and find its best video stream; FFmpeg's errors become MediaErrors."""
    import av
    from av.error import FFmpegError

    try:
        # A Python file, not a name: FFmpeg would take "http:…" or "concat:…" for a protocol.
        with (
            source.open("rb") if isinstance(source, Path) else BytesIO(source) as file,
            av.open(
                file,
                mode="r",
                container_options={"format_whitelist": _FORMATS, "protocol_whitelist": "file"},
                metadata_errors="ignore",
            ) as container,
        ):
            stream = next(iter(container.streams.video), None)
            if stream is None:
                raise MediaError(f"{name} has no picture track. Expected a video.")
            if getattr(stream, "codec_context", None) is None:
                raise MediaError(f"{name}: no decoder for its pictures. Export it as H.264.")
            stream.thread_type = "AUTO"
            yield container, stream
    except FFmpegError as error:
        raise MediaError(
            f"{name} cannot be read as a video: {error.strerror or error}. "
            "Expected MP4, MOV, MKV, WebM, AVI or MPEG-TS; copy or export the file again."
        ) from error
    except FileNotFoundError as error:
        raise MediaError(f"There is no file {name}. Check the path.") from error
    except OSError as error:
        raise MediaError(f"{name} cannot be read: {error.strerror or error}.") from error
