"""Values of a pure function of the step, made by several threads before they are asked for.

A GPU takes a batch of the fields in less time than one core needs to make it. The loop's own
prefetching is one thread; these are its helpers. What is made does not depend on them.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from despoof.core.device import usable_cores

T = TypeVar("T")
MOST = 8


def helpers() -> int:
    """Return how many threads may help: half of the cores, at most 8; 0 on less than 4 cores."""
    half = usable_cores() // 2
    return min(MOST, half) if half > 1 else 0


class Ahead(Generic[T]):
    """`ahead(step)` is `make(step)`; the steps after it are begun meanwhile.

    For one caller at a time, who asks for rising steps; steps that are not asked for in their turn
    are dropped. The threads end with the object, at the latest with the process.
    """

    def __init__(self, make: Callable[[int], T], workers: int) -> None:
        """Keep `workers` threads busy; 0 = make each value when it is asked for."""
        self.make, self.workers = make, workers
        self._pool = ThreadPoolExecutor(workers, "despoof-ahead") if workers else None
        self._begun: dict[int, Future[T]] = {}

    def __call__(self, step: int) -> T:
        """Return `make(step)`, or raise what it raises."""
        if self._pool is None:
            return self.make(step)
        for old in [k for k in self._begun if not step <= k <= step + self.workers]:
            self._begun.pop(old).cancel()
        for k in range(step, step + self.workers + 1):
            if k not in self._begun:
                self._begun[k] = self._pool.submit(self.make, k)
        return self._begun.pop(step).result()
