"""A display that shows a picture: what light leaves it towards the camera (SPEC §6, 2a)."""

from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.recapture.display_colour import (
    Gamut,
    apply_curve,
    gamut_matrix,
    panel_curve,
    white_gains,
)
from despoof.recapture.display_grid import pixel_grid
from despoof.recapture.display_panel import on_panel
from despoof.recapture.light import Light
from despoof.recapture.subpixels import Layout

Share = Annotated[float, Field(ge=0, le=1)]
Aperture = Annotated[float, Field(gt=0, le=1)]


class DisplayParams(StrictConfig):
    """A display, and how its pixels lie on the sensor.

    Attributes:
        gamma: of the panel; about 2.2 changes no tone.
        contrast: white to black of the panel itself, in the dark.
        ambient: light that the screen reflects, R G B, relative to its white. It lifts every tone.
        white: colour temperature of its white, kelvin.
        gamut: of the panel; pictures are shown on it unmanaged.
        gamut_share: 0 = sRGB after all, 1 = the panel's primaries.
        bits: of a colour; 6 is dithered as cheap panels do.
        pitch: of the panel's pixels, sensor pixels.
        angle: from the sensor's rows to the panel's, radians.
        phase: of the grid at the canvas' corner, pixels of the panel.
        layout: of the sub-pixels.
        fill: share of a sub-pixel's width and height that the black matrix leaves open.
        grid: strength of the visible pixel structure; 0 = none, 1 = all of it.
        scaling: how the picture is brought to pixels that are coarser than the sensor's.
        softness: Gaussian sigma of the display's own blur (a projector's lens), sensor pixels.
        band: depth of the dark bands between the backlight's pulses and the rolling shutter.
        band_period: sensor rows between two bands.
        band_phase: where the first one is, in periods.
        falloff: loss of light from the bright side of the panel to its dark one.
        falloff_angle: towards the bright side, radians from the sensor's rows.
    """

    gamma: Annotated[float, Field(ge=1, le=4)] = 2.2
    contrast: Annotated[float, Field(gt=1)] = 1000.0
    ambient: tuple[Share, Share, Share] = (0.0, 0.0, 0.0)
    white: Annotated[float, Field(ge=4000, le=25000)] = 6504.0
    gamut: Gamut = "srgb"
    gamut_share: Share = 1.0
    bits: Literal[6, 8] = 8
    pitch: Annotated[float, Field(ge=0.1, le=8)] = 1.0
    angle: float = 0.0
    phase: tuple[float, float] = (0.0, 0.0)
    layout: Layout = "rgb"
    fill: tuple[Aperture, Aperture] = (0.75, 0.85)
    grid: Share = 1.0
    scaling: Literal["blocks", "linear"] = "linear"
    softness: Annotated[float, Field(ge=0, le=20)] = 0.0
    band: Share = 0.0
    band_period: Annotated[float, Field(gt=1)] = 120.0
    band_phase: float = 0.0
    falloff: Share = 0.0
    falloff_angle: float = 0.0


def show(
    light: Light, params: DisplayParams, rng: np.random.Generator, *, oversampling: int
) -> Light:
    """Return the light that a display showing a picture sends out.

    Args:
        light: (H, W, 3) linear light of the picture on the canvas, 1 = its white.
        params: of the display.
        rng: dithers a 6-bit panel; nothing else is left to chance.
        oversampling: canvas pixels in a sensor pixel, along one axis.

    Returns:
        (H, W, 3) linear light on the same canvas; `display_levels` says what becomes of black and
        white. It is above 1 on lamps and where ambient light comes on top of white, and may be
        below 0 between lamps: the canvas holds no waves above its limit, and what is left of a
        sharp edge overshoots. Clip after the sensor has collected it, not before: clipping takes
        and makes light, and invents waves.
    """
    shown = on_panel(
        light,
        pitch=params.pitch * oversampling,
        angle=params.angle,
        phase=params.phase,
        blocks=params.scaling == "blocks",
        steps=63 if params.bits == 6 else None,
        rng=rng,
    )
    shown = apply_curve(shown, panel_curve(params.gamma))
    shown = shown * np.float32(1 - 1 / params.contrast) + np.float32(1 / params.contrast)
    if params.grid > 0:
        grid = pixel_grid(
            (light.shape[0], light.shape[1]),
            layout=params.layout,
            fill=params.fill,
            pitch=params.pitch,
            angle=params.angle,
            phase=params.phase,
            oversampling=oversampling,
        )
        if grid is not None:
            shown *= 1 + np.float32(params.grid) * (grid - 1)
    shown = np.asarray(cv2.transform(shown, _colours(params).astype(np.float32)), np.float32)
    if params.softness > 0:
        sigma = params.softness * oversampling
        blurred = cv2.GaussianBlur(shown, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        shown = np.asarray(blurred, np.float32)
    _shade(shown, params, oversampling)
    shown += np.asarray(params.ambient, np.float32)
    return shown


def display_levels(
    params: DisplayParams,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the light, R G B, that black and white become (without bands and falloff)."""
    white = _colours(params).sum(axis=1)
    ambient = np.asarray(params.ambient, np.float64)
    return white / params.contrast + ambient, white + ambient


def _colours(params: DisplayParams) -> NDArray[np.float64]:
    """Return (3, 3): the panel's light to linear sRGB, white point included."""
    share = params.gamut_share
    mixing = np.eye(3) * (1 - share) + gamut_matrix(params.gamut) * share
    return white_gains(params.white)[:, None] * mixing


def _shade(shown: Light, params: DisplayParams, oversampling: int) -> None:
    """Multiply by bands and falloff, in place; both keep the mean."""
    height, width = shown.shape[:2]
    y = (np.arange(height, dtype=np.float32) + 0.5) / oversampling
    x = (np.arange(width, dtype=np.float32) + 0.5) / oversampling
    if params.band > 0:
        wave = np.sin(2 * np.pi * (y / params.band_period + params.band_phase))
        # A square wave whose edges the exposure time has smeared.
        shown *= (1 + params.band * np.tanh(2 * wave)).astype(np.float32)[:, None, None]
    if params.falloff > 0:
        longest = max(x[-1], y[-1])
        across = np.cos(params.falloff_angle) * (x - x.mean()) / longest
        down = np.sin(params.falloff_angle) * (y - y.mean()) / longest
        gain = 1 + params.falloff * (down[:, None] + across[None])
        shown *= gain.astype(np.float32)[..., None]
