"""Who is seen on each training picture, dealt into folds for cross-fitting (SPEC §1.7 item 5)."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from despoof.core.device import seed_of
from despoof.core.errors import ConfigError, DataError
from despoof.data.samples import find_data_root, read_samples, select
from despoof.data.views import DataConfig, Mix, thinned


@dataclass(frozen=True)
class Folds:
    """Which fold each training picture belongs to.

    Attributes:
        count: K.
        fold: for each source, (N,) int64 in [0, K): of the person on each picture of its store.
        named: for each source, (N,) bool: whether the table knows who it is. An unnamed picture
            may show anybody, so that no fold's fields learn from it; the fold that it is given by
            its own name says which fields tell its noise.
        digest: 15 hex digits of who is where.
    """

    count: int
    fold: tuple[NDArray[np.int64], ...]
    named: tuple[NDArray[np.bool_], ...]
    digest: str

    def rows(self, mix: Mix, step: int) -> dict[str, Tensor]:
        """Return `fold` (B,) int64 and `named` (B,) bool of the faces of `mix.batch(step)`."""
        chosen = picks(mix, step)
        return {
            "fold": torch.tensor([int(self.fold[s][i]) for s, i in chosen]),
            "named": torch.tensor([bool(self.named[s][i]) for s, i in chosen]),
        }


def deal_folds(data: DataConfig, mix: Mix, count: int, seed: int) -> Folds:
    """Deal the people of a training mix into folds, each dataset's by themselves.

    A person is in one fold in every source, simulated or not. (Two datasets may show one person
    under two names; nothing here knows that.)

    Args:
        data: what the mix was made of.
        mix: its stores.
        count: of folds, 2 or more.
        seed: of the dealing, where people have equally many pictures.

    Raises:
        ConfigError: without the people of some fold, a class has no named picture to learn from.
        DataError: the tables do not fit the stores.
    """
    people = [_people(data, mix, source) for source in range(len(mix.stores))]
    pictures = Counter(name for of in people for name, _ in of)
    where: dict[str, int] = {}
    for dataset in sorted({source.dataset for source in data.sources}):
        its = {name: n for name, n in pictures.items() if name.startswith(f"{dataset}/")}
        where |= deal(its, count, seed)
    folds = Folds(
        count,
        tuple(np.array([where[name] for name, _ in of], np.int64) for of in people),
        tuple(np.array([named for _, named in of], np.bool_) for of in people),
        hashlib.sha256(json.dumps([count, where], sort_keys=True).encode()).hexdigest()[:15],
    )
    _check_classes(folds, mix)
    return folds


def deal(pictures: Mapping[str, int], count: int, seed: int) -> dict[str, int]:
    """Give each person to the fold that has the fewest pictures so far; most pictures go first.

    >>> deal({"a": 5, "b": 3, "c": 2}, 2, 0)
    {'a': 0, 'b': 1, 'c': 1}
    """
    order = sorted(pictures, key=lambda name: (-pictures[name], seed_of(seed, "fold", name)))
    held = [0] * count
    where: dict[str, int] = {}
    for name in order:
        where[name] = held.index(min(held))
        held[where[name]] += pictures[name]
    return where


def picks(mix: Mix, step: int) -> list[tuple[int, int]]:
    """Return (source, row of its store) of every face of `mix.batch(step)`.

    These are that method's own first draws, which it does not tell; a test holds them together.
    """
    rng = np.random.default_rng(seed_of(mix.seed, "batch", step))
    share = np.array(mix.weights) / sum(mix.weights)
    size = mix.config.batch_size
    marks = (np.arange(size) + rng.uniform()) / size
    source = np.minimum(np.searchsorted(np.cumsum(share), marks), len(share) - 1)
    return [(int(s), int(rng.integers(len(mix.stores[s].live)))) for s in source]


def _people(data: DataConfig, mix: Mix, source: int) -> list[tuple[str, bool]]:
    """(Person, whether the table names one) for every picture of a source's store.

    The store holds the table's pictures that have a face, in its order, each as often as it was
    retaken.
    """
    wanted, store = data.sources[source], mix.stores[source]
    if wanted.without:
        raise ConfigError(
            f"data.sources.{source}.without is {list(wanted.without)}, and recipe.fields.folds is "
            "above 1: who is on the pictures that are left is not known then. Name the species "
            "that you want in `species`, or set recipe.fields.folds to 1."
        )
    root = find_data_root(data.root)
    samples = select(read_samples(root, wanted.dataset), "train", wanted.label)
    samples = thinned(samples, wanted.limit or max(1, len(samples)))
    kept = [s for s in samples if s.box is not None or "/crops/" in s.name]
    people = [(s.group, bool(s.subject)) for s in kept for _ in range(wanted.repeats)]
    if len(people) != len(store.live):
        raise DataError(
            f"{wanted.dataset}, {wanted.label}: {len(people)} pictures of the table have a face, "
            f"and {len(store.live)} were cut. Delete the crops' cache ({data.cache}) and start "
            "again."
        )
    return people


def _check_classes(folds: Folds, mix: Mix) -> None:
    for k in range(folds.count):
        for live, word in ((True, "live picture"), (False, "attack")):
            left = sum(
                int(((store.live == live) & named & (fold != k)).sum())
                for store, fold, named in zip(mix.stores, folds.fold, folds.named, strict=True)
            )
            if not left:
                raise ConfigError(
                    f"recipe.fields.folds is {folds.count}: without the people of fold {k + 1} no "
                    f"{word} is left to learn from. Take more sources, or set it to 1."
                )
