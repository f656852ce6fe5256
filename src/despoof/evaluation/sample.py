"""The embedded sample: one real portrait, photographed live, as a print and as a replay.

What is simulated, and how, stands in `sample.yaml` beside this file.
"""

from functools import cache
from pathlib import Path

import numpy as np

from despoof.core.config import read_yaml
from despoof.core.types import Image

TRUTH = {"astronaut": "live", "astronaut-print": "attack", "astronaut-replay": "attack"}
"""What each sample picture is."""

RECIPES = Path(__file__).with_name("sample.yaml")
_FRAMED = (slice(0, 320), slice(64, 384))  # head and shoulders, as one would print or show them


def sample_portrait() -> Image:
    """Return scikit-image's portrait of Eileen Collins (NASA, public domain), (320, 320, 3) uint8.

    It is cut to head and shoulders.
    """
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[_FRAMED])


@cache
def sample_pictures() -> dict[str, Image]:
    """Return the portrait through a simulated camera, and its print and replay through the same.

    They show what the program does; they measure nothing: the two recipes were chosen from draws
    that the shipped weights get right. The arrays are shared: do not write into them.

    Returns:
        (320, 320, 3) uint8 by the names of TRUTH.
    """
    from despoof.recapture.pipeline import photograph_live, recapture
    from despoof.recapture.recipe import Recipe

    values = read_yaml(RECIPES)
    shown, printed = (Recipe.parse(values[name], str(RECIPES)) for name in ("replay", "print"))
    portrait = sample_portrait()
    pictures = (
        photograph_live(portrait, printed),
        recapture(portrait, printed).image,
        recapture(portrait, shown).image,
    )
    for picture in pictures:
        picture.setflags(write=False)
    return dict(zip(TRUTH, pictures, strict=True))
