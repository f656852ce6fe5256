"""What a stream sees of a face, and the relief that the map is held against, cut alike.

Paper (SPEC §1.4): the RGB stream sees the middle of the crop, the noise stream all of it, with the
medium's edge and the background; the depth label goes with the RGB stream.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from despoof.core.errors import InputError
from despoof.systems.despoofing_diffusion.config import DetectorConfig

RGB_SCALE = 127.5 / 128
"""From [-1, 1] to the published (x − 127.5) / 128."""


def centre_side(size: int, share: float) -> int:
    """Return the side of the centre crop: `share` of the size, in whole pixels on every border.

    >>> centre_side(320, 0.8), centre_side(112, 0.8), centre_side(65, 0.5)
    (256, 90, 33)
    """
    return max(size - 2 * round(size * (1 - share) / 2), 2 - size % 2)


def centre_crop(pictures: Tensor, share: float) -> Tensor:
    """(B, C, S, S) -> (B, C, s, s): the middle, pixels as they are; s from `centre_side`."""
    size = pictures.shape[-1]
    side = centre_side(size, share)
    border = (size - side) // 2
    return pictures[..., border : border + side, border : border + side]


def crop_relief(relief: Tensor, size: int, share: float) -> Tensor:
    """Cut a relief just as `centre_crop` cuts the picture that it belongs to.

    Args:
        relief: (B, M, M) over the whole picture.
        size: side S of that picture, pixels: it decides how the share is rounded.
        share: of the centre crop.

    Returns:
        (B, M, M) over the centre crop: bilinear, cell (i, j) at the middle of its square.
    """
    zoom = centre_side(size, share) / size
    if zoom == 1:
        return relief
    count = len(relief)
    theta = relief.new_tensor([[zoom, 0, 0], [0, zoom, 0]]).expand(count, 2, 3)
    grid = F.affine_grid(theta, [count, 1, *relief.shape[1:]], align_corners=False)
    cut = F.grid_sample(relief[:, None], grid, padding_mode="border", align_corners=False)
    return cut[:, 0]


def depth_target(depth: Tensor, live: Tensor, size: int, config: DetectorConfig) -> Tensor:
    """Return the map that a perfect detector gives.

    Args:
        depth: (B, 32, 32) in [0, 1], the person's relief over the whole crop, for attacks too.
        live: (B,) bool.
        size: side of the face crops, pixels.
        config: of the detector; the map has the view of its first stream.

    Returns:
        (B, 32, 32): the relief of live faces, 0 for attacks.
    """
    if config.streams[0].view == "centre":
        depth = crop_relief(depth, size, config.rgb_share)
    return depth * live.view(-1, 1, 1)


def stream_inputs(faces: Tensor, noise: Tensor | None, config: DetectorConfig) -> list[Tensor]:
    """Return what each stream of `config.streams` sees.

    The noise is never resized (that kills moiré), so it may have another size than the faces.

    Args:
        faces: (B, 3, S, S) RGB in [-1, 1].
        noise: (B, 3, T, T) signed noise or its magnitude, [-1, 1] units, over the same crop; any
            floating type. Not looked at where no stream sees it.
        config: of the detector.

    Raises:
        InputError: noise is needed and missing, has another shape, or its scale is not measured.
    """
    seen: list[Tensor] = []
    for stream in config.streams:
        picture = faces * RGB_SCALE if stream.kind == "rgb" else _scaled(noise, faces, config)
        seen.append(centre_crop(picture, config.rgb_share) if stream.view == "centre" else picture)
    return seen


def mirrored(batch: dict[str, Tensor], chosen: Tensor) -> dict[str, Tensor]:
    """Mirror faces, noise and depth of some examples left to right, all three alike.

    The only augmentation that leaves every value of cached noise as it was measured. (A network
    that is no mirror image of itself would give slightly other noise for a mirrored face.)

    Args:
        batch: `faces`, `noise` and `depth` are mirrored where present, the rest stays.
        chosen: (B,) bool, which examples.
    """
    return {
        name: torch.where(chosen.view(-1, *[1] * (x.ndim - 1)), x.flip(-1), x)
        if name in ("faces", "noise", "depth")
        else x
        for name, x in batch.items()
    }


def _scaled(noise: Tensor | None, faces: Tensor, config: DetectorConfig) -> Tensor:
    if noise is None:
        raise InputError(
            f"inputs is {config.inputs!r} but no noise was given; expected (B, 3, T, T). "
            "Compute it with the bridge, or set inputs to rgb."
        )
    if noise.ndim != 4 or noise.shape[:2] != faces.shape[:2] or noise.shape[2] != noise.shape[3]:
        raise InputError(
            f"The noise has shape {tuple(noise.shape)}; expected ({len(faces)}, 3, T, T), as many "
            "as faces."
        )
    if config.noise_scale is None:
        raise InputError(
            "noise_scale is not measured (null); expected the training faces' percentile. "
            "Set it with despoof.systems.despoofing_diffusion.noise_scale.with_noise_scale."
        )
    noise = noise.to(faces.dtype)
    return (noise.abs() if config.noise_form == "magnitude" else noise) / config.noise_scale
