"""The anomalous cue: what is left of a face when its genuine twin is subtracted."""

import torch
from torch import Tensor

from despoof.core.errors import InputError

EPSILON = 1e-8
MIRROR_AXIS = -1


def anomalous_cue(faces: Tensor, reconstruction: Tensor) -> Tensor:
    """Return the signed residual, standardised over all pixels and channels of each picture.

    (r − mean) / (std + 1e-8) with r = faces − reconstruction; no absolute value (SPEC §2.1). The
    deviation is the unbiased one, as torch's default.

    Args:
        faces: (B, 3, S, S) in [-1, 1].
        reconstruction: alike.

    Returns:
        (B, 3, S, S) float32: mean 0 and deviation 1; zero where nothing differs.

    Raises:
        InputError: the shapes differ.
    """
    if faces.shape != reconstruction.shape:
        raise InputError(
            f"faces are {tuple(faces.shape)}, their reconstruction {tuple(reconstruction.shape)}; "
            "expected the same shape. Reconstruct the very faces that are judged."
        )
    return standardised(faces.float() - reconstruction.float())


def standardised(residual: Tensor) -> Tensor:
    """Return (B, C, H, W) residuals with mean 0 and deviation 1 each."""
    axes = (1, 2, 3)
    mean = residual.mean(dim=axes, keepdim=True)
    return (residual - mean) / (residual.std(dim=axes, keepdim=True) + EPSILON)


def mirrored_pairs(
    faces: Tensor, noise: Tensor, chosen: Tensor, separate: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Mirror faces and their noise, left to right.

    The published program draws the face's mirror and its reconstruction's by themselves, so that
    half of its residuals subtract a mirrored face (SPEC §2.4 item 1). `separate` is that bug, with
    the meaning that it has in `data.transforms.move_maps`, which also resamples; here no pixel is
    interpolated: moiré stays.

    Args:
        faces: (B, 3, S, S) in [-1, 1].
        noise: (B, 3, S, S), faces − reconstruction.
        chosen: (B,) bool, which pairs are mirrored.
        separate: (B,) bool, whose reconstruction is mirrored once more than the face; None =
            correct, both together.

    Returns:
        Faces and noise.
    """
    seen = _flipped(faces, chosen)
    if separate is None:
        return seen, _flipped(noise, chosen)
    return seen, seen - _flipped(faces - noise, chosen ^ separate)


def _flipped(planes: Tensor, chosen: Tensor) -> Tensor:
    return torch.where(chosen.view(-1, 1, 1, 1), planes.flip(MIRROR_AXIS), planes)
