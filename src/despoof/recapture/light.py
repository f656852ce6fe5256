"""sRGB to linear light and back: recapture happens to light, not to code values."""

import numpy as np
from numpy.typing import NDArray

from despoof.core.types import Image

Light = NDArray[np.float32]
"""(H, W, 3) linear RGB, 1 = full scale."""


def to_light(image: Image) -> Light:
    """Decode (H, W, 3) uint8 sRGB to linear light in [0, 1] (IEC 61966-2-1)."""
    return _LIGHT_OF_CODE[image]


def to_srgb(light: Light) -> Image:
    """Encode linear light as (H, W, 3) uint8 sRGB; what is out of [0, 1] is clipped."""
    light = np.clip(light, 0, 1)
    code = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(code * 255).astype(np.uint8)


def _light_of_code() -> NDArray[np.float32]:
    code = np.arange(256, dtype=np.float32) / 255
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


_LIGHT_OF_CODE = _light_of_code()
