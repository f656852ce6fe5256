"""`--window`: the annotated frames on the screen."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from despoof.core.errors import InputError
from despoof.core.types import Image

_KEYS = {27, ord("q")}  # Esc, q


@contextmanager
def window(title: str) -> Generator[Callable[[Image], bool]]:
    """Open a window; give what shows an (H, W, 3) RGB picture and tells whether to go on.

    It says no when the user pressed q or Esc or closed the window.

    Raises:
        InputError: there is no display, or OpenCV was built without windows.
    """
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        # Asked all the same, Qt would end the whole process.
        raise InputError(
            "--window needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set. Leave it "
            "out, or write a video with --out FILE.mp4."
        )
    import cv2

    try:
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
    except cv2.error as error:
        raise InputError(
            "--window: this OpenCV opens no windows. Install opencv-python instead of "
            "opencv-python-headless, or write a video with --out FILE.mp4."
        ) from error
    sized = False

    def show(image: Image) -> bool:
        nonlocal sized
        if not sized:
            cv2.resizeWindow(title, image.shape[1], image.shape[0])
            sized = True
        cv2.imshow(title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        pressed = cv2.waitKey(1) & 0xFF
        return pressed not in _KEYS and cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) >= 1

    try:
        yield show
    finally:
        cv2.destroyAllWindows()
