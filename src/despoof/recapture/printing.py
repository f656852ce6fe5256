"""A picture printed on paper: what the evenly lit print reflects (SPEC §6, 2b)."""

from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.recapture.display_colour import LUMINANCE, apply_curve, panel_curve
from despoof.recapture.halftone import clustered_dots
from despoof.recapture.inks import (
    ANGLES,
    InkSet,
    Plane,
    gained,
    ink_reflectances,
    reflect,
    separate,
)
from despoof.recapture.light import Light
from despoof.recapture.paper import bands, grain
from despoof.recapture.printing_fm import stochastic_dots

Share = Annotated[float, Field(ge=0, le=1)]
Density = Annotated[float, Field(ge=0, le=1.3)]
Length = Annotated[float, Field(ge=0, le=50)]


class PrintParams(StrictConfig):
    """A print, and how its dots lie on the sensor.

    Attributes:
        inks: what they reflect.
        gamma: of the printer's driver; above 1 prints darker. Coverage is 1 − code ** gamma.
        saturation: 1 = the picture's; less mixes it with its grey before inks are laid out.
        grey_replacement: share of the common part of C, M, Y that black ink takes.
        balance: density of cyan, magenta and yellow, 1 = as laid out; an empty cartridge has less.
        dot_gain: g of a' = a + 4 g a (1 − a).
        floor: reflectance of full ink.
        paper: reflectance of bare paper, R G B.
        screen: clustered dots, stochastic dots, or none (photo printers).
        period: of the clustered dots' screen, or side of a stochastic dot, sensor pixels.
        angle: from the sensor's rows to the page's, radians.
        softness: Gaussian sigma of what ink and driver blur, sensor pixels.
        mottle: standard deviation of the ink's density, relative.
        mottle_size: of its patches, sensor pixels.
        texture: standard deviation of the paper's reflectance, relative.
        texture_size: of its grains, sensor pixels.
        band: amplitude of the print head's bands, relative.
        band_period: sensor pixels.
        band_axis: bands lie along the rows or along the columns.
    """

    inks: InkSet = "toner"
    gamma: Annotated[float, Field(gt=0.3, lt=3)] = 1.0
    saturation: Annotated[float, Field(ge=0, le=1.5)] = 0.8
    grey_replacement: Share = 0.4
    balance: tuple[Density, Density, Density] = (1.0, 1.0, 1.0)
    dot_gain: Annotated[float, Field(ge=0, le=0.25)] = 0.15
    floor: Share = 0.05
    paper: tuple[Share, Share, Share] = (0.88, 0.87, 0.84)
    screen: Literal["clustered", "stochastic", "none"] = "clustered"
    period: Annotated[float, Field(ge=0.05, le=20)] = 0.6
    angle: float = 0.0
    softness: Length = 0.0
    mottle: Share = 0.0
    mottle_size: Annotated[float, Field(gt=0, le=100)] = 6.0
    texture: Share = 0.008
    texture_size: Annotated[float, Field(gt=0, le=100)] = 1.0
    band: Share = 0.0
    band_period: Annotated[float, Field(gt=0.5, le=500)] = 6.0
    band_axis: Literal["rows", "columns"] = "rows"


def print_on_paper(
    light: Light, params: PrintParams, rng: np.random.Generator, *, oversampling: int
) -> Light:
    """Return the light that an evenly lit print of a picture reflects.

    Args:
        light: (H, W, 3) linear light of the picture on the canvas, 1 = its white.
        params: of the print.
        rng: places the dots, the grain, the mottle and the bands.
        oversampling: canvas pixels in a sensor pixel, along one axis.

    Returns:
        (H, W, 3) linear light on the same canvas; a paper of reflectance 1 would send back 1.
        Averaged over dots it is `tone_curve`'s.
    """
    shape = (light.shape[0], light.shape[1])
    if params.softness > 0:
        sigma = params.softness * oversampling
        blurred = cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        light = np.asarray(blurred, np.float32)
    inks = _inks(light, params)
    if params.mottle > 0:
        patches = grain(shape, params.mottle_size * oversampling, rng)
        density = 1 + np.float32(params.mottle) * patches
        inks = tuple(np.minimum(ink * density, np.float32(1)) for ink in inks)
    left = reflect(_dots(inks, params, oversampling, rng), ink_reflectances(params.inks))
    print_light = _on_paper(left, params)
    if params.texture > 0:
        fibres = grain(shape, params.texture_size * oversampling, rng)
        print_light *= (1 + np.float32(params.texture) * fibres)[..., None]
    if params.band > 0:
        rows = params.band_axis == "rows"
        wave = bands(shape[0 if rows else 1], params.band_period * oversampling, rng)
        gain = 1 + np.float32(params.band) * wave
        print_light *= gain[:, None, None] if rows else gain[None, :, None]
    return print_light


def tone_curve(params: PrintParams) -> NDArray[np.float32]:
    """Return (256, 3): the light that a print of each grey, code 0 to 255, reflects on average."""
    code = np.arange(256, dtype=np.float32) / 255
    grey = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return expected(np.repeat(grey[:, None], 3, axis=1)[None].astype(np.float32), params)[0]


def expected(light: Light, params: PrintParams) -> Light:
    """Return the average light of a print: its tones and colours without dots, grain and bands."""
    return _on_paper(reflect(_inks(light, params), ink_reflectances(params.inks)), params)


def _inks(light: Light, params: PrintParams) -> tuple[Plane, ...]:
    """Return the coverages of C, M, Y, K that the paper ends up with, dot gain included."""
    share = params.saturation
    mixing = np.eye(3) * share + np.tile(LUMINANCE * (1 - share), (3, 1))
    light = np.asarray(cv2.transform(light, mixing.astype(np.float32)), np.float32)
    density = 1 - apply_curve(light, panel_curve(params.gamma))
    inks: tuple[Plane, ...] = separate(density, params.grey_replacement)
    if params.balance != (1.0, 1.0, 1.0):
        shares = (*params.balance, 1.0)
        inks = tuple(
            np.minimum(np.multiply(ink, share, dtype=np.float32), np.float32(1))
            for ink, share in zip(inks, shares, strict=True)
        )
    return tuple(gained(ink, params.dot_gain) for ink in inks)


def _dots(
    inks: tuple[Plane, ...], params: PrintParams, oversampling: int, rng: np.random.Generator
) -> tuple[Plane, ...]:
    period = params.period * oversampling
    if params.screen == "clustered":
        return tuple(
            clustered_dots(
                ink,
                period=period,
                angle=params.angle + np.deg2rad(degrees),
                phase=(rng.random(), rng.random()),
            )
            for ink, degrees in zip(inks, ANGLES, strict=True)
        )
    if params.screen == "stochastic":
        offsets = rng.integers(0, 1 << 16, (4, 2)).tolist()
        return tuple(
            stochastic_dots(ink, dot=period, offset=(row, column))
            for ink, (row, column) in zip(inks, offsets, strict=True)
        )
    return inks


def _on_paper(left: Light, params: PrintParams) -> Light:
    light = np.multiply(left, np.asarray(params.paper, np.float32) - np.float32(params.floor))
    light += params.floor
    return light
