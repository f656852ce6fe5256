"""Names that no file can have, and what was meant instead."""

import re
from pathlib import Path

from despoof.core.errors import MediaError

_LONGEST = 200  # letters of a name that messages repeat
_HEAD = re.compile(rb"\s*(?:data:[\w.+-]+/[\w.+-]+[^,]{0,80},|/9j/|iVBORw0KGgo|UklGR|R0lGOD|AAAA)")
_REST = re.compile(rb"[A-Za-z0-9+/\s_-]{24,}={0,2}\s*")
_DECODE = "Decode it first, base64.b64decode(text), and pass the bytes."


def check_name(name: str) -> None:
    """Refuse a name that no file can have, before anything else stumbles over it.

    Raises:
        MediaError: it holds NUL, is longer than the file system allows, lies in a folder that may
            not be entered, or is base64 text in the place of a name.
    """
    if "\0" in name:
        raise MediaError(f"{short(name)!r} holds NUL, which no file's name does. Correct it.")
    try:
        there = Path(name).exists()
    except OSError as error:
        if not is_base64(name.encode("utf-8", "replace")):
            raise MediaError(
                f"{short(name)} cannot be read: {error.strerror}. Check the name."
            ) from error
        there = False
    if not there and is_base64(name.encode("utf-8", "replace")):
        raise MediaError(f"{short(name)} is no file's name but base64 text. {_DECODE}")


def check_text(data: bytes, name: str) -> None:
    """Refuse bytes that are a picture's base64 text and not the picture.

    Raises:
        MediaError: they are.
    """
    if is_base64(data[:4096]):
        raise MediaError(f"{name} holds the base64 text of a picture or video. {_DECODE}")


def is_base64(data: bytes) -> bool:
    """Tell whether text begins as the base64 of a picture or video does, or as a data: URI."""
    head = _HEAD.match(data)
    return head is not None and _REST.fullmatch(data[head.end() :]) is not None


def short(name: str) -> str:
    """Return a name as messages repeat it: its beginning, and how long it is if that is much."""
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}… ({len(name)} letters)"
