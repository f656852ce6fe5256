"""Files that are either whole or absent: write beside, then rename."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Generator
from pathlib import Path


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Generator[Path]:
    """Give a temporary path in the same folder; on success it replaces `path`, else it is removed.

    The temporary name keeps the suffix, so writers that look at it still work. A kill -9 leaves at
    most a hidden `.name.*` file, never half of `path`.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes private files
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def is_file(path: str | Path) -> bool:
    """Tell whether there is such a file; there is none of a name that no file can have."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):  # too long, NUL, a folder that may not be entered
        return False


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits; constant memory."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
