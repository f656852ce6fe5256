"""Pictures that already are in memory: NumPy arrays and torch tensors."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Image
from despoof.media.guard import guarded
from despoof.media.limits import DEFAULT_LIMITS, ImageLimits, check_held, check_size, strips
from despoof.media.pixels import over_grey, sixteen_to_eight

if TYPE_CHECKING:
    from torch import Tensor

_TWELVE_BITS = 4096  # 16-bit values that stay below are black, or of another range
_DARKEST = -0.1  # a float picture in [-1, 1] has darker places; level 115 of 255


@guarded
def image_from_array(array: NDArray[Any], limits: ImageLimits = DEFAULT_LIMITS) -> Image:
    """Turn an array into a picture.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; uint8 in 0..255 or uint16 in
            0..65535. RGBA is laid over mid grey (127). Floats are refused: nothing tells [0, 1]
            from other conventions.
        limits: a larger array is refused before anything is copied.

    Returns:
        (H, W, 3) uint8 RGB; a copy.

    Raises:
        InputError: another shape or type, no pixels, or 16-bit values that are all below 4096 and
            so are 8-bit to 12-bit ones.
        MediaError: larger than the limits.
    """
    shape = array.shape
    if array.ndim not in (2, 3) or 0 in shape or shape[2:] not in ((), (1,), (3,), (4,)):
        raise InputError(
            f"An array of shape {shape} is not a picture. Expected (H, W), (H, W, 3) RGB or "
            "(H, W, 4) RGBA with at least one pixel; pass one picture at a time, channels last."
        )
    check_size((shape[1], shape[0]), limits, "<array>")
    check_held((shape[1], shape[0]), 6, limits, "<array>")
    pixels = _from_integers(array)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] == 4:
        return over_grey(pixels)
    return np.array(np.broadcast_to(pixels, (*shape[:2], 3)))


@guarded
def image_from_tensor(tensor: "Tensor", limits: ImageLimits = DEFAULT_LIMITS) -> Image:
    """Turn a tensor, as networks take it, into a picture.

    Args:
        tensor: (3, H, W) RGB, any device; float in [-1, 1] (not [0, 1]) or uint8 in 0..255.
        limits: a larger tensor is refused before anything is copied.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: another shape or type, no pixels, NaN, infinite, or out of range; also where no
            value is below -0.1, as in [0, 1]: a photograph has darker places.
        MediaError: larger than the limits.
    """
    shape = tuple(tensor.shape)
    if len(shape) != 3 or shape[0] != 3 or 0 in shape:
        raise InputError(
            f"A tensor of shape {shape} is not a picture. Expected (3, H, W) RGB in [-1, 1]; pass "
            "one picture at a time, channels first."
        )
    check_size((shape[2], shape[1]), limits, "<tensor>")
    # The levels, these with the channels last, and 32-bit values where they are not at hand.
    here = tensor.element_size() == 4 and tensor.device.type == "cpu"
    copied = 12 if tensor.is_floating_point() and not here else 0
    check_held((shape[2], shape[1]), 6 + copied, limits, "<tensor>")
    values = tensor.detach().cpu()
    if values.is_floating_point():
        pixels = _from_floats(values.float().numpy())
    else:
        array = values.numpy()
        if array.dtype != np.uint8:
            raise InputError(
                f"A tensor of type {array.dtype} has no known range. Expected float in [-1, 1] or "
                "uint8 in 0..255; convert it."
            )
        pixels = array
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))


def _from_integers(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:  # of either byte order
        top = int(values.max())
        if 0 < top < _TWELVE_BITS:
            raise InputError(
                f"The picture's 16-bit values reach only {top}. Expected 0..65535; scale them "
                "(8-bit values: pass uint8)."
            )
        return sixteen_to_eight(values.astype(np.uint16))
    if np.issubdtype(values.dtype, np.floating):
        finite = values[np.isfinite(values)]
        span = f"span [{finite.min():g}, {finite.max():g}]" if finite.size else "are not finite"
        raise InputError(
            f"The picture is an array of {values.dtype}, whose values {span}. Expected uint8 in "
            "0..255 (or uint16 in 0..65535): of floats nobody knows the range. Convert it, from "
            "[0, 1] by np.rint(255 * array).astype(np.uint8), or pass a tensor in [-1, 1]."
        )
    raise InputError(
        f"A picture of type {values.dtype} has no known range. Expected uint8 in 0..255 or uint16 "
        "in 0..65535; convert it."
    )


def _from_floats(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Take floats in [-1, 1] to 0..255."""
    bad = int(values.size - np.isfinite(values).sum())
    if bad:
        raise InputError(
            f"The picture holds {bad} NaN or infinite values. Expected finite values in "
            "[-1, 1]; look for the division that made them."
        )
    bottom, top = float(values.min()), float(values.max())
    # Resampling and half precision overshoot by a hair; a wrong convention overshoots by far.
    if bottom < -1.01 or top > 1.01:
        raise InputError(
            f"The picture's float values span [{bottom:g}, {top:g}]. Expected [-1, 1]; scale "
            "them, or pass uint8."
        )
    if bottom > _DARKEST:
        raise InputError(
            f"The picture's float values span [{bottom:g}, {top:g}], as if they were meant for "
            "[0, 1]. Expected [-1, 1]; pass 2 * tensor - 1, or uint8."
        )
    levels = np.empty(values.shape, np.uint8)
    height, width = values.shape[1:]
    for top, end in strips(height, width):
        part = values[:, top:end].astype(np.float64)
        levels[:, top:end] = np.rint(np.clip((part + 1) / 2, 0, 1) * 255)
    return levels
