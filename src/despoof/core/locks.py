"""One writer at a time: a lock that the system lets go of when its holder ends, however it ends."""

import contextlib
import os
import sys
from collections.abc import Generator
from pathlib import Path

from despoof.core.errors import DespoofError


@contextlib.contextmanager
def only_writer(path: str | Path, refusal: DespoofError) -> Generator[None]:
    """Hold the lock file `path`; nobody waits, the second one is refused at once.

    The lock belongs to the open file, not to the name: a holder that is killed leaves at most an
    unlocked file, which the next one takes over. It holds between threads of one process, too.

    Args:
        path: of the lock file; made here, and removed at the end. Its folder exists.
        refusal: what is raised when somebody else holds it.

    Raises:
        DespoofError: `refusal`.
        OSError: the file cannot be made, or the file system knows no locks.
    """
    path = Path(path)
    handle = _take(path, refusal)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no open file: it stays, unlocked
            path.unlink()
        os.close(handle)


def _take(path: Path, refusal: DespoofError) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle)
        except (BlockingIOError, PermissionError) as error:
            os.close(handle)
            raise refusal from error
        except BaseException:
            os.close(handle)
            raise
        if _is_still(path, handle):
            return handle
        os.close(handle)  # its holder removed the file between our opening and locking it


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
