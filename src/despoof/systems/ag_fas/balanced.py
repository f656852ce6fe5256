"""Batches that hold as many live faces as attacks, and as many of every domain of each."""

import numpy as np

from despoof.core.errors import DataError
from despoof.systems.ag_fas.domains import Domains
from despoof.systems.residuals import Residuals

Row = tuple[int, int]
"""A shard and a row of it."""

Groups = tuple[list[list[Row]], list[list[Row]]]
"""Rows of each domain: of the live faces, of the attacks."""


def find_groups(cached: Residuals, domains: Domains) -> Groups:
    """Sort cached rows by class and domain.

    Raises:
        DataError: a domain has no row: too few views were cached.
    """
    live: list[list[Row]] = [[] for _ in domains.live]
    attack: list[list[Row]] = [[] for _ in domains.attack]
    columns = zip(cached.column("source"), cached.column("live"), strict=True)
    for shard, (source, is_live) in enumerate(columns):
        numbers = domains.of(source).tolist()
        for row, (number, alive) in enumerate(zip(numbers, is_live.tolist(), strict=True)):
            (live if alive else attack)[number].append((shard, row))
    for names, rows in ((domains.live, live), (domains.attack, attack)):
        empty = [name for name, found in zip(names, rows, strict=True) if not found]
        if empty:
            raise DataError(
                f"No cached view of the domain {empty[0]!r}. Raise recipe.views, or the weights of "
                "its sources, or set recipe.balanced to false."
            )
    return live, attack


def balanced_rows(groups: Groups, count: int, rng: np.random.Generator) -> list[Row]:
    """Draw rows, with repeats: half live, the domains of each half in turn.

    Where a half does not divide evenly, chance says which domains come once more.
    """
    halves = (count - count // 2, count // 2)
    picked: list[Row] = []
    for rows, size in zip(groups, halves, strict=True):
        order = rng.permutation(len(rows))
        for k in range(size):
            group = rows[int(order[k % len(rows)])]
            picked.append(group[int(rng.integers(len(group)))])
    return picked
