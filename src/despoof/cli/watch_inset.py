"""The noise of the largest face, renewed now and then: it costs more than a score."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from despoof.core.errors import DespoofError
from despoof.core.types import Frame, Image

if TYPE_CHECKING:
    from despoof.detector import Detector
    from despoof.detector.live.following import Followed

SIDE = 112
"""Of the inset, pixels."""


class NoiseInset:
    """Draws the noise of the largest face at most every so many seconds, another face's at once.

    Args:
        detector: decomposes.
        every: seconds; 0 draws none.
    """

    def __init__(self, detector: "Detector", every: float) -> None:
        self._detector = detector
        self._every = every
        self._kept: tuple[int, float, Image] | None = None

    def __call__(self, frame: Frame, faces: "Sequence[Followed]") -> Image | None:
        """Return the (SIDE, SIDE, 3) RGB picture for a frame; None where there is no face."""
        found = [face for face in faces if face.track.found]
        if self._every <= 0 or not found:
            return None
        largest = max(found, key=lambda face: _area(face.track.face.box))
        number, now = largest.track.number, frame.time or 0.0
        # Only in a frame in which the face was found is its box where the face is.
        fresh = largest.track.seen == now
        kept = self._kept
        if kept is not None and kept[0] == number:
            if not fresh or 0 <= now - kept[1] < self._every:
                return kept[2]
        elif not fresh:
            return None
        picture = self._drawn(frame, largest)
        self._kept = None if picture is None else (number, now, picture)
        return picture

    def _drawn(self, frame: Frame, face: "Followed") -> Image | None:
        from despoof.detector.live.following import given
        from despoof.evaluation.panels import full_scale, noise_photo, write

        try:
            (part,) = given(self._detector, [face.track.face]).decompose([frame])
        except DespoofError:
            return None  # a picture less; the decision is made elsewhere
        scale = full_scale(part)
        picture = noise_photo(part, scale, SIDE)
        write(picture, (4, SIDE - 16), f"noise ±{scale:g}", size=12)
        return np.asarray(picture)


def _area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
