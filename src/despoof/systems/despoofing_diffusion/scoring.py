"""From a map to a score, and from several detectors' scores to one (SPEC §1.5)."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from torch import Tensor

from despoof.core.config import StrictConfig
from despoof.core.errors import InputError

Rule = Literal["mean", "mask", "inside"]
"""mean: of the map (no mask needed). mask: sum of the map / cells of the face, as CDCN's code does.
inside: mean over the cells of the face alone (ours)."""


class ScoreStatistics(StrictConfig):
    """Mean and standard deviation of one detector's scores on development data."""

    mean: float = Field(allow_inf_nan=False)
    std: float = Field(gt=0, allow_inf_nan=False)


def map_score(maps: Tensor, rule: Rule = "mean", masks: Tensor | None = None) -> Tensor:
    """Return (B,) float32 scores, higher = more live.

    Args:
        maps: (B, M, M) as the detector gives them.
        rule: how cells are summed up.
        masks: (B, M, M) bool, True where the face is: a relief above 0, in the view of the map (cut
            it with `views.crop_relief`). For rules "mask" and "inside".

    Raises:
        InputError: the rule needs masks and there are none, their shape differs, or one is empty.
    """
    maps = maps.float()
    if rule == "mean":
        return maps.mean(dim=(1, 2))
    if masks is None or masks.shape != maps.shape:
        shape = None if masks is None else tuple(masks.shape)
        raise InputError(
            f"Rule {rule!r} needs one mask a map, {tuple(maps.shape)}; got {shape}. "
            "Give the reliefs above 0, or use rule 'mean'."
        )
    inside = masks.to(maps.dtype)
    cells = inside.sum(dim=(1, 2))
    if bool((cells == 0).any()):
        empty = int((cells == 0).nonzero()[0])
        raise InputError(
            f"The mask at position {empty} has no cell of a face. Use rule 'mean' for this face."
        )
    return (maps if rule == "mask" else maps * inside).sum(dim=(1, 2)) / cells


def score_statistics(scores: ArrayLike) -> ScoreStatistics:
    """Measure one detector's scores on development data, live and attacks together.

    Args:
        scores: (N ≥ 2,) finite. Not test scores: what is fused with them would know the test set.

    Raises:
        InputError: fewer than two scores, one that is not finite, or all the same.
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 1 or values.size < 2 or not np.isfinite(values).all():
        raise InputError(
            f"Development scores of shape {values.shape} cannot be normalised; expected (N,) "
            "finite numbers, N at least 2."
        )
    if values.min() == values.max():
        raise InputError(
            f"All {values.size} development scores are {values[0]}; a detector that says the same "
            "of every face cannot be fused. Leave it out."
        )
    return ScoreStatistics(mean=float(values.mean()), std=float(values.std()))


def fuse_scores(
    scores: Mapping[str, ArrayLike], statistics: Mapping[str, ScoreStatistics]
) -> NDArray[np.float64]:
    """Average several detectors' scores, each in standard deviations from its development mean.

    Args:
        scores: (N,) of each detector by name, e.g. `rgb+noise`, `rgb`, `noise`; same faces, same
            order.
        statistics: of the same detectors, from development data.

    Returns:
        (N,) fused scores, higher = more live; 0 is the development data's mean.

    Raises:
        InputError: no detector, other names than the statistics have, or other lengths.
    """
    if not scores or set(scores) != set(statistics):
        raise InputError(
            f"Scores are of {sorted(scores)}, statistics of {sorted(statistics)}; expected the "
            "same detectors, at least one. Measure each with score_statistics on development data."
        )
    arrays = {name: np.asarray(values, np.float64) for name, values in scores.items()}
    shapes = {name: values.shape for name, values in arrays.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        raise InputError(f"Scores have shapes {shapes}; expected one score a face from each.")
    normal = [(arrays[name] - s.mean) / s.std for name, s in sorted(statistics.items())]
    return np.mean(normal, axis=0)
