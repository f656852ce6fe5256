"""A picture on the pixels of a panel: its own resolution and its dither."""

import cv2
import numpy as np
from numpy.typing import NDArray

from despoof.recapture.light import Light


def on_panel(
    light: Light,
    *,
    pitch: float,
    angle: float,
    phase: tuple[float, float],
    blocks: bool,
    steps: int | None,
    rng: np.random.Generator,
) -> Light:
    """Return the picture as a panel's pixels carry it, back on the canvas.

    Args:
        light: (H, W, 3) linear light on the canvas.
        pitch: of the panel's pixels, canvas pixels; up to 2 the canvas loses nothing to the panel.
        angle: from the canvas' rows to the panel's, radians.
        phase: of the panel's grid at the canvas' corner, pixels of the panel.
        blocks: every panel pixel is one even patch; else the patches run into each other.
        steps: the panel's code values are 0 … steps, dithered; None = as fine as the picture.
        rng: of the dither.
    """
    coarse = pitch > 2
    if coarse:
        height, width = light.shape[:2]
        to_panel = _canvas_to_panel(pitch, angle, phase, (height, width))
        side = 2 * round((pitch - 1) / 2) + 1  # odd: an even box would lie half a pixel aside
        means = cv2.blur(light, (side, side), borderType=cv2.BORDER_REPLICATE)
        size = _panel_size(to_panel, (height, width))
        light = np.asarray(
            cv2.warpAffine(
                means, to_panel, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            ),
            np.float32,
        )
        if steps is not None:
            light = _dither(light, steps, rng)
        flags = (cv2.INTER_NEAREST if blocks else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
        light = np.asarray(
            cv2.warpAffine(
                light, to_panel, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
            ),
            np.float32,
        )
    elif steps is not None:
        light = _dither(light, steps, rng)
    return light


def _canvas_to_panel(
    pitch: float, angle: float, phase: tuple[float, float], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return (2, 3): canvas pixel indices to panel pixel indices, shifted to start at 0."""
    cos, sin = np.cos(angle) / pitch, np.sin(angle) / pitch
    turn = np.array([[cos, sin], [-sin, cos]])
    height, width = shape
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ turn.T
    shift = np.asarray(phase) % 1
    # Index = position − ½ on both sides; whole panel pixels may be dropped, parts may not.
    offset = shift - 0.5 + turn @ [0.5, 0.5] - np.floor(corners.min(axis=0) - 1)
    return np.column_stack([turn, offset])


def _panel_size(matrix: NDArray[np.float64], shape: tuple[int, int]) -> tuple[int, int]:
    height, width = shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
    far = np.ceil((corners @ matrix.T).max(axis=0)) + 2
    return int(far[0]), int(far[1])


def _dither(light: Light, steps: int, rng: np.random.Generator) -> Light:
    """Round code values to steps, up or down by chance, so that the mean stays."""
    # Square root: near enough to the sRGB curve for where the steps lie.
    code = np.sqrt(np.clip(light, 0, 1)) * np.float32(steps)
    code = np.floor(code + rng.random(light.shape, dtype=np.float32))
    return np.square(np.minimum(code, np.float32(steps)) / np.float32(steps))
