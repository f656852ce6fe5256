"""What one file may ask for: pixels, bytes, shape and time, each refused before it is taken."""

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from despoof.core.errors import MediaError

STRIP = 2**22
"""Pixels that are converted at once; what a conversion needs beside its result stays small."""


@dataclass(frozen=True)
class ImageLimits:
    """What is refused before it is decoded.

    Attributes:
        max_pixels: width × height that the header may announce; of a film, each frame's.
        max_bytes: size of the file, the bytes or the stream.
        max_held: bytes of decoded pixels that are held at once: of a picture its own, with those
            of its conversion; of a film all frames that are wanted, together.
        max_side: width and height, each.
        max_aspect: width of a film's pixel over its height, or the other way round.
        max_metadata: bytes beside the pixels in a JPEG or PNG (EXIF, profiles, text) together.
        max_seconds: for reading one file, by the clock on the wall. It is looked at whenever bytes
            are read, between a film's frames, and between strips of rows that are converted. It
            cannot interrupt a decoder that works on one frame, or on a whole WebP, HEIC or AVIF;
            where files are read in a process of their own (`read_each`), that process is ended.
    """

    max_pixels: int = 80_000_000
    max_bytes: int = 200_000_000
    max_held: int = 1_000_000_000
    max_side: int = 65_535
    max_aspect: float = 8.0
    max_metadata: int = 16_000_000
    max_seconds: float = 60.0


DEFAULT_LIMITS = ImageLimits()


class Deadline:
    """When the reading of one file has to be done."""

    def __init__(self, limits: ImageLimits, name: str) -> None:
        self._seconds, self._name = limits.max_seconds, name
        self._end = time.monotonic() + limits.max_seconds

    def check(self) -> None:
        """Raise a MediaError if it is over."""
        if time.monotonic() > self._end:
            raise too_slow(self._name, self._seconds)


class TimedBytes(io.BytesIO):
    """Bytes of a file whose readers are stopped at its deadline."""

    def __init__(self, data: bytes, deadline: Deadline) -> None:
        super().__init__(data)
        self._deadline = deadline

    def read(self, size: int | None = -1, /) -> bytes:
        """Return the next bytes; raises MediaError after the deadline."""
        self._deadline.check()
        return super().read(size)


class TimedFile:
    """A file that is open for reading bytes, and whose readers are stopped at its deadline."""

    def __init__(self, file: BinaryIO, deadline: Deadline) -> None:
        self._file, self._deadline = file, deadline
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes; raises MediaError after the deadline."""
        self._deadline.check()
        return self._file.read(size)


def too_slow(name: str, seconds: float) -> MediaError:
    """Return the error of a file that takes too long."""
    return MediaError(
        f"{name} takes more than {seconds:g} s to read, the limit. Use a shorter or smaller file, "
        "or raise ImageLimits.max_seconds."
    )


def check_size(size: tuple[int, int], limits: ImageLimits, name: str) -> None:
    """Refuse a picture whose header announces no pixels, too many, or too long a side.

    Raises:
        MediaError: names the size and the limit.
    """
    width, height = size
    if width < 1 or height < 1:
        raise MediaError(f"{name} is {width}x{height} pixels; expected at least 1x1.")
    if width * height > limits.max_pixels:
        raise MediaError(
            f"{name} is {width}x{height} = {width * height / 1e6:.0f} megapixels; the limit is "
            f"{limits.max_pixels / 1e6:g} megapixels. Make it smaller, or raise "
            "ImageLimits.max_pixels."
        )
    if max(size) > limits.max_side:
        raise MediaError(
            f"{name} is {width}x{height} pixels; the limit is {limits.max_side} a side. Make it "
            "smaller, or raise ImageLimits.max_side."
        )


def check_held(size: tuple[int, int], each: int, limits: ImageLimits, name: str) -> None:
    """Refuse a picture that takes too much room while it is converted, at `each` bytes a pixel.

    Raises:
        MediaError: names the room and the limit.
    """
    room = size[0] * size[1] * each
    if room > limits.max_held:
        raise MediaError(
            f"{name} is {size[0]}x{size[1]} pixels, which take {room / 1e9:.2g} GB decoded; the "
            f"limit is {limits.max_held / 1e9:g} GB. Make it smaller, or raise "
            "ImageLimits.max_held."
        )


def stretched(
    width: int, height: int, aspect: float, limits: ImageLimits, name: str
) -> tuple[int, int]:
    """Return the size of a film's frame with square pixels, unless it is too large.

    Args:
        width: as stored.
        height: as stored.
        aspect: width of a pixel over its height.
        limits: for the size as stored, as stretched, and for the aspect.
        name: what messages call the film.

    Raises:
        MediaError: names the size or the aspect, and the limit.
    """
    check_size((width, height), limits, name)
    if not 1 / limits.max_aspect <= aspect <= limits.max_aspect:
        raise MediaError(
            f"{name}: its pixels are {aspect:g} times as wide as high; the limit is "
            f"{limits.max_aspect:g} either way. Export it with square pixels, or raise "
            "ImageLimits.max_aspect."
        )
    size = max(1, round(width * aspect)), height
    check_size(size, limits, name)
    return size


def strips(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Divide a picture's rows into strips of about `STRIP` pixels: (first row, end).

    >>> list(strips(5000, 2000))
    [(0, 2097), (2097, 4194), (4194, 5000)]
    """
    rows = max(1, STRIP // max(width, 1))
    for top in range(0, height, rows):
        yield top, min(top + rows, height)
