"""What is drawn on a frame: boxes, decisions, score bars, and the noise of the largest face."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from despoof.core.types import Image

if TYPE_CHECKING:
    from despoof.detector.live.following import Followed

_FONT_SCALE, _DARK, _WHITE = 0.45, (24, 26, 30), (236, 238, 241)
_BAR = 6
"""Height of the score bar, pixels."""


def annotated(image: Image, faces: "Sequence[Followed]", inset: Image | None = None) -> Image:
    """Draw what is known on a copy of a frame.

    The bar below a box shows the share of the evidence that is live (green), spoof (red) and not
    judged (grey). A box that stands still since the latest search did not find its face is thin.

    Args:
        image: (H, W, 3) uint8 RGB.
        faces: to be drawn, any number.
        inset: (S, S, 3) uint8 RGB for the upper right corner; left out where it does not fit.
    """
    import cv2

    from despoof.evaluation.panels import LABEL_COLOURS, printable

    canvas = np.ascontiguousarray(image).copy()
    height, width = canvas.shape[:2]
    if inset is not None and inset.shape[0] + 8 <= height and inset.shape[1] + 8 <= width:
        high, wide = inset.shape[:2]
        canvas[4 : 4 + high, width - 4 - wide : width - 4] = inset
        cv2.rectangle(canvas, (width - 5 - wide, 3), (width - 4, 4 + high), _WHITE, 1)
    for face in faces:
        x1, y1, x2, y2 = (round(_held(value)) for value in face.track.face.box)
        colour = LABEL_COLOURS[face.label]
        cv2.rectangle(canvas, (x1, y1), (x2 - 1, y2 - 1), colour, 2 if face.track.found else 1)
        text = printable(_headline(face))
        (wide, high), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, _FONT_SCALE, 1)
        left = max(0, min(x1, width - wide - 6))
        top = y1 - high - base - 4 if y1 - high - base - 4 >= 0 else min(y2 + _BAR + 2, height)
        cv2.rectangle(canvas, (left, top), (left + wide + 6, top + high + base + 2), colour, -1)
        place = (left + 3, top + high + 2)
        cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, _FONT_SCALE, _WHITE, 1)
        _draw_bar(canvas, face, (x1, y2, x2))
    return canvas


def _headline(face: "Followed") -> str:
    score = face.evidence.score
    number = "" if score is None else f" {score:.2f}"
    return f"#{face.track.number} {face.label}{number}"


def _draw_bar(canvas: Image, face: "Followed", place: tuple[int, int, int]) -> None:
    import cv2

    from despoof.evaluation.panels import LABEL_COLOURS

    left, top, right = place
    cv2.rectangle(canvas, (left, top), (right - 1, top + _BAR), _DARK, -1)
    spoof = left + round((right - left) * face.evidence.share("spoof"))
    live = right - round((right - left) * face.evidence.share("live"))
    if spoof > left:
        cv2.rectangle(canvas, (left, top), (spoof - 1, top + _BAR), LABEL_COLOURS["spoof"], -1)
    if live < right:
        cv2.rectangle(canvas, (live, top), (right - 1, top + _BAR), LABEL_COLOURS["live"], -1)


def _held(value: float) -> float:
    """Keep a corner where OpenCV's integers can hold it."""
    return max(-1e4, min(1e4, value)) if math.isfinite(value) else 0.0
