"""The edge of this room: whatever a decoder raises leaves it as a MediaError."""

import os
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from despoof.core.errors import DespoofError, MediaError
from despoof.media.names import short

P = ParamSpec("P")
R = TypeVar("R")


def guarded(reader: Callable[P, R]) -> Callable[P, R]:
    """Let nothing but `DespoofError`s out of a reader, whose first argument is its source.

    What a decoder raised becomes a MediaError with that as its cause. KeyboardInterrupt and
    SystemExit are none of an input's doing, and pass.
    """

    @wraps(reader)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return reader(*args, **kwargs)
        except DespoofError:
            raise
        except Exception as error:
            raise unreadable(_named(args[0] if args else None), error) from error

    return inner


def unreadable(name: str, error: Exception) -> MediaError:
    """Return the error of a source whose decoder raised another one than it should."""
    return MediaError(
        f"{name} cannot be read: its decoder ended with {in_words(error)}. Copy or export the file "
        "again."
    )


def in_words(error: BaseException) -> str:
    """Name an error by its type, and by what it says, in one line."""
    said = short(" ".join(str(error).split()))
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _named(source: object) -> str:
    if isinstance(source, str | os.PathLike):
        return short(os.fsdecode(source))
    return f"<{type(source).__name__}>"
