"""Live frames from a camera."""

import sys
from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

from despoof.core.errors import DespoofError, InputError, MediaError
from despoof.core.types import Frame
from despoof.media.guard import unreadable
from despoof.media.upright import upright

if TYPE_CHECKING:
    from av.container import InputContainer


def open_camera(index: int = 0) -> Iterator[Frame]:
    """Open a camera and give its frames until the caller stops asking.

    Closing the iterator (or dropping it) releases the camera.

    Args:
        index: 0 for the first camera.

    Returns:
        Endless frames; `source` is "camera:INDEX", `time` is in seconds from the first frame.

    Raises:
        InputError: index is negative.
        MediaError: there is no such camera, it is in use, or this system lacks a driver for it;
            at once, not at the first frame.
    """
    if index < 0:
        raise InputError(f"Camera index {index} is negative; expected 0 for the first camera.")
    from av.error import FFmpegError

    try:
        return _frames(_open(index, sys.platform), f"camera:{index}")
    except (FFmpegError, OSError, ValueError) as error:
        raise MediaError(
            f"Camera {index} cannot be opened: {error}. Connect one, close other programs that use "
            "it, allow access to it, or pass another index."
        ) from error


def _open(index: int, platform: str) -> "InputContainer":
    import av

    if platform == "darwin":
        # Without a rate, AVFoundation asks for one that most cameras refuse.
        return av.open(f"{index}:none", "r", "avfoundation", options={"framerate": "30"})
    if platform == "win32":
        return av.open(f"video={_windows_name(index)}", "r", "dshow")
    return av.open(f"/dev/video{index}", "r", "v4l2")


def _windows_name(index: int) -> str:
    """DirectShow knows cameras by name only: return the name of the index-th."""
    import av.device

    devices = av.device.enumerate_input_devices("dshow")
    names = [device.name for device in devices if "video" in device.media_types]
    if index >= len(names):
        raise ValueError(f"there are {len(names)} cameras")
    return names[index]


def _frames(container: "InputContainer", source: str) -> Iterator[Frame]:
    from av.error import BlockingIOError, FFmpegError

    start: float | None = None
    numbers = count()
    with container:
        while True:
            try:
                for frame in container.decode(video=0):
                    start = frame.time if start is None else start
                    yield Frame(upright(frame, source), source, next(numbers), frame.time - start)
                return
            except BlockingIOError:
                continue  # AVFoundation's way to say that no new frame is there yet
            except FFmpegError as error:
                raise MediaError(
                    f"{source} stopped: {error.strerror or error}. Connect it again."
                ) from error
            except DespoofError:
                raise
            except Exception as error:
                raise unreadable(source, error) from error
