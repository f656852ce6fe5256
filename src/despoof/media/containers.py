"""Open a film's container, and tell its film from the covers and thumbnails beside it."""

import contextlib
from collections.abc import Generator, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, cast

from despoof.core.errors import DespoofError, MediaError
from despoof.media.formats import HEAD_BYTES, begins_raw, sniff_other
from despoof.media.guard import unreadable
from despoof.media.limits import DEFAULT_LIMITS, Deadline, ImageLimits, TimedFile, stretched

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

# Real containers and bare streams only. Other formats of FFmpeg would read a text file as ANSI art,
# or follow a playlist to other files and hosts.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,asf,flv,ogg,mxf,dv,ivf,yuv4mpegpipe,nut,"
    "mjpeg,h264,hevc,mpegvideo,m4v"
)

_READ_ERRORS = 100
"""Errors of a container after which its rest is given up; players read on after one, too."""


@contextlib.contextmanager
def opened(
    source: Path | bytes,
    name: str,
    track: int | None = None,
    limits: ImageLimits = DEFAULT_LIMITS,
    deadline: Deadline | None = None,
) -> "Generator[tuple[InputContainer, VideoStream], None, None]":
    """Open a container with the track that is its film; FFmpeg's errors become MediaErrors.

    Args:
        source: a path, or the encoded bytes.
        name: what messages call it.
        track: index of the stream, as `timeline.survey` found it; None = the first of
            `film_tracks`, which knows the header alone.
        limits: larger pictures are refused from the header; where that is silent, by the decoder.
        deadline: looked at whenever bytes of the file are read; None = any time.

    Raises:
        MediaError: missing, not a video, without a film, or beyond the limits.
    """
    import av
    from av.error import FFmpegError

    # The decoder counts whole blocks, at the border more than the picture has.
    room = {"max_pixels": str(limits.max_pixels + limits.max_pixels // 16 + 10_000)}
    try:
        # A Python file, not a name: FFmpeg would take "http:…" or "concat:…" for a protocol.
        head = _film_head(source, name)
        with (
            source.open("rb") if isinstance(source, Path) else BytesIO(source) as file,
            av.open(
                TimedFile(file, deadline) if deadline else file,
                mode="r",
                options=room,
                container_options={
                    "format_whitelist": _FORMATS,
                    "protocol_whitelist": "file",
                    # In joined MPEG-TS the second film may have another number: one film still.
                    "merge_pmt_versions": "1",
                },
                metadata_errors="ignore",
            ) as container,
        ):
            streams = film_tracks(container, name)
            stream = next((one for one in streams if one.index == track), streams[0])
            if not begins_raw(container.format.name, head):
                raise MediaError(
                    f"{name} is not a video: it begins with {head[:8]!r}, and pictures lie "
                    "somewhere in it. Take them out, and pass them alone."
                )
            if stream.width and stream.height:  # 0 until a frame decodes, if the header is damaged
                aspect = float(stream.sample_aspect_ratio or 1)
                stretched(stream.width, stream.height, aspect, limits, name)
            stream.codec_context.options = room
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
    except DespoofError:
        raise
    except Exception as error:  # whatever else a decoder raises, here or in the block
        raise unreadable(name, error) from error


def _film_head(source: Path | bytes, name: str) -> bytes:
    """Return a file's first bytes, unless they tell that it is something which only holds films."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            head = file.read(HEAD_BYTES)
    else:
        head = source[:HEAD_BYTES]
    kind = sniff_other(head)
    if kind:
        raise MediaError(
            f"{name} is of another kind ({kind}), not a picture or a video. Take the pictures or "
            "films out of it, and pass them alone."
        )
    return head


def film_tracks(container: "InputContainer", name: str) -> "list[VideoStream]":
    """Return the tracks that can be the film, the one that a player shows first.

    Attached pictures (a song's or a film's cover) and thumbnails are none. Of the others that which
    the file plays by default goes first, then the one of more frames than one, then the larger.

    Raises:
        MediaError: there is no such track, or no decoder for any.
    """
    from av.stream import Disposition

    beside = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = list(container.streams.video)
    if not streams:
        raise MediaError(f"{name} has no picture track. Expected a video.")
    films = [stream for stream in streams if not stream.disposition & beside]
    if not films:
        raise MediaError(
            f"{name} has no video: its only pictures are a cover or thumbnails. Expected a film."
        )
    known = [one for one in films if getattr(one, "codec_context", None) is not None]
    if not known:
        raise MediaError(f"{name}: no decoder for its pictures. Export it as H.264.")

    def rank(stream: "VideoStream") -> tuple[bool, bool, int, int]:
        default = bool(stream.disposition & Disposition.default)
        return not default, stream.frames == 1, -stream.width * stream.height, stream.index

    return sorted(known, key=rank)


def packets(
    container: "InputContainer", streams: "Sequence[VideoStream]"
) -> "Iterator[Packet[VideoStream]]":
    """Give the packets of some streams to the end of the file, past what cannot be read.

    The packets that ask a decoder for what it holds back (empty ones) are left out.
    """
    from av.error import FFmpegError

    for _ in range(_READ_ERRORS):
        try:
            for packet in container.demux(*streams):
                if packet.size:
                    yield cast("Packet[VideoStream]", packet)
            return
        except FFmpegError:
            continue
        except IndexError:  # PyAV's, at the end: a stream came that was not there at first
            return
