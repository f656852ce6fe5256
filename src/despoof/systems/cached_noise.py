"""Training views and development faces with their noise, computed once for every later stage."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from despoof.data.views import DevSet
from despoof.systems.residuals import Residuals, Shard, write_residuals
from despoof.training.display import progress_bar

DEV_SHARD = 64
"""Development faces of a shard."""


@dataclass(frozen=True)
class CachedFaces:
    """Training views and development faces with the noise that a system found in them.

    Attributes:
        train: a shard is one batch of the mix, its rows in the order of the sources.
        dev: by the set's name; `faces`, `live` and `noise`.
        key: of all of it.
    """

    train: Residuals
    dev: dict[str, Residuals]
    key: str


@dataclass(frozen=True)
class Views:
    """Which training views are cached.

    Attributes:
        place: folder of their shards, below that of the key.
        count: shards.
        make: faces of a shard by its number; a pure function.
        noise_of: see `write_residuals`.
    """

    place: str
    count: int
    make: Callable[[int], Shard]
    noise_of: Callable[[Shard], Tensor]


def cache_noise(
    folder: Path, views: Views, sets: Sequence[DevSet], noise_of: Callable[[Shard], Tensor]
) -> tuple[Residuals, dict[str, Residuals]]:
    """Compute what is not in the cache, and show how far it is.

    Args:
        folder: of the key.
        views: the training views, with their own way to noise.
        sets: development faces.
        noise_of: of development faces.

    Raises:
        DataError: as `write_residuals`.
    """
    parts = {dev.name: math.ceil(len(dev.live) / DEV_SHARD) for dev in sets}
    with progress_bar("noise", views.count + sum(parts.values()), 0, shown=True) as show:
        train = write_residuals(folder / views.place, views.count, views.make, views.noise_of, show)
        done, found = views.count, dict[str, Residuals]()
        for dev in sets:
            found[dev.name] = write_residuals(
                folder / dev.name,
                parts[dev.name],
                lambda k, dev=dev: _part(dev, k),
                noise_of,
                lambda step, note, done=done: show(done + step, note),
            )
            done += parts[dev.name]
    return train, found


def dev_batches(faces: CachedFaces) -> Sequence[tuple[str, list[Shard]]]:
    """Return the development faces in memory: (set, shards)."""
    return [
        (name, [dev.shard(k) for k in range(len(dev.paths))]) for name, dev in faces.dev.items()
    ]


def drawn_rows(cached: Residuals, count: int, rng: np.random.Generator) -> Shard:
    """Draw a batch row by row from any shard: each holds the sources' shares, and so has this one.

    Args:
        cached: training views.
        count: of the rows.
        rng: the only source of chance.
    """
    size = len(next(cached.column("live")))  # of the first shard; its pictures stay on disk
    shards = rng.integers(len(cached.paths), size=count)
    rows = rng.choice(size, size=count, replace=count > size)
    return cached.rows([(int(s), int(r)) for s, r in zip(shards, rows, strict=True)])


def _part(dev: DevSet, number: int) -> Shard:
    rows = slice(number * DEV_SHARD, (number + 1) * DEV_SHARD)
    return {"faces": dev.faces[rows], "live": dev.live[rows]}
