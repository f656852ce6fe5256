"""Are two faces of one person? Pairs of people that nobody learnt from, and how many are right."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from despoof.core.errors import InputError
from despoof.data.samples import Sample, Split, find_data_root, read_samples, select
from despoof.data.store import build_store
from despoof.data.views import DataConfig
from despoof.face.crop import CropConfig
from despoof.metrics.curves import auc
from despoof.metrics.intervals import wilson
from despoof.metrics.scores import make_scores
from despoof.systems.ag_fas.identity import cosines

Embed = Callable[[Tensor], Tensor]
"""Faces [B, 3, S, S] in [-1, 1] -> embeddings [B, D]."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of faces: [P, 3, S, S] in [-1, 1] twice, and `same` (P,) bool, whether of one person.

    Every second pair is of two people, so that any run of pairs holds both kinds.
    """

    first: Tensor
    second: Tensor
    same: Tensor


@dataclass(frozen=True)
class Verification:
    """How well pairs are told.

    Attributes:
        accuracy: of thresholds that were chosen on other pairs.
        interval: Wilson's 95 % of it; pairs count as independent.
        auc: of the cosines, over all pairs.
        pairs: how many.
    """

    accuracy: float
    interval: tuple[float, float]
    auc: float
    pairs: int


def lfw_pairs(data: DataConfig, size: int, split: Split = "dev") -> Pairs | None:
    """Return one pair of each person of LFW with two pictures, and as many of two people.

    Args:
        data: its folder, cache and `dev_scale`.
        size: of a face, pixels.
        split: whose people.

    Returns:
        The pairs; None where fewer than two people have two pictures.
    """
    root = find_data_root(data.root)
    seen: dict[str, list[Sample]] = defaultdict(list)
    for sample in select(read_samples(root, "lfw"), split, "live"):
        if sample.subject and sample.box is not None:
            seen[sample.subject].append(sample)
    chosen = [own[:2] for own in seen.values() if len(own) > 1]
    if len(chosen) < 2:
        return None
    crop = CropConfig(size=size, scale=data.dev_scale)
    store = build_store([one for own in chosen for one in own], crop, root, Path(data.cache))
    faces = torch.from_numpy(np.array(store.images)).permute(0, 3, 1, 2).float() / 127.5 - 1
    first, second = faces[::2], faces[1::2]
    # The other person of a pair of two is the next one in the table.
    return Pairs(
        first.repeat_interleave(2, dim=0),
        torch.stack([second, second.roll(-1, dims=0)], dim=1).flatten(0, 1),
        torch.tensor([True, False]).repeat(len(chosen)),
    )


def verify(embed: Embed, pairs: Pairs, *, folds: int = 10, batch: int = 64) -> Verification:
    """Measure an encoder on pairs.

    Each fold's pairs are judged by the threshold that is best on all the others (LFW's protocol
    with the people at hand).

    Args:
        embed: the encoder.
        pairs: at least four.
        folds: at least 2; at most as many are taken as leave two pairs in each.
        batch: faces at once.

    Raises:
        InputError: fewer than four pairs or two folds.
    """
    if len(pairs.same) < 4 or folds < 2:
        raise InputError(f"{len(pairs.same)} pairs in {folds} folds; expected at least 4 in 2.")
    with torch.no_grad():
        one, other = (
            torch.cat([embed(part) for part in faces.split(batch)])
            for faces in (pairs.first, pairs.second)
        )
    found = cosines(one, other).double().cpu().numpy()
    same = pairs.same.numpy()
    right = 0
    for own in np.array_split(np.arange(len(same)), min(folds, len(same) // 2)):
        others = np.setdiff1d(np.arange(len(same)), own)
        limit = best_threshold(found[others], same[others])
        right += int(((found[own] >= limit) == same[own]).sum())
    return Verification(
        right / len(same), wilson(right, len(same)), auc(make_scores(found, same)), len(same)
    )


def best_threshold(cosine: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Return the threshold (≥ = one person) with the most pairs right; the middle of a gap.

    >>> best_threshold(np.array([0.1, 0.2, 0.6, 0.9]), np.array([False, False, True, True]))
    0.4
    """
    order = np.argsort(cosine, kind="stable")
    values, truth = cosine[order], same[order]
    # Above each place: people of one pair found; below it: pairs of two people turned away.
    right = np.concatenate([[truth.sum()], truth.sum() - np.cumsum(truth) + np.cumsum(~truth)])
    edges = np.concatenate([[-np.inf], values, [np.inf]])
    right[1:-1][edges[1:-2] == edges[2:-1]] = -1  # equal cosines cannot be parted
    place = int(right.argmax())
    low, high = max(edges[place], values[0] - 1), min(edges[place + 1], values[-1] + 1)
    return float(low + high) / 2
