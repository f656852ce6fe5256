"""From colour to four inks and back: separation, dot gain, and what ink on paper reflects."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from despoof.recapture.light import Light

Plane = NDArray[np.float32]
"""(H, W), the share of paper that one ink covers, 0 to 1."""

InkSet = Literal["toner", "dye", "news", "ideal"]
"""Laser toner, photo ink-jet dyes, newspaper ink; ideal inks take one channel each."""

ANGLES = (15.0, 75.0, 0.0, 45.0)
"""Degrees of the screens of C, M, Y, K: the classical ones."""

# What full ink leaves of linear R, G, B, paper = 1. Real inks also take some of what they should
# let pass; of that about half is left here, because separations make up for the rest.
_REFLECTANCES: dict[InkSet, tuple[tuple[float, float, float], ...]] = {
    "toner": ((0.05, 0.62, 0.86), (0.86, 0.05, 0.42), (0.98, 0.90, 0.07), (0.03, 0.03, 0.03)),
    "dye": ((0.02, 0.72, 0.92), (0.90, 0.03, 0.52), (0.99, 0.94, 0.03), (0.02, 0.02, 0.02)),
    "news": ((0.20, 0.60, 0.78), (0.80, 0.20, 0.42), (0.95, 0.88, 0.24), (0.12, 0.12, 0.11)),
    "ideal": ((0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0), (0.0, 0.0, 0.0)),
}


def ink_reflectances(inks: InkSet) -> NDArray[np.float32]:
    """Return (4, 3): what full C, M, Y, K leave of linear R, G, B, relative to bare paper."""
    return np.array(_REFLECTANCES[inks], np.float32)


def separate(density: Light, grey_replacement: float) -> tuple[Plane, Plane, Plane, Plane]:
    """Split (H, W, 3) densities, 1 − code value of R, G, B, into coverages of C, M, Y, K.

    Args:
        density: in [0, 1].
        grey_replacement: share of the part that C, M and Y have in common that black ink takes.
            Ideal inks then print the same colour again, whatever the share.
    """
    red, green, blue = (np.asarray(plane, np.float32) for plane in cv2.split(density))
    black = np.minimum(np.minimum(red, green), blue)
    black *= grey_replacement
    more = np.reciprocal(np.maximum(1 - black, 1e-6), dtype=np.float32)
    cyan, magenta, yellow = (np.multiply(p - black, more) for p in (red, green, blue))
    return cyan, magenta, yellow, black


def gained(coverage: Plane, gain: float) -> Plane:
    """Let dots spread in the paper: a' = a + 4 g a (1 − a) (SPEC §6, 2b)."""
    spread = np.multiply(coverage, -4 * gain, dtype=np.float32)
    spread += 1 + 4 * gain
    spread *= coverage
    return spread


def reflect(inks: tuple[Plane, ...], reflectances: NDArray[np.float32]) -> Light:
    """Return what C, M, Y, K leave of the light, (H, W, 3), bare paper = 1.

    Demichel's shares with overprints that multiply: every channel is a product over the inks. It
    holds for dots, which are 0 or 1, and for the average of dots that lie independently.
    """
    channels: list[Plane] = []
    for channel in range(3):
        left: Plane | None = None
        for ink, leaves in zip(inks, reflectances[:, channel], strict=True):
            part = 1 - ink * (1 - leaves)
            left = part if left is None else left * part
        assert left is not None
        channels.append(left)
    return np.asarray(cv2.merge(channels), np.float32)
