"""Faces for the gate: cut out of a user's pictures, or drawn from one portrait by seed."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError, MediaError
from despoof.core.types import Face, FaceDetector, Image
from despoof.face.crop import CropConfig, crop_face

Faces = NDArray[np.uint8]
"""(N, S, S, 3) uint8 RGB crops."""


def faces_in(
    pictures: Iterable[str | Path],
    crop: CropConfig,
    detector: FaceDetector,
    *,
    cropped: bool = False,
    context: float = 1.2,
) -> Faces:
    """Cut the largest face out of each picture; pictures without one give none.

    Args:
        pictures: paths.
        crop: how they are cut.
        detector: finds them.
        cropped: the pictures already are crops, `context` times the face.
        context: see `cropped`.

    Raises:
        MediaError: a picture cannot be read.
        InputError: there is no face in any of them.
    """
    from despoof.face.crop import whole_picture_face
    from despoof.media.sources import read_frames

    found: list[Image] = []
    paths = list(pictures)
    for path in paths:
        image = read_frames(path, 1)[0].image
        faces = [whole_picture_face(image, context)] if cropped else detector(image)
        found += [crop_face(image, face, crop).image for face in faces[:1]]
    if not found:
        raise InputError(f"No face was found in {len(paths)} pictures. Give pictures of faces.")
    return np.stack(found)


def divide(faces: Faces, calibrate: bool, seed: int = 0) -> list[Faces]:
    """Return the gate's faces and, to calibrate with, others: a quarter of all, at most 128.

    Which is which is drawn by seed, as neighbours in a folder are often alike.
    """
    if not calibrate:
        return [faces]
    order = np.random.default_rng(seed).permutation(len(faces))
    apart = min(128, len(faces) // 4)
    return [faces[np.sort(order[apart:])], faces[np.sort(order[:apart])]]


def drawn_faces(count: int, crop: CropConfig, seed: int = 0) -> Faces:
    """Draw faces from scikit-image's portrait of Eileen Collins (NASA, public domain).

    Each has its own place, size, light, colour, sharpness, noise and file quality, and every other
    one a fine pattern as of dots or moiré, so that scores spread.

    Raises:
        MediaError: the portrait holds no face (a broken installation).
    """
    from skimage import data

    from despoof.face.detect import CenterFace

    portrait: Image = data.astronaut()
    faces = CenterFace()(portrait)
    if not faces:
        raise MediaError("No face was found in scikit-image's portrait. Reinstall scikit-image.")
    rng = np.random.default_rng(seed)
    return np.stack([_drawn(portrait, faces[0], crop, rng, i % 2 == 1) for i in range(count)])


def _drawn(
    portrait: Image, face: Face, crop: CropConfig, rng: np.random.Generator, patterned: bool
) -> Image:
    from PIL import Image as Pillow
    from PIL import ImageFilter

    x1, y1, x2, y2 = face.box
    side = max(x2 - x1, y2 - y1)
    dx, dy = rng.normal(0, 0.05 * side, 2)
    grow = 0.5 * side * rng.uniform(-0.15, 0.25)
    box = (x1 + dx - grow, y1 + dy - grow, x2 + dx + grow, y2 + dy + grow)
    picture = Pillow.fromarray(crop_face(portrait, Face(box, face.landmarks), crop).image)
    if rng.random() < 0.5:
        picture = picture.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT)
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.5)))
    values = np.asarray(picture, np.float64) / 255
    values = values ** rng.uniform(0.6, 1.6) * rng.uniform(0.85, 1.1, 3)
    if patterned:
        values += _pattern(crop.size, rng)[..., None] * rng.uniform(0.3, 1, 3)
    values += rng.normal(0, rng.uniform(0, 0.04), values.shape)
    image = Pillow.fromarray((values.clip(0, 1) * 255).round().astype(np.uint8))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(50, 98)))
    return np.asarray(Pillow.open(file).convert("RGB"))


def _pattern(side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A wave of 2 to 12 pixels, (side, side)."""
    angle, period = rng.uniform(0, np.pi), rng.uniform(2, 12)
    y, x = np.mgrid[:side, :side]
    along = x * np.cos(angle) + y * np.sin(angle)
    return rng.uniform(0.02, 0.15) * np.sin(2 * np.pi * along / period)
