"""Tiles of a larger view, with channels that say where they lie: patch diffusion."""

import torch
from torch import Tensor

from despoof.diffusion.network import place_channels


def cut_tiles(faces: Tensor, side: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Cut one tile out of each face, at a place of its own.

    Args:
        faces: (B, 3, S, S).
        side: of the tiles, pixels; S gives the whole faces.
        generator: of the places.

    Returns:
        Tiles (B, 3, side, side), pixels as they are, and where they lie (B, 2, side, side), x and
        y in [-1, 1] of the whole view: what the network is given for a whole view in use.
    """
    size = faces.shape[-1]
    corners = torch.randint(0, size - side + 1, (len(faces), 2), generator=generator).tolist()
    place = place_channels(size, size)[0]
    tiles = [
        (
            view[:, top : top + side, left : left + side],
            place[:, top : top + side, left : left + side],
        )
        for view, (top, left) in zip(faces, corners, strict=True)
    ]
    return torch.stack([tile for tile, _ in tiles]), torch.stack([where for _, where in tiles])
