"""Rows that know nothing of spoofing: what denoisers call noise. Their settings were not tuned."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter
from scipy import ndimage

from despoof.core.extras import need
from despoof.core.types import Image

Values = NDArray[np.float32]

BLUR = 2.0  # px, of the high-pass
MEDIAN = 5  # px
_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def zero(face: Image) -> Values:
    """Nothing had to change: the floor of every figure."""
    return np.zeros(face.shape, np.float32)


def high_pass(face: Image) -> Values:
    """The picture minus its Gaussian blur of 2 px."""
    values = scaled(face)
    return values - ndimage.gaussian_filter(values, (BLUR, BLUR, 0), mode="nearest")


def median_filter(face: Image) -> Values:
    """The picture minus its 5×5 median, channel by channel."""
    clean = Pillow.fromarray(face).filter(ImageFilter.MedianFilter(MEDIAN))
    return scaled(face) - scaled(np.asarray(clean))


def non_local_means(face: Image) -> Values:
    """The picture minus its non-local means (Buades et al. 2005; patch 5, reach 6, h = σ).

    σ by Immerkær 1996: the mean absolute response to a mask that sees no planes and no edges.
    """
    from skimage.restoration import denoise_nl_means

    values = scaled(face)
    response = ndimage.convolve(values, _IMMERKAER[..., None], mode="nearest")
    sigma = float(np.sqrt(np.pi / 2) / 6 * np.abs(response).mean())
    clean = denoise_nl_means(
        values,
        patch_size=5,
        patch_distance=6,
        h=max(sigma, 1e-4),
        sigma=sigma,
        fast_mode=True,
        channel_axis=2,
    )
    return (values - clean).astype(np.float32)


def wavelet(face: Image) -> Values:
    """The picture minus its wavelet denoising (BayesShrink in YCbCr, Chang et al. 2000).

    Raises:
        MissingExtraError: PyWavelets is not installed (extra `bench`).
    """
    need("pywt", "bench")
    from skimage.restoration import denoise_wavelet

    values = scaled(face)
    clean = denoise_wavelet(
        (values + 1) / 2, method="BayesShrink", mode="soft", convert2ycbcr=True, channel_axis=2
    )
    return (values - (2 * clean - 1)).astype(np.float32)


def scaled(face: Image) -> Values:
    """(S, S, 3) uint8 to float32 in [-1, 1]."""
    return face.astype(np.float32) / 127.5 - 1
