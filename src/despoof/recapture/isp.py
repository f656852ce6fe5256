"""The camera's image processing: from raw values to the delivered, coded picture."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.core.types import Image
from despoof.recapture.resample import fitted
from despoof.recapture.sensor import PEDESTAL, Raw, SensorParams, to_linear, white_gains
from despoof.recapture.source import through_h264, through_jpeg

_STEPS = 16384  # entries of a tone table


class IspParams(StrictConfig):
    """One processing chain.

    Attributes:
        demosaic: how the missing colours are filled in.
        white_error: what the white balance gets wrong, gains of red and blue.
        saturation: of the colour matrix; 1 = true colours.
        denoise: strength, grey levels of brightness that are smoothed; colour is smoothed with it.
        tone: the curve from light to code.
        contrast: of the S-curve, 0 = none.
        levels: share of the darkest tone's code that is taken off every tone, the rest stretched
            back to white: cameras do so because lenses flare, and undo much of what a medium's
            black floor does.
        sharpen: amount of unsharp masking.
        radius: of it, sensor pixels.
        codec: of the delivered picture.
        quality: of JPEG.
        crf: of H.264, larger is worse.
    """

    demosaic: Literal["bilinear", "edges"] = "edges"
    white_error: tuple[float, float] = (1.0, 1.0)
    saturation: float = Field(default=1.0, ge=0, le=2)
    denoise: float = Field(default=0.0, ge=0, le=40)
    tone: Literal["srgb", "gamma", "s-curve"] = "srgb"
    contrast: float = Field(default=0.0, ge=0, le=1)
    levels: float = Field(default=0.0, ge=0, le=1)
    sharpen: float = Field(default=0.0, ge=0, le=3)
    radius: float = Field(default=1.0, gt=0, le=4)
    codec: Literal["none", "jpeg", "h264"] = "none"
    quality: int = Field(default=90, ge=1, le=100)
    crf: int = Field(default=23, ge=0, le=51)


def develop(
    raw: Raw,
    params: IspParams,
    rng: np.random.Generator,
    *,
    sensor: SensorParams,
    size: tuple[int, int],
) -> Image:
    """Develop raw values into an (H, W, 3) uint8 sRGB picture of the given height and width."""
    del rng
    gains = white_gains(sensor) * np.array([params.white_error[0], 1, params.white_error[1]])
    gains = gains.astype(np.float32)
    colours = demosaic(raw, params.demosaic, gains) if raw.ndim == 2 else np.minimum(raw * gains, 1)
    picture = _toned(np.maximum(colours @ _matrix(params, sensor).T, 0), params)
    if params.levels:
        picture = _levelled(picture, params.levels)
    if params.denoise or params.sharpen:
        picture = _polish(picture, params)
    if picture.shape[:2] != size:
        picture = fitted(picture, size)
    return encode(np.clip(np.rint(picture), 0, 255).astype(np.uint8), params)


def demosaic(raw: Raw, how: str, gains: NDArray[np.float32]) -> NDArray[np.float32]:
    """Balance an RGGB mosaic and fill in the two colours that every pixel misses."""
    balanced = raw.copy()
    balanced[0::2, 0::2] *= gains[0]
    balanced[0::2, 1::2] *= gains[1]
    balanced[1::2, 0::2] *= gains[1]
    balanced[1::2, 1::2] *= gains[2]
    top = 65535 / (1 + PEDESTAL)
    code = (np.clip(balanced, -PEDESTAL, 1) + PEDESTAL) * top
    names = {"bilinear": cv2.COLOR_BayerRGGB2RGB, "edges": cv2.COLOR_BayerRGGB2RGB_EA}
    filled = cv2.cvtColor(np.rint(code).astype(np.uint16), names[how])
    return filled.astype(np.float32) / np.float32(top) - np.float32(PEDESTAL)


def tone_curve(params: IspParams) -> NDArray[np.float32]:
    """Code values 0 to 255 for _STEPS evenly spaced amounts of light from 0 to 1."""
    light = np.linspace(0, 1, _STEPS, dtype=np.float64)
    code = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    if params.tone != "srgb":
        code = light ** (1 / 2.2)
    if params.tone == "s-curve":
        code = code + params.contrast * (code * code * (3 - 2 * code) - code)
    return (255 * code).astype(np.float32)


def encode(image: Image, params: IspParams) -> Image:
    """Pass a picture through its codec and back."""
    if params.codec == "none":
        return image
    if params.codec == "h264":
        return through_h264(image, params.crf)
    return through_jpeg(image, params.quality)


def _matrix(params: IspParams, sensor: SensorParams) -> NDArray[np.float32]:
    grey = np.array([0.2126, 0.7152, 0.0722])
    saturate = params.saturation * np.eye(3) + (1 - params.saturation) * np.ones((3, 1)) * grey
    return (saturate @ to_linear(sensor)).astype(np.float32)


def _toned(light: NDArray[np.float32], params: IspParams) -> NDArray[np.float32]:
    index = np.minimum(light, 1) * np.float32(_STEPS - 1) + np.float32(0.5)
    return tone_curve(params)[index.astype(np.uint16)]


def _levelled(picture: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Bring the darkest hundredth of the picture down towards black; grey levels."""
    grey = picture[::4, ::4].mean(axis=2)
    black = np.float32(share * np.percentile(grey, 1))
    return (picture - black) * (255 / (255 - min(black, np.float32(200))))


def _polish(picture: NDArray[np.float32], params: IspParams) -> NDArray[np.float32]:
    """Smooth noise and sharpen, brightness and colour apart; grey levels."""
    parts = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
    grey, colour = np.ascontiguousarray(parts[..., 0]), np.ascontiguousarray(parts[..., 1:])
    if params.denoise:
        grey = cv2.bilateralFilter(grey, 5, 2 * params.denoise, 1.5)
        colour = cv2.GaussianBlur(colour, (0, 0), 0.8 + 0.2 * params.denoise)
    if params.sharpen:
        soft = cv2.GaussianBlur(grey, (0, 0), params.radius)
        grey = grey + params.sharpen * (grey - soft)
    joined = np.dstack([grey, colour]).astype(np.float32)
    return np.asarray(cv2.cvtColor(joined, cv2.COLOR_YCrCb2RGB), np.float32)
