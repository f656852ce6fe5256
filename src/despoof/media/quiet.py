"""Silence warnings in one thread only.

Pillow warns about many harmless oddities (a corrupt EXIF tag, a large picture). The caller can do
nothing about them, and whoever turns warnings into errors would lose a readable picture.
`warnings.catch_warnings` swaps a list that all threads share, so two readers in a server's thread
pool could switch off, or restore, each other's filters. Here one filter stays installed, and it
matches only while the current thread is inside `quiet()`.
"""

import contextlib
import warnings
from collections.abc import Generator
from contextvars import ContextVar
from typing import cast

_silent: ContextVar[bool] = ContextVar("despoof_silent", default=False)


class _WhileSilent:
    """Stands where a filter has its message pattern: `match` is all that `warnings` asks of it."""

    def match(self, _text: str) -> bool:
        return _silent.get()


_FILTER = ("ignore", _WhileSilent(), Warning, None, 0)


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Drop every warning that the current thread raises inside the block."""
    filters = cast("list[object]", warnings.filters)
    # The first match decides; whoever put filters before ours, or swapped the list, is overtaken.
    if not filters or filters[0] is not _FILTER:
        with contextlib.suppress(ValueError):
            filters.remove(_FILTER)
        filters.insert(0, _FILTER)
    token = _silent.set(True)
    try:
        yield
    finally:
        _silent.reset(token)
