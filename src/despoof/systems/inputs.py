"""What every system asks of its input."""

import torch
from torch import Tensor

from despoof.core.errors import InputError


def check_faces(faces: Tensor, size: int) -> None:
    """Raise InputError unless faces are (B ≥ 1, 3, size, size), floating, finite."""
    if faces.ndim != 4 or faces.shape[1:] != (3, size, size) or faces.shape[0] == 0:
        raise InputError(
            f"faces have shape {tuple(faces.shape)}; expected (B, 3, {size}, {size}) with B ≥ 1. "
            "Cut them out with despoof.face.crop_face and the system's own crop settings."
        )
    if not faces.is_floating_point():
        raise InputError(
            f"faces are {faces.dtype}; expected floating point in [-1, 1]. "
            "For uint8 pixels use x.float() / 127.5 - 1."
        )
    if not bool(torch.isfinite(faces).all()):
        raise InputError("faces hold NaN or Inf; expected finite values in [-1, 1].")
