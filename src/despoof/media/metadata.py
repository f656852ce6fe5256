"""What a picture carries beside its pixels, measured before a reader unfolds it.

Readers join a JPEG's segments as they come, and copy every entry of a directory (TIFF, EXIF, MPF).
Many small segments, or many entries that name the same bytes, become far more than the file is.
"""

from collections.abc import Iterator

from despoof.core.errors import MediaError
from despoof.media.formats import ImageFormat
from despoof.media.limits import ImageLimits

_SEGMENTS = 4096  # beside the pixels; a profile has 255 at most
_CHUNKS = 500_000  # of a PNG, pixels included
_PIXEL_CHUNKS = (b"IDAT", b"fdAT", b"fcTL", b"IEND")
_UNITS = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8)  # bytes of TIFF's types
_TILE_WIDTH, _TILE_HEIGHT = 322, 323


def check_metadata(kind: ImageFormat, data: bytes, limits: ImageLimits, name: str) -> None:
    """Refuse a file with too much beside its pixels. A damaged one passes: its reader will tell.

    Args:
        kind: of JPEG, PNG and TIFF something is checked; the others' readers have limits.
        data: the whole file.
        limits: `max_metadata` bytes; for tiles, `max_pixels`.
        name: what messages call it.

    Raises:
        MediaError: too many bytes or segments, or a directory that names bytes more than once.
    """
    if kind == "TIFF":
        check_directory(data, limits, name)
        return
    if kind not in ("JPEG", "PNG"):
        return
    total = count = 0
    exif: list[bytes] = []
    for begin, end in _segments(data) if kind == "JPEG" else _chunks(data, name):
        total, count = total + end - begin, count + 1
        if total > limits.max_metadata or count > _SEGMENTS:
            raise MediaError(
                f"{name} has more than {limits.max_metadata / 1e6:g} MB or {_SEGMENTS} segments "
                "beside its pixels (EXIF, profiles, text), the limit. Export it without them, or "
                "raise ImageLimits.max_metadata."
            )
        if data[begin : begin + 4] == b"Exif":
            exif.append(data[begin:end].removeprefix(b"Exif\0\0"))
        elif data[begin : begin + 4] == b"MPF\0":
            check_directory(data[begin + 4 : end], limits, name)
        elif data[begin - 4 : begin] == b"eXIf":
            check_directory(data[begin:end], limits, name)
    check_directory(b"".join(exif), limits, name)


def check_directory(data: bytes, limits: ImageLimits, name: str) -> None:
    """Refuse a TIFF or EXIF whose first directory is more than its bytes, or has a huge tile.

    Raises:
        MediaError: says so.
    """
    order = "little" if data[:2] == b"II" else "big"
    if data[:2] not in (b"II", b"MM"):
        return

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)

    big = number(2, 2) == 43
    start, word = (number(8, 8), 8) if big else (number(4, 4), 4)
    head, entry = (8, 20) if big else (2, 12)
    total = 0
    tile = {_TILE_WIDTH: 0, _TILE_HEIGHT: 0}
    for i in range(min(number(start, head), (len(data) - start) // entry + 1)):
        at = start + head + i * entry
        tag, unit, count = number(at, 2), number(at + 2, 2), number(at + 4, word)
        size = count * (_UNITS[unit] if unit < len(_UNITS) else 0)
        total += size if size > word else 0
        if tag in tile:
            tile[tag] = number(at + 4 + word, min(max(size, 1), word))
    if total > len(data):
        raise MediaError(
            f"{name}: the entries of its TIFF or EXIF directory are {total} bytes, and all of it "
            f"is {len(data)}. Expected that each byte belongs to one. Export it again."
        )
    if tile[_TILE_WIDTH] * tile[_TILE_HEIGHT] > limits.max_pixels:
        raise MediaError(
            f"{name} has tiles of {tile[_TILE_WIDTH]}x{tile[_TILE_HEIGHT]} pixels; the limit is "
            f"{limits.max_pixels / 1e6:g} megapixels. Export it again, without tiles."
        )


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Give what lies between the marker segments' lengths and their ends, up to the pixels."""
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        marker = data[at + 1]
        if marker in (0xD9, 0xDA):
            return
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield at + 4, end
        at = max(end, at + 4)


def _chunks(data: bytes, name: str) -> Iterator[tuple[int, int]]:
    at = 8
    for _ in range(_CHUNKS):
        if at + 8 > len(data):
            return
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] not in _PIXEL_CHUNKS:
            yield at + 8, min(end, len(data))
        at = end + 4
    raise MediaError(f"{name} has more than {_CHUNKS} PNG chunks, the limit. Export it again.")
