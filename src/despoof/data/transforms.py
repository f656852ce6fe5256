"""One pose for a picture, its noise and its relief; a camera for the picture alone.

The published AG-FAS code mirrors a picture and its reconstruction by separate coin tosses, so
half of its training residuals subtract a mirrored face (SPEC §2.4). Here a pose is drawn once and
applied to all. `separate_mirrors` brings the bug back, for runs that repeat the published number.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from despoof.core.errors import InputError
from despoof.data.augment import AugmentConfig, photometry

GREY = 127 / 255 * 2 - 1
"""What lies outside a stored crop, as a face tensor has it."""


@dataclass(frozen=True)
class Maps:
    """What is known about B stored crops, all over the same square each.

    Attributes:
        faces: (B, 3, S, S) float32 in [-1, 1].
        noise: (B, 3, S, S) float32, signed, faces − genuine; None where it is not known.
        depth: (B, D, D) float32 in [0, 1]; None where it is not known.
    """

    faces: Tensor
    noise: Tensor | None = None
    depth: Tensor | None = None


def draw_poses(
    extent: Tensor, *, stored_scale: float, config: AugmentConfig, generator: torch.Generator
) -> Tensor:
    """Draw one random similarity, stretch and mirror for each crop.

    Args:
        extent: (B,) how far each picture reaches before padding, as a multiple of the face.
        stored_scale: side of the stored crops as a multiple of the face.
        config: ranges.
        generator: the only source of chance.

    Returns:
        (B, 2, 3) affine maps from the view to the stored crop, both in [-1, 1].
    """
    n = len(extent)
    low, high = config.scale
    # Padding tells the sets apart, so a picture is rarely shown wider than it reaches.
    top = torch.minimum(extent * 1.05, torch.tensor(high)).clamp(min=low)
    scale = low + (top - low) * torch.rand(n, generator=generator)
    angle = math.radians(config.rotation) * _signed(n, generator)
    stretch = torch.exp(config.aspect * _signed(n, generator))
    mirror = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    shift = config.shift / stored_scale * 2 * _signed(2 * n, generator).view(n, 2)
    zoom = scale / stored_scale
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    x = torch.stack([cos * stretch * mirror, -sin / stretch, shift[:, 0]], dim=1)
    y = torch.stack([sin * stretch * mirror, cos / stretch, shift[:, 1]], dim=1)
    return torch.stack([x, y], dim=1)


def fixed_poses(n: int, scale: float, stored_scale: float) -> Tensor:
    """Return (n, 2, 3) poses that show the centred square of `scale` faces, upright."""
    zoom = scale / stored_scale
    return torch.tensor([[zoom, 0.0, 0.0], [0.0, zoom, 0.0]]).repeat(n, 1, 1)


def mirrored(poses: Tensor, chosen: Tensor) -> Tensor:
    """Mirror the views of the chosen (B,) bool poses, left to right."""
    flip = torch.where(chosen, -1.0, 1.0)
    return torch.cat([poses[:, :, :1] * flip.view(-1, 1, 1), poses[:, :, 1:]], dim=2)


def move(planes: Tensor, poses: Tensor, size: int, *, outside: float, smooth: bool) -> Tensor:
    """Resample planes under their poses.

    Args:
        planes: (B, C, S, S) float32.
        poses: (B, 2, 3), as from `draw_poses`.
        size: side of the result, pixels.
        outside: what lies around the planes.
        smooth: average four samples a pixel: for pictures and noise, whose views shrink them and
            must not alias.

    Returns:
        (B, C, size, size). Linear in the planes' difference from `outside`: the noise of a moved
        picture is the moved noise.
    """
    side = 2 * size if smooth else size
    grid = F.affine_grid(poses, [*planes.shape[:2], side, side], align_corners=False)
    view = F.grid_sample(planes - outside, grid, mode="bilinear", align_corners=False)
    return (F.avg_pool2d(view, 2) if smooth else view) + outside


def draw_views(
    images: Tensor,
    depth: Tensor,
    extent: Tensor,
    *,
    stored_scale: float,
    size: int,
    config: AugmentConfig,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Show stored crops and their reliefs under one random pose each, the same for both.

    Args:
        images: (B, S, S, 3) uint8.
        depth: (B, D, D) uint8 over the same square.
        extent: (B,), see `draw_poses`.
        stored_scale: side of the stored crops as a multiple of the face.
        size: side of the result, pixels.
        config: ranges.
        generator: the only source of chance.

    Returns:
        (B, 3, size, size) float32 in [0, 1] and (B, 32, 32) float32 in [0, 1].
    """
    poses = draw_poses(extent, stored_scale=stored_scale, config=config, generator=generator)
    planes = images.permute(0, 3, 1, 2).float().div_(255)
    faces = move(planes, poses, size, outside=127 / 255, smooth=True).clamp_(0, 1)
    relief = move(depth[:, None].float() / 255, poses, 32, outside=0, smooth=False)
    return faces, relief[:, 0]


def move_maps(
    maps: Maps,
    poses: Tensor,
    size: int,
    *,
    separate_mirrors: Tensor | None = None,
    depth_size: int = 32,
) -> Maps:
    """Move all maps of each crop together.

    Args:
        maps: what is known of the crops.
        poses: (B, 2, 3).
        size: side of the views, pixels.
        separate_mirrors: (B,) bool, the published flip bug: where True, the genuine face is
            mirrored once more than the picture before it is subtracted. None = correct.
        depth_size: side of the relief's view.

    Raises:
        InputError: a map's batch differs from the poses', or mirrors come without noise.
    """
    parts = [part for part in (maps.faces, maps.noise, maps.depth) if part is not None]
    if any(len(part) != len(poses) for part in parts):
        shapes = ", ".join(str(tuple(part.shape)) for part in parts)
        raise InputError(f"{len(poses)} poses for maps {shapes}; expected one pose for each crop.")
    if separate_mirrors is not None and maps.noise is None:
        raise InputError("separate_mirrors concern the noise, and there is none. Leave them away.")
    faces = move(maps.faces, poses, size, outside=GREY, smooth=True).clamp(-1, 1)
    noise = depth = None
    if maps.noise is not None and separate_mirrors is None:
        noise = move(maps.noise, poses, size, outside=0, smooth=True)
    elif maps.noise is not None and separate_mirrors is not None:
        other = mirrored(poses, separate_mirrors)
        noise = faces - move(maps.faces - maps.noise, other, size, outside=GREY, smooth=True)
    if maps.depth is not None:
        flat = move(maps.depth[:, None], poses, depth_size, outside=0, smooth=False)
        depth = flat[:, 0]
    return Maps(faces, noise, depth)


def photograph_faces(maps: Maps, config: AugmentConfig, generator: torch.Generator) -> Maps:
    """Take the faces through one random camera each; noise and relief stay as they are."""
    faces = photometry((maps.faces + 1) / 2, config, generator) * 2 - 1
    return Maps(faces, maps.noise, maps.depth)


def _signed(n: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator) * 2 - 1
