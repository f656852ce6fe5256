"""The embedded sample: one real portrait, as it is and as two attacks made from it."""

import math

import numpy as np

from despoof.core.types import Image
from despoof.recapture.camera import Camera
from despoof.recapture.screen_medium import Screen
from despoof.recapture.standin import recapture

TRUTH = {"astronaut": "live", "astronaut-print": "attack", "astronaut-screen": "attack"}
"""What each sample picture is."""

_SCREEN = Screen(pitch=2.05, angle=math.radians(3))
_FOCUSED = Camera(defocus=0.35)  # moiré dies when the camera is out of focus
_SEED = 20180726  # the day System 3 was published; any number would do


def sample_pictures() -> dict[str, Image]:
    """Return scikit-image's portrait of Eileen Collins (NASA, public domain) and two recaptures.

    The attacks are simulated: a halftone print, drawn with a fixed seed, and a screen whose pitch
    and angle are chosen to give moiré of about 17 pixels (SPEC §6), in focus. Chosen, because finer
    screens and screens out of focus were judged live by the shipped weights. They show what the
    program does; they measure nothing.
    """
    from skimage import data

    portrait: Image = np.ascontiguousarray(data.astronaut())
    print_rng, screen_rng = (np.random.default_rng([_SEED, i]) for i in range(2))
    return {
        "astronaut": portrait,
        "astronaut-print": recapture(portrait, "print", print_rng).image,
        "astronaut-screen": recapture(portrait, _SCREEN, screen_rng, _FOCUSED).image,
    }
