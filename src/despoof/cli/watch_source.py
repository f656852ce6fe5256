"""Every frame of a video file or a camera, at its own pace or as fast as it goes."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from despoof.core.errors import InputError, MediaError
from despoof.core.types import Frame

PATIENCE = 3.0
"""Seconds without a picture after which a camera counts as gone."""


def video_frames(name: str) -> Generator[Frame]:
    """Give every frame of a video that decodes.

    Args:
        name: the file's path; `Frame.source` is this.

    Returns:
        Frames of ascending `time`, seconds from the first one; `index` counts them from 0.

    Raises:
        InputError: a folder or a picture; at once.
        MediaError: there is no such file (at once), it cannot be read as a video, or no frame of
            it decodes.
    """
    from despoof.media.files import head_of
    from despoof.media.formats import HEAD_BYTES, sniff_image

    path = Path(name)
    if path.is_dir():
        raise InputError(f"{name} is a folder; expected a video. Watch its files one at a time.")
    if not path.exists():
        raise MediaError(f"There is no file {name}. Check the path.")
    if sniff_image(head_of(path)[:HEAD_BYTES]) is not None:
        raise InputError(f"{name} is a picture; expected a video. Run: despoof check {name}")
    return _decoded(path, name)


def _decoded(path: Path, name: str) -> Generator[Frame]:
    import numpy as np

    from despoof.media.containers import opened
    from despoof.media.film_colour import colour_of
    from despoof.media.limits import DEFAULT_LIMITS
    from despoof.media.picking import decode
    from despoof.media.timeline import check_covered, placed, survey
    from despoof.media.videos import square

    timeline = survey(path, name)
    decoded = np.zeros(len(timeline), np.bool_)
    start, last, index = 0.0, 0.0, 0
    with opened(path, name, timeline.track) as (container, stream):
        for place, picture in placed(timeline, decode(container, stream)):
            decoded[place] = True
            seconds = float(timeline.seconds[place])
            start = seconds if index == 0 else start
            # The timeline's clock goes on where the stream's goes back; tracks need it to.
            last = max(seconds - start, last + 0.001) if index else 0.0
            image = square(picture, stream, DEFAULT_LIMITS, name)
            yield Frame(image, name, index, last, colour_of(picture, name).note)
            index += 1
    if not index:
        raise MediaError(
            f"{name} is a video of which no frame decodes. Copy or export the file again."
        )
    check_covered(timeline, decoded, name)


def paced(
    frames: Iterator[Frame],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Frame]:
    """Give each frame when its time has come, the first one at once; never earlier."""
    start: float | None = None
    for frame in frames:
        start = clock() - (frame.time or 0.0) if start is None else start
        wait = start + (frame.time or 0.0) - clock()
        if wait > 0:
            sleep(wait)
        yield frame


def newest(frames: Iterator[Frame], patience: float | None = PATIENCE) -> Generator[Frame]:
    """Give the newest frame whenever one is asked for; those that came meanwhile are dropped.

    A thread reads on while the caller works. `Frame.index` tells how many were dropped. The last
    frame is never dropped.

    Args:
        frames: read, and closed at the end, in the thread.
        patience: seconds without a frame that are an error; None waits for ever.

    Raises:
        MediaError: no frame came for that long. What `frames` raises is raised here, after the
            frames before it.
    """
    slot = _Slot()
    reader = threading.Thread(target=slot.fill, args=(frames,), name="frames", daemon=True)
    reader.start()
    try:
        while (frame := slot.take(patience)) is not None:
            yield frame
    finally:
        slot.stop()
        reader.join(timeout=1.0)


class _Slot:
    """Room for one frame between the thread that reads and the one that works."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._error: BaseException | None = None
        self._done = False
        self._stopped = False

    def fill(self, frames: Iterator[Frame]) -> None:
        error: BaseException | None = None
        try:
            for frame in frames:
                with self._changed:
                    if self._stopped:
                        break
                    self._frame = frame
                    self._changed.notify()
        except BaseException as caught:
            error = caught
        finally:
            if isinstance(frames, Generator):
                frames.close()  # here: a generator cannot be closed while another thread runs it
            with self._changed:
                self._error, self._done = error, True
                self._changed.notify()

    def take(self, patience: float | None) -> Frame | None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._frame or self._done, patience):
                raise MediaError(
                    f"No picture came for {patience:g} s. Connect the camera again, or close other "
                    "programs that use it."
                )
            frame, self._frame = self._frame, None
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
