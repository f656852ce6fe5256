"""Milliseconds a face after detection: crop and network, one picture a call."""

import os
import statistics
import time
from collections.abc import Sequence
from typing import Any

from despoof.core.types import Face, Image
from peers.contract import Candidate

THREADS = (1, 2)
WARM_UP = 2
SECONDS = 60.0  # for each number of threads; a round that has begun is finished


def latencies(
    candidates: Sequence[Candidate], image: Image, face: Face, rounds: int = 30
) -> dict[str, dict[str, Any]]:
    """Time every candidate with weights on one picture, all by turns in every round.

    By turns, so that what else the machine does falls on all alike; but another program's share of
    the cores lengthens all of them, which `load` shows. Processor time of one thread does not
    count it.

    Args:
        candidates: those without weights are left out.
        image: (H, W, 3) uint8.
        face: in it.
        rounds: how often each is called, after two calls to warm up; fewer where SECONDS are over,
            for two threads that wait for each other on a busy machine take seconds a face. 0: none.

    Returns:
        By name: `ms_1`, `ms_2` (median wall time with one thread and two), `cpu_ms` (median
        processor time with one thread); and under "" the machine's load before and after.
    """
    found: dict[str, dict[str, Any]] = {"": {"load": [os.getloadavg()[0]]}}
    for threads in THREADS:
        # Opened in order and timed in order: torch's number of threads is the same for all.
        judges = {c.name: c.open(threads) for c in candidates if c.open is not None}
        wall: dict[str, list[float]] = {name: [] for name in judges}
        busy: dict[str, list[float]] = {name: [] for name in judges}
        began = time.monotonic()
        for turn in range(rounds + WARM_UP if rounds else 0):
            if turn > WARM_UP and time.monotonic() - began > SECONDS:
                break
            for name, judge in judges.items():
                start, spent = time.perf_counter(), time.process_time()
                judge(image, face)
                if turn >= WARM_UP:
                    busy[name].append(1000 * (time.process_time() - spent))
                    wall[name].append(1000 * (time.perf_counter() - start))
        for name, times in wall.items() if rounds else ():
            row = found.setdefault(name, {})
            row[f"ms_{threads}"] = statistics.median(times)
            if threads == 1:
                row["cpu_ms"] = statistics.median(busy[name])
    found[""]["load"].append(os.getloadavg()[0])
    return found
