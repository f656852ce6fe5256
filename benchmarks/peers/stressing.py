"""The stressed twin of a whole picture, so that every candidate crops the same pixels by itself."""

from dataclasses import replace

import numpy as np

from despoof.core.types import Face, Image
from despoof.evaluation.scoring import TIGHT
from despoof.evaluation.stress import apply_stress, draw_stress

SEED = 0


def stressed_picture(image: Image, face: Face, name: str) -> Image:
    """Blur, shrink, expose, add noise, compress and enlarge a picture, before anybody crops it.

    The draw is that of the tight crops' twins: a function of (seed, name). The blur is theirs
    relative to the face, a sigma in px of a tight crop of 128 px; resolution, noise and JPEG are of
    the picture, so a crop that shrinks it later sees less of them than a crop stressed by itself.

    Args:
        image: (H, W, 3) uint8 RGB, both sides at least 8 px.
        face: in it; only the box's longer side is read.
        name: of the picture, relative to the data folder.

    Returns:
        (H, W, 3) uint8 RGB. A picture that is not square is made so by repeating its last row or
        column, and cut back after.

    Raises:
        InputError: the picture is too small or no uint8 RGB.
    """
    height, width = image.shape[:2]
    side = max(height, width)
    longer = max(face.box[2] - face.box[0], face.box[3] - face.box[1])
    drawn = draw_stress(SEED, name)
    stress = replace(drawn, blur=drawn.blur * TIGHT.scale * longer / side)
    whole = np.pad(image, ((0, side - height), (0, side - width), (0, 0)), mode="edge")
    return apply_stress(whole, stress)[:height, :width]
