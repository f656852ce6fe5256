"""One picture out of a file, bytes or an open file: always upright 8-bit RGB."""

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from PIL import Image as PillowImage

from despoof.core.errors import DespoofError, MediaError
from despoof.core.types import Image
from despoof.media.coded_pictures import coding_of
from despoof.media.formats import HEAD_BYTES, sniff_image
from despoof.media.guard import guarded, in_words
from despoof.media.limits import DEFAULT_LIMITS, Deadline, ImageLimits, check_held, check_size
from despoof.media.metadata import check_directory, check_metadata
from despoof.media.pixels import held_by, rgb_pixels
from despoof.media.plugins import open_header
from despoof.media.quiet import quiet
from despoof.media.transfer import check_coding, to_srgb

_PIECE = 2**20  # bytes


@guarded
def read_image(
    source: Path | bytes | BinaryIO,
    limits: ImageLimits = DEFAULT_LIMITS,
    name: str | None = None,
) -> Image:
    """Read one picture; the first frame of an animation.

    JPEG, PNG, WebP, BMP, TIFF, GIF, PPM, HEIC and AVIF, told apart by content and not by name. The
    orientation is applied, an embedded colour profile (or the coding of HEIC, AVIF and PNG: HLG,
    PQ, BT.2020, Display P3) is converted to sRGB, transparent pixels are laid over mid grey (127),
    and 16-bit values are scaled by 1/257.

    Args:
        source: a path, the encoded bytes, or a file open for reading bytes.
        limits: what is refused before anything is decoded.
        name: what messages call the source; by default its path, "<bytes>" or "<file>".

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        MediaError: missing, empty, too large, truncated, broken, or not a picture.
    """
    return read_noted(source, limits, name)[0]


@guarded
def read_noted(
    source: Path | bytes | BinaryIO,
    limits: ImageLimits = DEFAULT_LIMITS,
    name: str | None = None,
) -> tuple[Image, str]:
    """As `read_image`; with it, what was done to the colours (see `core.types.Frame`)."""
    name = name or name_of(source)
    data = read_bytes(source, limits.max_bytes, name)
    kind = sniff_image(data[:HEAD_BYTES])
    if kind is None:
        raise MediaError(
            f"{name} is not a picture: it begins with {data[:8]!r}. Expected JPEG, PNG, WebP, BMP, "
            "TIFF, GIF, PPM, HEIC or AVIF."
        )
    check_metadata(kind, data, limits, name)
    deadline = Deadline(limits, name)
    with _complaints(name, kind), open_header(kind, data, deadline) as image:
        check_size(image.size, limits, name)
        coding = coding_of(kind, data, image)
        if coding is not None:
            check_coding(coding, name)
        if coding is None or not coding.done:
            return _pixels(image, limits, name, deadline), ""
        image.info.pop("icc_profile", None)
        return to_srgb(_pixels(image, limits, name, deadline), coding), coding.done


@guarded
def read_pillow(image: PillowImage.Image, limits: ImageLimits = DEFAULT_LIMITS) -> Image:
    """Turn a PIL image of any mode into a picture, by the same rules as `read_image`.

    Args:
        image: opened or made; its EXIF orientation is applied if it still carries one.
        limits: a larger picture is refused before it is decoded.

    Returns:
        (H, W, 3) uint8 RGB; a copy.

    Raises:
        MediaError: too large, truncated, broken, or of a mode that is no picture.
    """
    name = "<PIL image>"
    with _complaints(name, image.format or "PIL"):
        return _pixels(image, limits, name, Deadline(limits, name))


def name_of(source: Path | bytes | BinaryIO) -> str:
    """Return what messages call a source without a better name."""
    if isinstance(source, Path):
        return str(source)
    return "<bytes>" if isinstance(source, bytes) else "<file>"


def _pixels(image: PillowImage.Image, limits: ImageLimits, name: str, deadline: Deadline) -> Image:
    check_size(image.size, limits, name)
    check_held(image.size, held_by(image.mode), limits, name)
    exif = image.info.get("exif")
    if isinstance(exif, bytes):
        check_directory(exif.removeprefix(b"Exif\0\0"), limits, name)
    image.load()
    return rgb_pixels(image, name, deadline)


@contextlib.contextmanager
def _complaints(name: str, kind: str) -> Generator[None]:
    """Drop Pillow's warnings and turn its errors into MediaErrors."""
    with quiet():
        try:
            yield
        except DespoofError:
            raise
        except Exception as error:  # Pillow and its plug-ins raise nearly everything
            raise MediaError(
                f"{name} is not a whole {kind} picture: {str(error) or in_words(error)}. Copy or "
                "export the file again."
            ) from error


def _read_at_most(stream: BinaryIO, count: int) -> bytes | str:
    # In pieces: a file that is asked for 200 MB sets them aside, however short it is.
    parts: list[bytes] = []
    while count > 0:
        part: bytes | str = stream.read(min(count, _PIECE))
        if isinstance(part, str):
            return part
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def read_bytes(source: Path | bytes | BinaryIO, max_bytes: int, name: str) -> bytes:
    """Return all bytes of a path, bytes or an open file, never more than `max_bytes`.

    Raises:
        MediaError: unreadable, empty, or larger than `max_bytes`.
    """
    try:
        if isinstance(source, bytes):
            data = source
        elif isinstance(source, Path):
            with source.open("rb") as stream:
                data = _read_at_most(stream, max_bytes + 1)
        else:
            data = _read_at_most(source, max_bytes + 1)
    except FileNotFoundError as error:
        raise MediaError(f"There is no file {name}. Check the path.") from error
    except OSError as error:
        raise MediaError(f"{name} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # a name with NUL; a file that was closed
        raise MediaError(f"{name!r} cannot be read: {error}.") from error
    if isinstance(data, str):
        raise MediaError(f"{name} is open as text. Open it for reading bytes: open(path, 'rb').")
    if not data:
        raise MediaError(f"{name} is empty (0 bytes). Expected a picture or a video.")
    if len(data) > max_bytes:
        raise MediaError(
            f"{name} is larger than {max_bytes / 1e6:g} MB, the limit. Use a smaller file, or "
            "raise ImageLimits.max_bytes."
        )
    return data
