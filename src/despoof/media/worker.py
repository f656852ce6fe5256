"""The process that reads files for another one (`isolated`), so that a crash ends it alone.

It is asked on standard input and answers on standard output, both pipes of its parent. A request is
a line of JSON; an answer is a line of JSON and the pixels of its frames, one after the other. It
imports no torch, and ends when its parent is gone.
"""

import json
import os
import signal
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from despoof.core.errors import DespoofError
from despoof.core.types import Frame
from despoof.media.limits import ImageLimits
from despoof.media.sources import read_frames

READY = b"ready\n"
"""The first answer, before any request: from now on the clock runs."""


def main() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, too, which ends this
    _first_to_go()
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # A decoder that prints must not print into the answers.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    with requests, answers, suppress(BrokenPipeError):
        answers.write(READY)
        answers.flush()
        while line := requests.readline():
            _serve(json.loads(line), answers)


def _serve(request: dict[str, Any], answers: BinaryIO) -> None:
    frames: list[Frame] = []
    try:
        frames = read_frames(request["path"], request["count"], ImageLimits(**request["limits"]))
        head: dict[str, Any] = {"frames": [_about(frame) for frame in frames]}
    except DespoofError as error:
        trace = "".join(traceback.format_exception(error))
        head = {"error": type(error).__name__, "text": str(error), "trace": trace}
    answers.write(json.dumps(head).encode() + b"\n")
    for frame in frames:
        answers.write(frame.image.data)
    answers.flush()


def _about(frame: Frame) -> dict[str, Any]:
    return {
        "shape": frame.image.shape,
        "index": frame.index,
        "time": frame.time,
        "colour": frame.colour,
    }


def _first_to_go() -> None:
    """Where memory runs out, this process is ended and not its parent (Linux)."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
