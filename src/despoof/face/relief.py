"""3-D surfaces into 32x32 reliefs: nearest 1, edge of the face a little above 0, outside 0."""

import numpy as np
from numpy.typing import NDArray

SIDE = 32
_FARTHEST = 0.1  # so that the face's far edge still differs from what is no face
_FINEST = 64


def splat(points: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """Keep the nearest point in each cell of a 32x32 grid over a crop.

    Args:
        points: (N, 3) x and y in crop pixels counted from the edge, and nearness (larger is
            nearer, any unit). Dense: a cell that no point falls into is outside the face.
        size: side of the crop, pixels.

    Returns:
        (32, 32) float32: 1 where the whole surface is nearest, 0.1 where it is farthest, 0 outside.
        All 0 where no point falls into the crop or a point is not finite.
    """
    relief = np.zeros(SIDE * SIDE, np.float32)
    if not len(points) or not np.isfinite(points).all():
        return relief.reshape(SIDE, SIDE)
    near = points[:, 2]
    extent = float(np.ptp(near))
    height = (near - near.min()) / extent if extent > 1e-9 else np.ones_like(near)
    column, row = np.floor(points[:, :2] * (SIDE / size)).astype(np.int64).T
    inside = (column >= 0) & (column < SIDE) & (row >= 0) & (row < SIDE)
    values = (_FARTHEST + (1 - _FARTHEST) * height[inside]).astype(np.float32)
    np.maximum.at(relief, row[inside] * SIDE + column[inside], values)
    return relief.reshape(SIDE, SIDE)


def sample_triangles(
    vertices: NDArray[np.float64], triangles: NDArray[np.int64], spacing: float
) -> NDArray[np.float64]:
    """Return points on a mesh, no further apart than `spacing` in x and y.

    Meshes of faces have thousands of triangles smaller than a cell of the relief, so sampling
    every triangle alike is both quick and enough.

    Args:
        vertices: (V, 3).
        triangles: (T, 3) indices of vertices, from 0.
        spacing: in the unit of x and y.
    """
    corners = vertices[triangles]  # (T, 3, 3)
    longest = float(np.ptp(corners[..., :2], axis=1).max(initial=0))
    parts = int(min(_FINEST, max(1, np.ceil(longest / spacing))))
    weights = np.array(
        [[i, j, parts - i - j] for i in range(parts + 1) for j in range(parts + 1 - i)]
    )
    return np.einsum("kc,tcd->tkd", weights / parts, corners).reshape(-1, 3)
