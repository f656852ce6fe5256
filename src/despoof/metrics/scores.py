"""The table that every metric reads: score, class, species and group of each presentation.

Convention of this room: higher = more live, and live iff `score > threshold` (strict).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from despoof.core.errors import InputError
from despoof.metrics.codes import encode


@dataclass(frozen=True, eq=False)
class Scores:
    """N scored presentations; build it with `make_scores`, which converts plain lists.

    Attributes:
        score: (N,) float64, finite, any unit; higher = more live.
        live: (N,) bool, True for a live presentation, False for an attack.
        species: (N,) str, the attack species such as "print/a4"; not read where `live` is True.
        group: (N,) str, the unit of independence (subject or clip): presentations of one group are
            resampled together.

    Raises:
        InputError: an array is not one-dimensional, of another length or type, or a score is not
            finite.
    """

    score: NDArray[np.float64]
    live: NDArray[np.bool_]
    species: NDArray[np.str_]
    group: NDArray[np.str_]

    def __post_init__(self) -> None:
        shapes = {field.name: np.shape(getattr(self, field.name)) for field in fields(self)}
        if len(set(shapes.values())) > 1 or len(shapes["score"]) != 1:
            raise InputError(
                f"Scores need four arrays of one shape (N,), got {shapes}. "
                "Apply the same selection to all of them."
            )
        kinds = "".join(getattr(self, field.name).dtype.kind for field in fields(self))
        if kinds != "fbUU" or self.score.dtype != np.float64:
            raise InputError(
                f"Scores need float64, bool, str, str arrays, got dtype kinds {kinds!r} "
                f"({self.score.dtype}). Build them with make_scores, which converts."
            )
        finite = np.isfinite(self.score)
        if not finite.all():
            row = int(np.argmin(finite))
            raise InputError(
                f"Score {self.score[row]} at position {row} is not a finite number. "
                "Decide what a failed presentation counts as before it is scored."
            )

    def __len__(self) -> int:
        return len(self.score)

    @property
    def n_live(self) -> int:
        """Number of live presentations."""
        return int(np.count_nonzero(self.live))

    @property
    def n_attack(self) -> int:
        """Number of attack presentations."""
        return len(self) - self.n_live

    @cached_property
    def attack_species(self) -> tuple[NDArray[np.str_], NDArray[np.intp]]:
        """The distinct species of the attacks, alphabetically, and (n_attack,) places among them.

        Found once: on a million presentations this is what takes time.
        """
        return encode(self.species[~self.live])

    @cached_property
    def groups(self) -> tuple[NDArray[np.str_], NDArray[np.intp]]:
        """The distinct groups, alphabetically, and (N,) each presentation's place among them."""
        return encode(self.group)

    def n_groups(self) -> tuple[int, int]:
        """Number of groups with live presentations, and of groups with attacks."""
        names, place = self.groups
        live = np.bincount(place[self.live], minlength=len(names))
        attack = np.bincount(place[~self.live], minlength=len(names))
        return int(np.count_nonzero(live)), int(np.count_nonzero(attack))


def make_scores(
    score: ArrayLike,
    live: ArrayLike,
    species: Sequence[str] | NDArray[np.str_] | None = None,
    group: Sequence[str] | NDArray[np.str_] | None = None,
) -> Scores:
    """Convert arrays or lists to `Scores`; the values are copied.

    Args:
        score: (N,) numbers, higher = more live.
        live: (N,) bool or 0/1, true for live.
        species: (N,) str; None calls every attack "attack".
        group: (N,) str; None makes every presentation its own group (all independent).

    Raises:
        InputError: see `Scores`; also where `live` holds anything but true and false.

    >>> len(make_scores([0.9, 0.2], [True, False]))
    2
    """
    values = np.array(score, dtype=np.float64)
    flags = np.array(live)
    if not np.isin(flags, (0, 1)).all():
        raise InputError(f"`live` must hold true and false only, got {np.unique(flags)[:5]}.")
    flags = flags.astype(np.bool_)
    kinds = np.where(flags, "live", "attack") if species is None else np.array(species, np.str_)
    groups = np.arange(values.size).astype(np.str_) if group is None else np.array(group, np.str_)
    return Scores(values, flags, kinds, groups)


def select(scores: Scores, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Scores:
    """Return the given rows: a (N,) bool mask, or row numbers, which may repeat."""
    return Scores(scores.score[rows], scores.live[rows], scores.species[rows], scores.group[rows])


def need_both(scores: Scores, what: str) -> None:
    """Check that there is at least one live and one attack presentation.

    Args:
        scores: what is to be measured.
        what: the quantity, for the message.

    Raises:
        InputError: a class is missing.
    """
    if scores.n_live == 0 or scores.n_attack == 0:
        raise InputError(
            f"{what} needs both classes, got {scores.n_live} live and {scores.n_attack} attack. "
            "Add scores of the missing class."
        )


def need_paired(first: Scores, second: Scores) -> None:
    """Check that two systems scored the same presentations in the same order.

    Args:
        first: scores of one system.
        second: scores of the other.

    Raises:
        InputError: their lengths, classes, species or groups differ.
    """
    if len(first) != len(second):
        raise InputError(
            f"{len(first)} and {len(second)} presentations cannot be compared in pairs. "
            "Keep those that both systems scored, in the same order."
        )
    same_species = (first.species == second.species) | first.live
    checks = {
        "class": first.live == second.live,
        "species": same_species,
        "group": first.group == second.group,
    }
    for what, same in checks.items():
        if not same.all():
            raise InputError(
                f"The {what} at position {int(np.argmin(same))} differs between the two systems: "
                "not the same presentation. Put both tables in the same order."
            )
