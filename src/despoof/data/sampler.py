"""Which clip is drawn when: balanced over classes and domains, a pure function of the seed.

Draws are counted 0, 1, 2, … over the whole run. Values of the first level (say live and attack)
take turns; within each, the values of the second level (say datasets) take turns; and so on to
groups of clips. Each group walks through a fresh permutation of its clips on every pass. Thus any
run of draws is balanced to within one at every level, and no clip of a group comes twice before
each came once. There is no state: draw n can be asked for first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from despoof.core.device import seed_of
from despoof.core.errors import DataError, InputError
from despoof.data.manifest import Clip

Level = Literal["label", "dataset", "species", "subject"]

_Tree = tuple["_Tree", ...] | int  # branches that take turns, or the position of a group


@dataclass(frozen=True)
class Draw:
    """One draw.

    Attributes:
        group: position in `Sampler.groups`.
        epoch: how many whole passes the group has behind it.
        place: position within the pass.
    """

    group: int
    epoch: int
    place: int


@dataclass(frozen=True)
class Sampler:
    """Groups of clips that take turns; made by `balanced`.

    Attributes:
        groups: positions of clips, each clip in one group; none is empty.
        names: what each group holds, e.g. ("live", "siw").
        levels: what takes turns, outermost first.
        seed: decides all permutations.
    """

    groups: tuple[tuple[int, ...], ...]
    names: tuple[tuple[str, ...], ...]
    levels: tuple[Level, ...]
    seed: int
    tree: _Tree

    def draw(self, number: int) -> Draw:
        """Return draw `number`, from 0.

        Raises:
            InputError: the number is negative.
        """
        if number < 0:
            raise InputError(f"Draw {number} was asked for; draws count from 0.")
        node = self.tree
        while not isinstance(node, int):
            number, branch = divmod(number, len(node))
            node = node[branch]
        epoch, place = divmod(number, len(self.groups[node]))
        return Draw(node, epoch, place)

    def clip(self, draw: Draw, skip: int = 0) -> int:
        """Return the position of a draw's clip; `skip` goes on to those after it in the pass."""
        group = self.groups[draw.group]
        order = _order(self.seed, draw.group, draw.epoch, len(group))
        return group[order[(draw.place + skip) % len(group)]]

    def record(self) -> dict[str, Any]:
        """Return what a run must write down to be drawn again: seed, levels, sizes of groups."""
        sizes = {"/".join(n) or "all": len(g) for n, g in zip(self.names, self.groups, strict=True)}
        return {"seed": self.seed, "levels": list(self.levels), "groups": sizes}


def balanced(clips: Sequence[Clip], levels: Sequence[Level], seed: int) -> Sampler:
    """Make a sampler over clips.

    `("label",)` balances the classes; `("label", "dataset")` also the domains within each class,
    so a domain of live clips alone does not tip the classes; `("dataset", "label")` gives each
    domain the same share (SSDG, AG-FAS: as many live as attacks of each domain); `()` draws all
    clips alike.

    Raises:
        DataError: there are no clips.
        InputError: a level comes twice.
    """
    levels = tuple(levels)
    if not clips:
        raise DataError("There are no clips to draw from. Check the protocol and the split.")
    if len(set(levels)) < len(levels):
        raise InputError(f"A level comes twice in {', '.join(levels)}. Name each once.")
    groups: list[tuple[int, ...]] = []
    names: list[tuple[str, ...]] = []

    def grow(members: Sequence[int], name: tuple[str, ...]) -> _Tree:
        if len(name) == len(levels):
            groups.append(tuple(members))
            names.append(name)
            return len(groups) - 1
        parts: dict[str, list[int]] = {}
        for member in members:
            parts.setdefault(_value(clips[member], levels[len(name)]), []).append(member)
        return tuple(grow(parts[value], (*name, value)) for value in sorted(parts))

    tree = grow(range(len(clips)), ())
    return Sampler(tuple(groups), tuple(names), levels, seed, tree)


def _value(clip: Clip, level: Level) -> str:
    if level == "label":
        return clip.label
    if level == "dataset":
        return clip.dataset
    return clip.species if level == "species" else clip.group


@lru_cache(maxsize=32)  # a few passes of the large groups; small ones are quickly drawn again
def _order(seed: int, group: int, epoch: int, size: int) -> NDArray[np.int32]:
    rng = np.random.default_rng(seed_of(seed, "pass", group, epoch))
    return rng.permutation(size).astype(np.int32)
