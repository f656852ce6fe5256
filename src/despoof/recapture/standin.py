"""One call: a picture of a face to the photograph of its print or screen, and its exact noise."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from despoof.core.types import Image
from despoof.recapture.camera import Camera, draw_camera, photograph
from despoof.recapture.print_medium import Print, draw_print, print_on_paper
from despoof.recapture.screen_medium import Screen, draw_screen, show_on_screen

VERSION = "standin-2"
"""Changes whenever the same seed gives other pixels, so that cached crops are made again."""

Medium = Literal["print", "screen"]


@dataclass(frozen=True)
class Recaptured:
    """A simulated attack.

    Attributes:
        image: (H, W, 3) uint8, the photograph of the medium.
        noise: (H, W, 3) float32 in [-2, 2], `image − genuine` with both in [-1, 1]; the two are
            registered because the stand-in moves nothing.
        medium: what the picture was shown on.
        camera: what it was taken with.
    """

    image: Image
    noise: NDArray[np.float32]
    medium: Print | Screen
    camera: Camera


def recapture(
    image: Image,
    medium: Medium | Print | Screen,
    rng: np.random.Generator,
    camera: Camera | None = None,
) -> Recaptured:
    """Show a picture on a medium and photograph it.

    Args:
        image: (H, W, 3) uint8 sRGB.
        medium: "print" or "screen" to draw its parameters, or the parameters.
        rng: the only source of chance.
        camera: drawn when not given.
    """
    if isinstance(medium, str):
        medium = draw_print(rng) if medium == "print" else draw_screen(rng)
    camera = camera or draw_camera(rng)
    if isinstance(medium, Print):
        scene = print_on_paper(image, medium, rng)
    else:
        scene = show_on_screen(image, medium, rng)
    taken = photograph(scene, camera, rng)
    noise = (taken.astype(np.float32) - image.astype(np.float32)) / 127.5
    return Recaptured(taken, noise, medium, camera)


def recapture_either(image: Image, rng: np.random.Generator) -> Image:
    """A recapture on a medium drawn evenly from print and screen; the picture alone."""
    medium: Medium = "print" if rng.uniform() < 0.5 else "screen"
    return recapture(image, medium, rng).image
