"""Batches made ahead in one background thread, in order."""

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

T = TypeVar("T")


@contextlib.contextmanager
def prefetched(
    make: Callable[[int], T], first: int, last: int, ahead: int
) -> Generator[Iterator[T], None, None]:
    """Give an iterator over make(first) … make(last - 1), up to `ahead` of them made in advance.

    What `make` raises is raised where its item is taken. Leaving the context ends the thread.
    """
    if ahead == 0:
        yield (make(index) for index in range(first, last))
        return
    items: queue.Queue[T | BaseException] = queue.Queue(maxsize=ahead)
    stop = threading.Event()

    def put(item: T | BaseException) -> bool:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                items.put(item, timeout=0.1)
                return True
        return False

    def work() -> None:
        for index in range(first, last):
            try:
                item = make(index)
            except BaseException as error:
                put(error)
                return
            if not put(item):
                return

    def take() -> Iterator[T]:
        for _ in range(first, last):
            item = items.get()
            if isinstance(item, BaseException):
                raise item
            yield item

    thread = threading.Thread(target=work, name="despoof-prefetch", daemon=True)
    thread.start()
    try:
        yield take()
    finally:
        stop.set()
        thread.join()
