"""Holes in a print where the eyes are: the attacker's living eyes look through."""

import cv2
import numpy as np
from numpy.typing import NDArray

from despoof.recapture.light import Light
from despoof.recapture.resample import blur


def cut_eyes(sheet: Light, behind: Light, eyes: NDArray[np.floating], width: float) -> Light:
    """Cut two almond-shaped holes and show what is behind them, in the shade of their upper edge.

    Args:
        sheet: (H, W, 3) linear light of the print.
        behind: (H, W, 3) linear light of the living face, registered with it.
        eyes: (2, 2) x and y of the eyes, pixels of the sheet.
        width: of a hole, as a share of the distance between the eyes.
    """
    apart = eyes[1] - eyes[0]
    distance = float(np.hypot(*apart))
    angle = float(np.degrees(np.arctan2(apart[1], apart[0])))
    axes = (max(1, round(width * distance / 2)), max(1, round(0.55 * width * distance / 2)))
    hole = np.zeros(sheet.shape[:2], np.uint8)
    for x, y in eyes:
        cv2.ellipse(
            hole, (round(float(x)), round(float(y))), axes, angle, 0, 360, 255, -1, cv2.LINE_AA
        )
    cover = hole.astype(np.float32)[..., None] / np.float32(255)
    drop = max(1, axes[1] // 3)
    above = np.roll(hole, drop, axis=0)
    depth = blur(above.astype(np.float32), max(0.8, drop / 2)) / np.float32(255)
    lit = behind * (np.float32(0.35) + np.float32(0.65) * depth)[..., None]
    return (sheet + (lit - sheet) * cover).astype(np.float32)
