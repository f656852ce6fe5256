"""Everything that decides a recapture, and what comes out of it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.core.types import Image
from despoof.recapture.display import DisplayParams
from despoof.recapture.geometry import GeometryParams, Map
from despoof.recapture.isp import IspParams
from despoof.recapture.optics import OpticsParams
from despoof.recapture.placing import SurroundParams
from despoof.recapture.printing import PrintParams
from despoof.recapture.reflection import ReflectionParams
from despoof.recapture.sensor import SensorParams
from despoof.recapture.source import SourceParams

VERSION = 5
"""Changes whenever the same recipe gives other pixels, so that cached pictures are made again."""

Species = Literal[
    "print/laser-a4",
    "print/inkjet-photo",
    "print/newspaper",
    "print/cut-eyes",
    "print/bent",
    "replay/phone-oled",
    "replay/phone-lcd",
    "replay/tablet",
    "replay/laptop",
    "replay/desktop-tn",
    "replay/projector",
]


class CameraParams(StrictConfig):
    """Stages 5 to 7: what takes the photograph, of an attack and of a live face alike.

    Attributes:
        resolution: pixels of the sensor by pixels of the delivered picture, along a side.
    """

    resolution: float = Field(default=1.0, ge=0.2, le=3)
    optics: OpticsParams = OpticsParams()
    sensor: SensorParams = SensorParams()
    isp: IspParams = IspParams()


class DisplayMedium(StrictConfig):
    """The picture is shown."""

    kind: Literal["display"] = "display"
    params: DisplayParams = DisplayParams()


class PrintMedium(StrictConfig):
    """The picture is printed.

    Attributes:
        cut_eyes: width of the holes for the eyes by the distance between them; 0 = none.
    """

    kind: Literal["print"] = "print"
    params: PrintParams = PrintParams()
    cut_eyes: float = Field(default=0.0, ge=0, le=1)


class Recipe(StrictConfig):
    """One recapture: with the same picture, the same pixels.

    Attributes:
        version: of the simulator.
        species: the attack instrument.
        seed: of everything that the parameters leave to chance: noise, texture, scenery.
        size: height and width of the delivered picture.
        oversampling: canvas pixels in a sensor pixel, along a side.
        source: the picture as the attacker had it.
        medium: what it is printed or shown on.
        geometry: where that is.
        surround: what is around it.
        reflection: light on its surface.
        camera: what photographs it.
    """

    version: int = VERSION
    species: Species = "print/laser-a4"
    seed: int = Field(default=0, ge=0)
    size: tuple[int, int] = (256, 256)
    oversampling: int = Field(default=2, ge=1, le=6)
    source: SourceParams = SourceParams()
    medium: DisplayMedium | PrintMedium = Field(default=PrintMedium(), discriminator="kind")
    geometry: GeometryParams = GeometryParams()
    surround: SurroundParams = SurroundParams()
    reflection: ReflectionParams = ReflectionParams()
    camera: CameraParams = CameraParams()


@dataclass(frozen=True)
class Recaptured:
    """A simulated attack and what is known about it.

    Attributes:
        image: (H, W, 3) uint8 sRGB, the photograph.
        genuine: (H, W, 3) uint8, the genuine picture through the same geometry; outside the picture
            it is the photograph itself, so that the noise is 0 there.
        noise: (H, W, 3) float32, image − genuine with both in [-1, 1].
        inside: (H, W) float32, share of each pixel that shows the picture.
        matrix: 3×3, pixels of the genuine picture to pixels of the photograph: exact for a flat
            medium and no lens distortion, else a tangent in the middle of the picture.
        registration: (H, W, 2) float32, exact in every case: for each pixel of the photograph the
            pixel (x, y) of the genuine picture that it shows, also where that lies outside of it.
        recipe: what made it.
    """

    image: Image
    genuine: Image
    noise: NDArray[np.float32]
    inside: NDArray[np.float32]
    matrix: NDArray[np.float64]
    registration: Map
    recipe: Recipe
