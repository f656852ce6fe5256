"""Resampled sets as whole-number weights on scores that were sorted once.

A draw of groups with replacement is a count per group. Everything a metric needs is then a
running sum of counts along the sorted scores, for many draws at a time: no row is copied.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.metrics.codes import encode
from despoof.metrics.scores import Scores, need_both

Strata = Literal["species", "class"]


@dataclass(frozen=True, eq=False)
class Side:
    """Presentations of one class or species, ascending.

    Attributes:
        score: (n,) float64.
        unit: (n,) int, the row of the weight table that each belongs to.
    """

    score: NDArray[np.float64]
    unit: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Layout:
    """Scores ready for resampling.

    Attributes:
        live: the live side.
        attack: all attacks.
        species: the attacks of each species, alphabetically.
        strata: first and past-the-last row of the weight table of each stratum; live comes first.
        thresholds: (M + 1,) -inf and the distinct scores, ascending.
        live_at: (M + 1,) number of live presentations with score <= threshold.
        attack_at: the same for attacks.
    """

    live: Side
    attack: Side
    species: dict[str, Side]
    strata: tuple[tuple[int, int], ...]
    thresholds: NDArray[np.float64]
    live_at: NDArray[np.intp]
    attack_at: NDArray[np.intp]

    @property
    def units(self) -> int:
        """Number of rows of the weight table."""
        return self.strata[-1][1]


def lay_out(scores: Scores, strata: Strata = "species") -> Layout:
    """Sort scores and give each (stratum, group) a row of the weight table.

    Args:
        scores: N presentations of both classes.
        strata: groups are drawn within live, and within each "species" or all attacks ("class").

    Raises:
        InputError: a class is missing, a stratum has only one group, or `strata` is another word.
    """
    need_both(scores, "Resampling")
    if strata not in ("species", "class"):
        raise InputError(f"strata={strata!r} is unknown; expected species or class.")
    rows = np.argsort(scores.score, kind="stable")
    score, live = scores.score[rows], scores.live[rows]
    names, place = encode(scores.species[rows][~live])
    # Numbers of the strata: live is 0, attacks are 1 or 1 + species.
    stratum = np.zeros(len(rows), np.intp)
    stratum[~live] = 1 + (place if strata == "species" else 0)
    group_names, places = scores.groups
    group = places[rows]
    keys, unit = np.unique(stratum * len(group_names) + group, return_inverse=True)
    sizes = np.bincount(keys // len(group_names))
    if sizes.min() < 2:
        at = int(np.argmin(sizes))
        what = ["live", "attacks" if strata == "class" else "species"][min(at, 1)]
        name = f" {str(names[at - 1])!r}" if at and strata == "species" else ""
        raise InputError(
            f"The stratum {what}{name} has 1 group and cannot be resampled; expected at least 2. "
            "Use strata='class', group by something finer, or report counts without an interval."
        )
    ends = np.cumsum(sizes)
    thresholds = np.concatenate([[-np.inf], np.unique(score)])
    live_side, attack_side = Side(score[live], unit[live]), Side(score[~live], unit[~live])
    return Layout(
        live=live_side,
        attack=attack_side,
        species={
            str(name): Side(attack_side.score[place == i], attack_side.unit[place == i])
            for i, name in enumerate(names)
        },
        strata=tuple(zip((ends - sizes).tolist(), ends.tolist(), strict=True)),
        thresholds=thresholds,
        live_at=np.searchsorted(live_side.score, thresholds, side="right"),
        attack_at=np.searchsorted(attack_side.score, thresholds, side="right"),
    )


@dataclass(frozen=True, eq=False)
class Counts:
    """One side under B draws at once.

    Attributes:
        score: (n,) ascending.
        weight: (n, B) int, how often each presentation was drawn.
    """

    score: NDArray[np.float64]
    weight: NDArray[np.int64]

    @cached_property
    def running(self) -> NDArray[np.int64]:
        """(n + 1, B) drawn presentations among the lowest 0, 1, … n."""
        total = np.zeros((len(self.score) + 1, self.weight.shape[1]), np.int64)
        np.cumsum(self.weight, axis=0, out=total[1:])
        return total

    @property
    def total(self) -> NDArray[np.int64]:
        """(B,) drawn presentations."""
        return self.running[-1]

    def rejected(self, threshold: NDArray[np.float64]) -> NDArray[np.int64]:
        """(B,) drawn presentations with score <= threshold, one threshold per draw."""
        at = np.searchsorted(self.score, threshold, side="right")
        return self.running[at, np.arange(len(at))]


@dataclass(frozen=True, eq=False)
class Draws:
    """B resampled sets, and the threshold at which each is judged.

    Attributes:
        layout: what they were drawn from.
        table: (U, B) int, how often each unit (group within stratum) was drawn.
        threshold: (B,) float64, or None where no statistic needs one.
    """

    layout: Layout
    table: NDArray[np.int64]
    threshold: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return self.table.shape[1]

    def counts(self, side: Side) -> Counts:
        """Count the presentations of one side."""
        return Counts(side.score, self.table[side.unit])

    @cached_property
    def live(self) -> Counts:
        """The live side."""
        return self.counts(self.layout.live)

    @cached_property
    def attack(self) -> Counts:
        """All attacks."""
        return self.counts(self.layout.attack)

    @cached_property
    def species(self) -> tuple[Counts, ...]:
        """The attacks species by species; a species may be absent from a draw of "class"."""
        return tuple(self.counts(side) for side in self.layout.species.values())

    def errors(self, point: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(B,) attacks accepted and live rejected at `layout.thresholds[point]`."""
        each = np.arange(len(self))
        below = self.attack.running[self.layout.attack_at[point], each]
        return self.attack.total - below, self.live.running[self.layout.live_at[point], each]

    def first(self, test: Callable[[NDArray[np.intp]], NDArray[np.bool_]]) -> NDArray[np.intp]:
        """(B,) first threshold point where a monotone test of points holds; M + 1 where none."""
        return first_true(len(self.layout.thresholds), len(self), test)


def first_true(
    n: int, draws: int, test: Callable[[NDArray[np.intp]], NDArray[np.bool_]]
) -> NDArray[np.intp]:
    """Bisect in all draws at once.

    Args:
        n: positions 0…n-1.
        draws: B.
        test: from (B,) positions to (B,) bool; once true it stays true for higher positions.

    Returns:
        (B,) the first true position, n where there is none.
    """
    low, high = np.zeros(draws, np.intp), np.full(draws, n, np.intp)
    while (low < high).any():
        middle = (low + high) // 2
        holds = test(np.minimum(middle, n - 1)) | (middle >= n)
        high = np.where(holds, middle, high)
        low = np.where(holds, low, np.minimum(middle + 1, high))
    return low
