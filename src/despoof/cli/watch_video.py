"""`--out FILE`: annotated frames as a video, whole or absent, at the source's own times."""

from collections.abc import Generator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from despoof.core.errors import InputError, MediaError
from despoof.core.types import Image

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

SUFFIXES = (".mp4", ".mov", ".mkv")
_TICK = Fraction(1, 90_000)  # fine enough for 24, 25, 30 and 60 frames a second and their 1/1.001


class _NothingError(Exception):
    """No frame came: there is to be no file."""


class Write(Protocol):
    """Adds a frame."""

    def __call__(self, image: Image, time: float) -> None:
        """Add an (H, W, 3) uint8 RGB picture that is shown from `time`, in seconds."""
        ...


@contextmanager
def annotated_video(path: Path, source: str = "") -> Generator[Write]:
    """Give what adds frames to a video, H.264 where there is an encoder, else MPEG-4.

    The first frame decides the size (odd sides lose a pixel); later ones are scaled to it. The file
    appears when the block ends well and there was a frame.

    Args:
        path: where to; its suffix decides the container.
        source: the video that is being read, which must not be overwritten.

    Raises:
        InputError: another suffix, no folder there, or the source itself; at once.
        MediaError: the encoder refuses.
    """
    from av.error import FFmpegError

    from despoof.core.files import atomic_path

    _refuse(path, source)
    try:
        with atomic_path(path) as temporary:
            sink = _Sink(temporary)
            try:
                yield sink.write
            finally:
                sink.close()
            if not sink.frames:
                raise _NothingError
    except _NothingError:
        return
    except FFmpegError as error:
        raise MediaError(
            f"{path} cannot be written: {error.strerror or error}. Choose another place."
        ) from error


def _refuse(path: Path, source: str) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"--out {path}: expected a name that ends in {', '.join(SUFFIXES)}.")
    if not path.parent.is_dir():
        raise InputError(f"--out {path}: there is no folder {path.parent}. Make it first.")
    if source and path.exists() and Path(source).exists() and path.samefile(source):
        raise InputError(f"--out {path} is the video that is watched. Give another name.")


class _Sink:
    """An encoder that is opened by its first frame."""

    def __init__(self, path: Path) -> None:
        self.frames = 0
        self._path = path
        self._open: tuple[OutputContainer, VideoStream] | None = None
        self._last = -1

    def write(self, image: Image, time: float) -> None:
        import av

        self._open = self._open or _opened(self._path, image)
        container, stream = self._open
        height, width = image.shape[:2]
        pixels = image[: height - height % 2, : width - width % 2]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame = frame.reformat(width=stream.width, height=stream.height, format="yuv420p")
        # Two frames may not share a tick.
        self._last = frame.pts = max(round(time / _TICK), self._last + 1)
        frame.time_base = _TICK
        container.mux(stream.encode(frame))
        self.frames += 1

    def close(self) -> None:
        if self._open is None:
            return
        container, stream = self._open
        try:
            container.mux(stream.encode(None))
        finally:
            container.close()


def _opened(path: Path, image: Image) -> "tuple[OutputContainer, VideoStream]":
    import av

    container = av.open(str(path), "w")
    if "libx264" in av.codecs_available:
        options = {"preset": "veryfast", "crf": "21"}
        stream = container.add_stream("libx264", rate=30, options=options)
    else:
        stream = container.add_stream("mpeg4", rate=30)
        stream.bit_rate = 4_000_000
    height, width = image.shape[:2]
    stream.width, stream.height, stream.pix_fmt = width - width % 2, height - height % 2, "yuv420p"
    stream.time_base = stream.codec_context.time_base = _TICK
    return container, stream
