"""Trivial cues of a picture: what a system must beat before it may claim to see spoofing.

Within one dataset live and attack often differ in camera, focus, distance or file size. If one of
these numbers alone tells the classes apart, a high AUC on that set says little about texture.
Deterministic, numpy only. Pixel values are sRGB-encoded, scaled to [0, 1].
"""

import math

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Box, Image

_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601-7, §2.5.1


def cues(image: Image, box: Box, file_size: int | None = None) -> dict[str, float]:
    """Measure every cue.

    Args:
        image: (H, W, 3) uint8 RGB, the whole picture.
        box: the face; the part inside the picture is measured, at least 3×3 px.
        file_size: bytes of the compressed file; without it there is no `bytes_per_pixel`.

    Returns:
        `sharpness, brightness, contrast, saturation, colour_balance, noise_level` of the face,
        `face_share, picture_side` and, with a file size, `bytes_per_pixel`.

    Raises:
        InputError: the picture is not (H, W, 3) uint8, the face is outside it or smaller than
            3×3 px, or the file size is not positive.
    """
    face = face_pixels(image, box)
    found = {
        "sharpness": sharpness(face),
        "brightness": brightness(face),
        "contrast": contrast(face),
        "saturation": saturation(face),
        "colour_balance": colour_balance(face),
        "noise_level": noise_level(face),
        "face_share": face_share(image, box),
        "picture_side": float(max(image.shape[:2])),
    }
    if file_size is not None:
        found["bytes_per_pixel"] = bytes_per_pixel(image, file_size)
    return found


def face_pixels(image: Image, box: Box) -> Image:
    """Return the pixels of `box` that lie in the picture, edges rounded to whole pixels.

    Raises:
        InputError: as in `cues`.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError(f"A picture is (H, W, 3) uint8, got {image.shape} {image.dtype}.")
    if not all(map(math.isfinite, box)):
        raise InputError(f"The face box {box} is not finite; expected x1, y1, x2, y2 in pixels.")
    x1, y1, x2, y2 = (max(0, round(edge)) for edge in box)
    face = image[y1:y2, x1:x2]
    if min(face.shape[:2]) < 3:
        raise InputError(
            f"The box {box} keeps {face.shape[1]}×{face.shape[0]} px of a picture of "
            f"{image.shape[1]}×{image.shape[0]} px; expected at least 3×3. Check x1, y1, x2, y2."
        )
    return face


def sharpness(face: Image) -> float:
    """Variance of the Laplacian of luma; 0 for a flat face, grows with fine detail.

    Source: Pech-Pacheco et al. 2000, ICPR 3:314 (LAPV).
    """
    y = _luma(face)
    centre = y[1:-1, 1:-1]
    return float(np.var(y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:] - 4 * centre))


def brightness(face: Image) -> float:
    """Mean luma in [0, 1]."""
    return float(_luma(face).mean())


def contrast(face: Image) -> float:
    """Standard deviation of luma, in [0, 0.5]."""
    return float(_luma(face).std())


def saturation(face: Image) -> float:
    """Mean HSV saturation, (max - min) / max per pixel, in [0, 1]; black counts as 0."""
    high = face.max(axis=2).astype(np.float64)
    low = face.min(axis=2)
    return float(np.mean((high - low) / np.maximum(high, 1)))


def colour_balance(face: Image) -> float:
    """Mean R minus mean B, in [-1, 1]; positive = warm."""
    mean = face.reshape(-1, 3).mean(axis=0)
    return float(mean[0] - mean[2]) / 255


def noise_level(face: Image) -> float:
    """Standard deviation of white noise in luma, unit of full scale, blind to flat and ramp areas.

    Texture reads as noise too. Source: Immerkær 1996, CVIU 64:300.
    """
    y = _luma(face)
    rows = y[:-2] - 2 * y[1:-1] + y[2:]
    both = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return float(math.sqrt(math.pi / 2) / 6 * np.abs(both).mean())


def face_share(image: Image, box: Box) -> float:
    """Area of the face inside the picture as a share of the picture's area, in (0, 1]."""
    height, width = face_pixels(image, box).shape[:2]
    return height * width / (image.shape[0] * image.shape[1])


def bytes_per_pixel(image: Image, file_size: int) -> float:
    """Compressed bytes per pixel; 3 is uncompressed.

    Raises:
        InputError: the file size is not positive.
    """
    if file_size <= 0:
        raise InputError(f"A file of {file_size} bytes holds no picture. Give its size on disk.")
    return file_size / (image.shape[0] * image.shape[1])


def border_share(image: Image) -> float:
    """Share of the picture that is an even margin (letterbox, padding), in [0, 1].

    A margin is made of whole rows and columns from the edge in, whose luma spans at most 8/255:
    room for JPEG. A picture of one colour counts as 1.
    """
    inner = _luma(image)
    for _ in range(2):  # rows, then columns of what is left
        busy = np.flatnonzero(np.ptp(inner, axis=1) > 8 / 255)
        if not busy.size:
            return 1.0
        inner = inner[busy[0] : busy[-1] + 1].T
    return 1 - inner.size / (image.shape[0] * image.shape[1])


def outside_share(image: Image, box: Box) -> float:
    """Share of the box outside the picture, which a crop fills with padding; in [0, 1]."""
    inside = face_pixels(image, box).shape
    area = (box[2] - box[0]) * (box[3] - box[1])
    return min(1.0, max(0.0, 1 - inside[0] * inside[1] / area))


def _luma(face: Image) -> NDArray[np.float64]:
    return face @ _LUMA / 255
