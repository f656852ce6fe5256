"""CenterFace's four output maps into boxes and landmarks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_STRIDE = 4
_OVERLAP = 0.3  # intersection over union from which two boxes are one face, as published
_MOST = 1000  # candidates; noise must not make the suppression quadratic in the picture's size


def decode(
    outputs: Sequence[NDArray[np.float32]], min_confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Decode one picture's maps.

    Args:
        outputs: heat map (1, 1, h, w), log box height and width (1, 2, h, w), offset of the centre
            in y and x (1, 2, h, w), landmarks as y, x fractions of the box (1, 10, h, w).
        min_confidence: least heat of a face.

    Returns:
        Boxes (N, 4) as x1, y1, x2, y2, landmarks (N, 5, 2) as x, y, both in input pixels counted
        from the edge, and scores (N,), best first.

    Source: Xu et al. 2019, arXiv:1911.03599, section 3.
    """
    heat = outputs[0][0, 0]
    rows, columns = np.nonzero(heat > min_confidence)
    order = np.argsort(-heat[rows, columns], kind="stable")[:_MOST]
    rows, columns = rows[order], columns[order]
    extents, offsets, points = (
        output[0, :, rows, columns].astype(np.float64) for output in outputs[1:]
    )
    centres = (np.column_stack([rows, columns]) + offsets + 0.5) * _STRIDE
    extents = np.exp(extents) * _STRIDE
    corners = centres - extents / 2
    landmarks = points.reshape(-1, 5, 2) * extents[:, None] + corners[:, None]
    boxes = np.concatenate([corners[:, ::-1], (corners + extents)[:, ::-1]], axis=1)
    kept = suppress(boxes, _OVERLAP)
    return boxes[kept], landmarks[kept][..., ::-1], heat[rows, columns][kept]


def suppress(boxes: NDArray[np.float64], overlap: float) -> list[int]:
    """Return the indices of boxes (N, 4), best first, that overlap no better kept box.

    Args:
        boxes: x1, y1, x2, y2, best first.
        overlap: intersection over union from which the worse box goes.
    """
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.arange(len(boxes))
    kept: list[int] = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(int(best))
        low = np.maximum(boxes[best, :2], boxes[left, :2])
        high = np.minimum(boxes[best, 2:], boxes[left, 2:])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        left = left[shared < overlap * (areas[best] + areas[left] - shared)]
    return kept
