"""Many files, read in a process of their own: one that crashes its decoder costs itself alone."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np

from despoof.core import errors
from despoof.core.errors import DespoofError, MediaError
from despoof.core.types import Frame
from despoof.media.limits import DEFAULT_LIMITS, ImageLimits, too_slow
from despoof.media.sources import read_frames

PROGRAM = "from despoof.media.worker import main; main()"
"""What the process runs."""

GRACE = 5.0
"""Seconds that the process has beyond `ImageLimits.max_seconds` before it is ended."""

START = 120.0
"""Seconds that the process has until it is there; a busy machine is slow."""


class _InWorker(Exception):  # noqa: N818 - it only carries the traceback, for --debug
    """The traceback of an error in the other process."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def read_each(
    paths: Sequence[str], count: int = 8, limits: ImageLimits = DEFAULT_LIMITS
) -> Generator[list[Frame] | DespoofError]:
    """Read files one after the other, as `read_frames` does; what cannot be read is an error.

    More than one file are read in a process of their own, and each while the caller works on the
    one before. Where the process crashes, is killed, or takes too long for one frame to look at the
    clock, that file is a MediaError, and the next one is read in a new process. One file alone, and
    what is no plain file (a pipe, standard input), is read in this process.

    Args:
        paths: of pictures and videos.
        count: how many frames of a video are wanted.
        limits: what is refused.

    Yields:
        For each path its frames, or why there are none. Close the generator to end the process.
    """
    apart = [len(paths) > 1 and _is_plain(path) for path in paths]
    worker = _Worker(count, limits)
    try:
        for index, path in enumerate(paths):
            if index == 0 and apart[0]:
                worker.ask(path)
            found = worker.take(path) if apart[index] else _here(path, count, limits)
            if index + 1 < len(paths) and apart[index + 1]:
                worker.ask(paths[index + 1])
            yield found
    finally:
        worker.end()


class _Worker:
    """The other process; it is started when it is asked and there is none."""

    def __init__(self, count: int, limits: ImageLimits) -> None:
        self._count, self._limits = count, limits
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    def ask(self, path: str) -> None:
        """Begin to read a file; `take` has to follow before the next one."""
        request = {"path": path, "count": self._count, "limits": asdict(self._limits)}
        line = json.dumps(request).encode() + b"\n"
        try:
            self._send(line)
        except OSError:  # it was killed since it answered last: no fault of this file
            self.end()
            self._send(line)

    def take(self, path: str) -> list[Frame] | DespoofError:
        """Return what became of the file that was asked for."""
        process = self._process
        assert process is not None
        late = threading.Event()
        try:
            if not self._ready:
                with _stopped_after(process, START, threading.Event()):
                    self._ready = bool(cast("BufferedReader", process.stdout).readline())
            with _stopped_after(process, self._limits.max_seconds + GRACE, late):
                return self._answer(process, path)
        except EOFError:
            self.end()
            if late.is_set():
                return too_slow(path, self._limits.max_seconds)
            return MediaError(
                f"{path} ended the process that reads files ({_ending(process.returncode)}): its "
                "decoder crashed, or there was too little memory. Copy or export the file again."
            )

    def end(self) -> None:
        """End the process, if there is one."""
        process, self._process, self._ready = self._process, None, False
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was left to write
                    continue

    def _send(self, line: bytes) -> None:
        if self._process is None:
            self._process = _start()
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _answer(self, process: "subprocess.Popen[bytes]", path: str) -> list[Frame] | DespoofError:
        answers = cast("BufferedReader", process.stdout)
        line = answers.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        head: dict[str, Any] = json.loads(line)
        if "error" in head:
            kind = getattr(errors, head["error"])
            error: DespoofError = kind(head["text"])
            error.__cause__ = _InWorker(head["trace"])
            return error
        held = sum(prod(about["shape"]) for about in head["frames"])
        if held > self._limits.max_held:
            raise EOFError
        frames: list[Frame] = []
        for about in head["frames"]:
            image = np.empty(about.pop("shape"), np.uint8)
            if answers.readinto(image.data.cast("B")) < image.nbytes:
                raise EOFError
            frames.append(Frame(image, path, **about))
        return frames


@contextmanager
def _stopped_after(
    process: "subprocess.Popen[bytes]", seconds: float, late: threading.Event
) -> Generator[None]:
    """Kill a process, and set `late`, if the block takes longer; its reader then sees the end."""

    def stop() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _start() -> "subprocess.Popen[bytes]":
    # What this process imports is what the other one imports, and nothing from the folder where
    # the user stands: it may be the one with the files that are not trusted.
    paths = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )


def _here(path: str, count: int, limits: ImageLimits) -> list[Frame] | DespoofError:
    try:
        return read_frames(path, count, limits)
    except DespoofError as error:
        return error


def _is_plain(path: str) -> bool:
    try:
        return path != "-" and Path(path).is_file()
    except (OSError, ValueError):  # reading it will say why
        return False


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
