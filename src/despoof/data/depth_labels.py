"""Precomputed face relief beside a table, brought into the frame of a crop."""

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import DataError


def read_depth(root: Path, dataset: str) -> NDArray[np.uint8]:
    """Return (N, 32, 32) uint8 reliefs in the table's row order; 255 nearest, 0 outside the face.

    Attack rows have a relief too: the face prior does not see paper. Rows that the fit calls
    untrustworthy (`ok` false) are kept as they are: a rough relief is a better target than none.

    Raises:
        DataError: the file is missing or has no `depth` of that shape.
    """
    path = root / f"{dataset}.depth.npz"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            depth = arrays["depth"]
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} does not hold an array `depth`: {error}.") from error
    if depth.ndim != 3 or depth.shape[1:] != (32, 32) or depth.dtype != np.uint8:
        raise DataError(f"{path}: depth is {depth.dtype} {depth.shape}, expected uint8 (N, 32, 32)")
    return depth


def depth_in_crop(
    relief: NDArray[np.uint8],
    picture_size: tuple[int, int],
    matrix: NDArray[np.float64],
    crop_size: int,
    out: int,
) -> NDArray[np.uint8]:
    """Resample a relief from the picture's frame to a crop's.

    Args:
        relief: (32, 32) uint8 spanning the whole picture.
        picture_size: height, width in pixels.
        matrix: (2, 3), crop pixel centres to picture pixel centres (`FaceCrop.matrix`).
        crop_size: side of the crop, pixels.
        out: side of the result.

    Returns:
        (out, out) uint8; 0 where the crop leaves the picture.
    """
    from scipy import ndimage  # 0.2 s to load: not when a picture is checked

    centres = (np.arange(out) + 0.5) * crop_size / out - 0.5  # crop pixel centres of the cells
    x, y = np.meshgrid(centres, centres)
    picture = np.einsum("ij,jhw->ihw", matrix, np.stack([x, y, np.ones_like(x)]))
    height, width = picture_size
    rows = (picture[1] + 0.5) / height * relief.shape[0] - 0.5
    columns = (picture[0] + 0.5) / width * relief.shape[1] - 0.5
    inside = (abs(picture[0] + 0.5 - width / 2) < width / 2) & (
        abs(picture[1] + 0.5 - height / 2) < height / 2
    )
    values = ndimage.map_coordinates(
        relief.astype(np.float32), np.stack([rows, columns]), order=1, mode="nearest"
    )
    return np.where(inside, values.round(), 0).astype(np.uint8)
