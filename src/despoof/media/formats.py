"""Which files are pictures and which are videos, by name and by their first bytes."""

from typing import Literal

ImageFormat = Literal["JPEG", "PNG", "WebP", "BMP", "TIFF", "GIF", "PPM", "HEIC", "AVIF"]


def _words(text: str) -> list[str]:
    return text.split()


IMAGE_SUFFIXES = frozenset(
    _words(
        ".jpg .jpeg .jpe .jfif .mpo .png .webp .bmp .dib .tif .tiff .gif .ppm .pgm .pbm "
        ".pnm .heic .heif .hif .avif"
    )
)
VIDEO_SUFFIXES = frozenset(
    _words(
        ".mp4 .m4v .mov .qt .3gp .3g2 .mkv .webm .avi .ts .mts .m2ts .mpg .mpeg .m1v .m2v "
        ".wmv .asf .flv .ogv .ogg .mxf .dv .ivf .mjpeg .mjpg .h264 .264 .h265 .265 .hevc "
        ".y4m"
    )
)

HEAD_BYTES = 64
"""How many first bytes `sniff_image` and `sniff_video` want."""

_STARTS: tuple[tuple[bytes, ImageFormat], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}


def sniff_image(head: bytes) -> ImageFormat | None:
    """Name the picture format that `head` (a file's first `HEAD_BYTES` bytes) begins, or None.

    >>> sniff_image(b"GIF89a..."), sniff_image(b"hello")
    ('GIF', None)
    """
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "PPM"
    if head[4:8] == b"ftyp":
        # Compatible brands decide too: many AVIF files call themselves "mif1" first. The box may
        # be shorter than the head.
        brands = head[8 : min(int.from_bytes(head[:4], "big"), len(head))]
        names = {brands[i : i + 4] for i in range(0, len(brands), 4)}
        if names & _AVIF_BRANDS:
            return "AVIF"
        if names & _HEIC_BRANDS:
            return "HEIC"
    return None


# Raw streams that FFmpeg finds anywhere in a file, and what a file of one begins with.
_RAW = {"mjpeg": (b"\xff\xd8",)} | dict.fromkeys(
    ("h264", "hevc", "mpegvideo", "m4v"), (b"\0\0\x01", b"\0\0\0\x01")
)
_OTHERS = (
    (b"PK\x03\x04", "ZIP archive"),
    (b"PK\x05\x06", "ZIP archive"),
    (b"%PDF", "PDF document"),
    (b"\0\0\x01\0", "icon"),
    (b"\0\0\x02\0", "cursor"),
    (b"\x1f\x8b", "gzip archive"),
    (b"7z\xbc\xaf", "7z archive"),
    (b"Rar!", "RAR archive"),
    (b"\xd0\xcf\x11\xe0", "Office document"),
)


def sniff_other(head: bytes) -> str:
    """Name the kind of file that only *holds* pictures or films, as an archive does; "" = none.

    >>> sniff_other(b"%PDF-1.7"), sniff_other(b"GIF89a...")
    ('PDF document', '')
    """
    return next((name for start, name in _OTHERS if head.startswith(start)), "")


def begins_raw(container: str, head: bytes) -> bool:
    """Tell whether a file begins as FFmpeg's format `container`, where that is a raw stream.

    >>> begins_raw("mjpeg", b"PK"), begins_raw("matroska", b"PK")
    (False, True)
    """
    return container not in _RAW or head.startswith(_RAW[container])


def sniff_video(head: bytes) -> bool:
    """Tell whether a file's first `HEAD_BYTES` bytes begin one of the common video containers.

    >>> sniff_video(b"RIFF....AVI LIST"), sniff_video(b"hello")
    (True, False)
    """
    return sniff_image(head) is None and (
        head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")
        or head.startswith((b"\x1aE\xdf\xa3", b"FLV\x01", b"OggS", b"\x30\x26\xb2\x75\x8e\x66"))
        or head.startswith((b"\0\0\x01\xba", b"\0\0\x01\xb3", b"DKIF", b"YUV4MPEG2"))
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or head.startswith(b"G@")  # MPEG-TS: sync byte, then the first packet of a table
    )
