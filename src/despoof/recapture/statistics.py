"""Figures of one picture by which recaptures differ: detail, colour, noise, contrast, levels.

Pure functions on (H, W, 3) uint8 sRGB crops. Luma and chroma are of the sRGB code, scaled to
[0, 1] (ITU-R BT.601); light is linear.
"""

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Image
from despoof.recapture.light import to_light
from despoof.recapture.spectra import OCTAVES, octave_power

LUMA = np.array([0.299, 0.587, 0.114])
LOCAL = 8  # px, side of the blocks of local contrast
_MAD = 1.4826  # of a normal distribution: standard deviation over median absolute deviation


def luma(image: Image) -> NDArray[np.float64]:
    """Luma of the sRGB code, (H, W) in [0, 1]."""
    _check(image)
    return image @ LUMA / 255


def chroma(image: Image) -> NDArray[np.float64]:
    """Blue and red difference (Cb, Cr) of the sRGB code, (H, W, 2) in [-0.5, 0.5]."""
    y = luma(image)
    code = image / 255
    return np.stack([(code[..., 2] - y) / 1.772, (code[..., 0] - y) / 1.402], axis=-1)


def noise_level(image: Image, inside: NDArray[np.bool_] | None = None) -> float:
    """Standard deviation of white noise in luma, full scale 1, from the median of a Laplacian.

    The mask takes second differences along both axes (Immerkær 1996), so ramps and most edges
    cancel; the median ignores the rest of them. Blurred noise reads lower than it is.
    """
    y = luma(image)
    rows = y[:-2] - 2 * y[1:-1] + y[2:]
    both = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    if inside is not None:
        both = both[inside[1:-1, 1:-1]]
    return float(_MAD / 6 * np.median(np.abs(both)))


def sharpness(image: Image) -> float:
    """Power of the finest octave over that of the two next ones, of luma, in decades (log10)."""
    power = octave_power(luma(image))
    return float(np.log10((power[0] + 1e-9) / (power[1] + power[2] + 1e-9)))


def gamut_volume(image: Image) -> float:
    """Volume that the colours fill in CIELAB, as log10 of the covariance ellipsoid's (one sigma).

    -3 for a picture of one colour; grey pictures are near it too.
    """
    from skimage.color import rgb2lab

    _check(image)
    lab = rgb2lab(image[::2, ::2]).reshape(-1, 3)
    spread = np.maximum(np.linalg.eigvalsh(np.cov(lab.T)), 0)
    return float(np.log10(max(4 / 3 * np.pi * np.sqrt(spread.prod()), 1e-3)))


def local_contrast(image: Image) -> NDArray[np.float64]:
    """Quartiles of the standard deviation of luma in blocks of LOCAL px, (3,) in [0, 0.5]."""
    y = luma(image)
    height, width = (side // LOCAL * LOCAL for side in y.shape)
    blocks = y[:height, :width].reshape(height // LOCAL, LOCAL, width // LOCAL, LOCAL)
    return np.percentile(blocks.std(axis=(1, 3)), [25, 50, 75])


def levels(image: Image) -> NDArray[np.float64]:
    """Percentiles 1, 50 and 99 of luma, (3,) in [0, 1]."""
    return np.percentile(luma(image), [1, 50, 99])


def colour_means(image: Image) -> NDArray[np.float64]:
    """Log2 of mean red and of mean blue light over mean green light, (2,); 0 = grey."""
    _check(image)
    mean = to_light(image).reshape(-1, 3).mean(axis=0, dtype=np.float64) + 1e-4
    return np.log2(mean[[0, 2]] / mean[1])


def saturation(image: Image) -> float:
    """Mean distance from grey in Cb, Cr; in [0, 0.6]."""
    return float(np.linalg.norm(chroma(image), axis=-1).mean())


def statistics(image: Image) -> dict[str, float]:
    """Measure everything.

    Args:
        image: (H, W, 3) uint8 sRGB, at least 64×64.

    Returns:
        Name to value. `luma_octave_k` and `chroma_octave_k` are log10 of power, 0 = finest.

    Raises:
        InputError: another shape or type, or smaller than 64×64.
    """
    _check(image)
    found: dict[str, float] = {}
    colour = chroma(image)
    bright = octave_power(luma(image))
    tinted = octave_power(colour[..., 0]) + octave_power(colour[..., 1])
    for k in range(OCTAVES):
        found[f"luma_octave_{k}"] = float(np.log10(bright[k] + 1e-9))
        found[f"chroma_octave_{k}"] = float(np.log10(tinted[k] + 1e-9))
    found["noise_level"] = float(np.log10(noise_level(image) + 1e-4))
    found["sharpness"] = sharpness(image)
    found["gamut_volume"] = gamut_volume(image)
    found["saturation"] = saturation(image)
    quartiles = local_contrast(image)
    for name, value in zip(("low", "median", "high"), quartiles, strict=True):
        found[f"local_contrast_{name}"] = float(np.log10(value + 1e-4))
    for name, value in zip(("black", "middle", "white"), levels(image), strict=True):
        found[f"level_{name}"] = float(value)
    for name, value in zip(("red", "blue"), colour_means(image), strict=True):
        found[f"balance_{name}"] = float(value)
    return found


def _check(image: Image) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError(f"A picture is (H, W, 3) uint8, got {image.shape} {image.dtype}.")
