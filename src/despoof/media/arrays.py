"""Pictures that already are in memory: NumPy arrays and torch tensors."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Image
from despoof.media.pixels import over_grey, sixteen_to_eight

if TYPE_CHECKING:
    from torch import Tensor


def image_from_array(array: NDArray[Any]) -> Image:
    """Turn an array into a picture.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; uint8 in 0..255, uint16 in
            0..65535 or float in [0, 1]. RGBA is laid over mid grey (127).

    Returns:
        (H, W, 3) uint8 RGB; a copy.

    Raises:
        InputError: another shape or type, no pixels, NaN, infinite, or out of range.
    """
    shape = array.shape
    if array.ndim not in (2, 3) or 0 in shape or shape[2:] not in ((), (1,), (3,), (4,)):
        raise InputError(
            f"An array of shape {shape} is not a picture. Expected (H, W), (H, W, 3) RGB or "
            "(H, W, 4) RGBA with at least one pixel; pass one picture at a time, channels last."
        )
    pixels = _eight_bits(array, low=0.0)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] == 4:
        return over_grey(pixels)
    return np.array(np.broadcast_to(pixels, (*shape[:2], 3)))


def image_from_tensor(tensor: "Tensor") -> Image:
    """Turn a tensor, as networks take it, into a picture.

    Args:
        tensor: (3, H, W) RGB, any device; float in [-1, 1] (not [0, 1]) or uint8 in 0..255.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: another shape or type, no pixels, NaN, infinite, or out of range.
    """
    shape = tuple(tensor.shape)
    if len(shape) != 3 or shape[0] != 3 or 0 in shape:
        raise InputError(
            f"A tensor of shape {shape} is not a picture. Expected (3, H, W) RGB in [-1, 1]; pass "
            "one picture at a time, channels first."
        )
    values = tensor.detach().cpu()
    array = (values.float() if values.is_floating_point() else values).numpy()
    return np.ascontiguousarray(_eight_bits(array, low=-1.0).transpose(1, 2, 0))


def _eight_bits(values: NDArray[Any], low: float) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16 and low == 0:
        return sixteen_to_eight(values)
    if not np.issubdtype(values.dtype, np.floating):
        raise InputError(
            f"A picture of type {values.dtype} has no known range. Expected uint8 in 0..255 or "
            f"float in [{low:g}, 1]; convert it."
        )
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise InputError(
            f"The picture holds {bad} NaN or infinite values. Expected finite values in "
            f"[{low:g}, 1]; look for the division that made them."
        )
    bottom, top = float(values.min()), float(values.max())
    # Resampling and half precision overshoot by a hair; a wrong convention overshoots by far.
    if bottom < low - 0.01 or top > 1.01:
        raise InputError(
            f"The picture's float values span [{bottom:g}, {top:g}]. Expected [{low:g}, 1]; scale "
            "them, or pass uint8."
        )
    fraction = (values.astype(np.float64) - low) / (1 - low)
    return np.rint(np.clip(fraction, 0, 1) * 255).astype(np.uint8)
