"""MPEG-TS files that go on with another film: is every video packet part of the track that is read?

A transport stream can be joined as bytes. Where the second film comes under another number, and in
a programme that the beginning does not announce, readers stay with the first one.
"""

import re
from collections import Counter
from typing import BinaryIO

from despoof.core.errors import MediaError
from despoof.media.limits import TimedFile

_PIECE = 2**24  # bytes
_PACKET = 188
_VIDEO = re.compile(rb"\x00\x00\x01[\xe0-\xef]")


def check_joined(file: BinaryIO | TimedFile, known: set[int], found: int, name: str) -> None:
    """Refuse a transport stream that holds more video than was found in it.

    Args:
        file: open for reading bytes, anywhere.
        known: numbers (PID) of the video streams that are known.
        found: how many packets they gave.
        name: what messages call it.

    Raises:
        MediaError: there are pictures under other numbers, and they were not found.
    """
    starts = video_starts(file)
    other = sorted(set(starts) - known)
    if other and found < 0.95 * starts.total():
        raise MediaError(
            f"{name}: another film begins in its middle (PID {', '.join(map(str, other))}), which "
            "cannot be read with the first. Export it as one film."
        )


def video_starts(file: BinaryIO | TimedFile) -> Counter[int]:
    """Count the video packets (PES) of a transport stream by the number (PID) of their stream."""
    file.seek(0)
    found: Counter[int] = Counter()
    before = b""
    while piece := file.read(_PIECE):
        data = before + piece
        # What begins in the overlap was counted with the piece before.
        for match in _VIDEO.finditer(data, max(len(before) - 3, 0)):
            pid = _pid_of(data, match.start())
            if pid is not None:
                found[pid] += 1
        before = data[-_PACKET - 3 :]
    return found


def _pid_of(data: bytes, payload: int) -> int | None:
    """Find the header of the transport packet whose payload begins here."""
    for start in range(payload - 4, max(payload - _PACKET, 0) - 1, -1):
        if data[start] != 0x47 or not data[start + 1] & 0x40:
            continue
        filled = data[start + 3] & 0x20  # an adaptation field lies between
        if start + 4 + (1 + data[start + 4] if filled else 0) == payload:
            return (data[start + 1] & 0x1F) << 8 | data[start + 2]
    return None
