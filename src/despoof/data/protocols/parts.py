"""Dividing any manifest by person, the same on every machine and whatever the row order."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from despoof.core.cells import SPLITS
from despoof.data.datasets.contract import Division
from despoof.data.manifest import Clip

SHARES = (0.6, 0.8)
"""Of all people, those below the first are train, below the second dev, the others test."""


def part_of(group: str) -> str:
    """Return train, dev or test for a person, by a hash of the name.

    >>> [part_of(f"set/{i}") for i in range(5)]
    ['train', 'test', 'dev', 'train', 'test']
    """
    digest = hashlib.sha256(group.encode("utf-8", "backslashreplace")).digest()
    place = int.from_bytes(digest[:8]) / 2**64
    return SPLITS[sum(place >= share for share in SHARES)]


def has_splits(clips: Sequence[Clip]) -> bool:
    """Tell whether the manifest itself says what is train and what is test."""
    return {clip.split for clip in clips} >= {"train", "test"}


def with_splits(clips: Sequence[Clip]) -> list[Clip]:
    """Return the clips with a split each: their own, or by person where they have none.

    Clips without a split are left out where others have train and test.
    """
    if has_splits(clips):
        return [clip for clip in clips if clip.split]
    return [replace(clip, split=part_of(clip.group)) for clip in clips]


def by_person(clips: Sequence[Clip]) -> Division:
    """Divide people, 6 to 2 to 2, whatever splits there are; clips where people are unknown."""
    train, dev, test = (
        tuple(clip for clip in clips if part_of(clip.group) == split) for split in SPLITS
    )
    return Division(train, dev, test, unknown_people(clips))


def unknown_people(clips: Sequence[Clip]) -> tuple[str, ...]:
    """Return a note that says how many clips name nobody; () where all do."""
    nameless = sum(not clip.subject for clip in clips)
    if not nameless:
        return ()
    return (f"{nameless} clips name nobody: one person's may be in several parts.",)
