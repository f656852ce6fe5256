"""From frames to clips. Headlines are clip-level: the frames of one clip are not independent."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.metrics.codes import encode
from despoof.metrics.scores import Scores, select

How = Literal["mean", "median", "min", "trimmed"]


@dataclass(frozen=True, eq=False)
class Clips:
    """One score per clip, in the order in which the clips first appear.

    Attributes:
        scores: C clips, with the class, species and group of their frames.
        clip: (C,) str, their names.
        frames: (C,) int, how many frames each has.
        how: the rule, in words.
    """

    scores: Scores
    clip: NDArray[np.str_]
    frames: NDArray[np.intp]
    how: str


def to_clips(
    frames: Scores, clip: NDArray[np.str_], how: How = "mean", *, trim: float = 0.1
) -> Clips:
    """Aggregate the scores of each clip's frames into one.

    A clip's score always lies between its lowest and highest frame; equal frames give exactly
    their score.

    Args:
        frames: N scored frames. Errors of frames and of clips never belong into one table.
        clip: (N,) str, the clip of each frame.
        how: "mean" (the default of the protocols), "median" (of an even number: the mean of the
            middle two), "min" (every frame must look live), or "trimmed" (the mean without the
            lowest and the highest floor(trim * n) frames).
        trim: share cut at each end, in [0, 0.5); read by "trimmed" only.

    Raises:
        InputError: `clip` has another shape; a clip mixes classes, species or groups; `how` is
            another word; or trim is outside [0, 0.5).

    Source: mean over K frames: CDCN (Yu et al. 2020), PhySTD; the rest is robust statistics.

    >>> from despoof.metrics.scores import make_scores
    >>> frames = make_scores([0.9, 0.7, 0.1], [1, 1, 0], group=["s1", "s1", "s2"])
    >>> to_clips(frames, np.array(["a", "a", "b"])).scores.score.tolist()
    [0.8, 0.1]
    """
    if clip.shape != frames.score.shape:
        raise InputError(f"{clip.shape} clip names for {len(frames)} frames; give one per frame.")
    if not 0 <= trim < 0.5:
        raise InputError(f"trim={trim} cuts all frames or none; expected 0 <= trim < 0.5.")
    names, place = encode(clip)
    order = np.lexsort([frames.score, place])
    size = np.bincount(place, minlength=len(names))
    start = np.cumsum(size) - size
    _check_uniform(frames, order, place, names)
    score = frames.score[order]
    value = _aggregate(score, start, size, how, trim)
    value = np.clip(value, score[start], score[start + size - 1])
    first = np.full(len(names), len(frames))
    np.minimum.at(first, place, np.arange(len(frames)))
    by_appearance = np.argsort(first)
    one = select(frames, first[by_appearance])
    clips = Scores(value[by_appearance], one.live, one.species, one.group)
    said = f"trimmed mean, {trim:g} of the frames cut at each end" if how == "trimmed" else how
    return Clips(clips, names[by_appearance], size[by_appearance], said)


def _aggregate(
    score: NDArray[np.float64],
    start: NDArray[np.intp],
    size: NDArray[np.intp],
    how: How,
    trim: float,
) -> NDArray[np.float64]:
    """Aggregate runs of ascending scores."""
    if how == "min":
        return score[start]
    if how == "median":
        low, high = score[start + (size - 1) // 2], score[start + size // 2]
        return low / 2 + high / 2
    if how == "mean":
        cut = np.zeros_like(size)
    elif how == "trimmed":
        cut = np.floor(trim * size).astype(np.intp)
    else:
        raise InputError(f"how={how!r} is unknown; expected mean, median, min or trimmed.")
    place = np.arange(len(score)) - np.repeat(start, size)
    kept = (place >= np.repeat(cut, size)) & (place < np.repeat(size - cut, size))
    # Scores are divided first, so that no sum overflows.
    share = np.where(kept, score / np.repeat(size - 2 * cut, size), 0.0)
    return np.add.reduceat(share, start) if len(score) else score


def _check_uniform(
    frames: Scores,
    order: NDArray[np.intp],
    place: NDArray[np.intp],
    names: NDArray[np.str_],
) -> None:
    same = np.diff(place[order]) == 0
    species = np.where(frames.live, "", frames.species)
    for what, values in (("class", frames.live), ("species", species), ("group", frames.group)):
        column = values[order]
        mixed = same & (column[1:] != column[:-1])
        if mixed.any():
            clip = names[place[order[int(np.argmax(mixed))]]]
            raise InputError(
                f"Clip {str(clip)!r} has frames of more than one {what}; expected one. "
                "Give each presentation a clip name of its own."
            )
