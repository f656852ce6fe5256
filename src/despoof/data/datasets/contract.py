"""What every dataset file of this folder fills: an adapter and its protocols.

An adapter turns a root folder into clips and says what is missing or misnamed. A protocol divides
clips among train, dev and test. Both are pure functions of what is on disk and of the clips.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from despoof.data.manifest import Clip


@dataclass(frozen=True)
class Problem:
    """One kind of trouble with a tree, counted.

    Attributes:
        what: e.g. "files whose name does not parse".
        count: how many.
        example: one of them, relative to the root; "" where there is none to show.
        advice: what the user can do.
    """

    what: str
    count: int
    example: str
    advice: str


@dataclass(frozen=True)
class Index:
    """What an adapter found: clips sorted by name (path relative to the root), and problems."""

    clips: tuple[Clip, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Division:
    """Clips of one fold of a protocol, in the manifest's order; a part may be empty.

    Attributes:
        train, dev, test: the clips.
        notes: what a reader of figures must know, e.g. "no dev split is published".
    """

    train: tuple[Clip, ...]
    dev: tuple[Clip, ...]
    test: tuple[Clip, ...]
    notes: tuple[str, ...] = ()

    def counts(self) -> dict[str, dict[str, int]]:
        """Return {"train": {"live": n, "attack": n}, "dev": …, "test": …}."""
        parts = {"train": self.train, "dev": self.dev, "test": self.test}
        return {
            name: {
                "live": sum(clip.live for clip in clips),
                "attack": sum(not clip.live for clip in clips),
            }
            for name, clips in parts.items()
        }


@dataclass(frozen=True)
class Protocol:
    """A named way to divide a dataset's clips.

    Attributes:
        name: lower-case with hyphens; folds end in _k (`p3_1`).
        divide: clips of the dataset to their division; raises DataError where the clips lack what
            it needs (a session, a device, …), with what is missing.
        counts: the published counts of the complete dataset, as `Division.counts` gives them, for
            the parts that are published; None where none are.
        source: paper and section, or "unverified" where the fact was only remembered.
        disjoint: whether train, dev and test share no subject.
    """

    name: str
    divide: Callable[[Sequence[Clip]], Division]
    counts: Mapping[str, Mapping[str, int]] | None = None
    source: str = ""
    disjoint: bool = True


@dataclass(frozen=True)
class Dataset:
    """One dataset.

    Attributes:
        name: lower-case with hyphens.
        title: as its authors write it.
        layout: the tree that the adapter expects, in a few lines.
        index: root folder to clips; raises DataError where the folder is not this dataset at all.
        protocols: by name; `all` (everything in test) is offered for every dataset and not listed.
        reference: paper, year.
        terms: what its licence asks, in a line.
        unverified: facts that were only remembered and want checking against a real copy.
    """

    name: str
    title: str
    layout: str
    index: Callable[[Path], Index]
    protocols: Mapping[str, Protocol] = field(default_factory=dict[str, Protocol])
    reference: str = ""
    terms: str = ""
    unverified: tuple[str, ...] = ()
