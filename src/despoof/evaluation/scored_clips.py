"""Which pictures of a score file are at hand, and which of them are looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import DataError
from despoof.core.files import is_file
from despoof.core.types import Label
from despoof.data.manifest import Clip
from despoof.evaluation.score_formats import ScoreTable

MOST = 2000
"""Clips of each class that are looked at, if not told otherwise."""


@dataclass(frozen=True)
class FoundClips:
    """Clips of score files whose pictures are at hand.

    Attributes:
        clips: with the label and the subject of the score file; a box where the manifest has one.
        n_live, n_attack: presentations that the score files share.
        n_looked: how many of them were looked for: at most `most` of each class, evenly spread.
    """

    clips: tuple[Clip, ...]
    n_live: int
    n_attack: int
    n_looked: int

    @property
    def why_incomplete(self) -> str:
        """Why nothing can be said of these clips, and what to do; "" with both classes."""
        n_live = sum(clip.live for clip in self.clips)
        if not self.clips:
            return (
                f"None of the {self.n_looked} pictures that were looked for is at hand. Give "
                "--images DIR, the folder that the paths are relative to, or --manifest M."
            )
        if n_live in (0, len(self.clips)):
            return (
                f"Pictures of {n_live} live and {len(self.clips) - n_live} attack clips are at "
                "hand; trivial cues are measured where both classes are."
            )
        return ""


def find_clips(
    tables: Sequence[ScoreTable],
    roots: Sequence[Path],
    manifest: Sequence[Clip] = (),
    most: int = MOST,
) -> FoundClips:
    """Look for the pictures of what all the score files have scored.

    Args:
        tables: at least one; label and subject are the first one's.
        roots: folders that a path may be relative to; the first that has the file wins.
        manifest: its clips go before `roots`: by name, with their boxes.
        most: clips of each class to look for, evenly spread over the first file's rows; 0 = all.

    Raises:
        DataError: a clip is live in the score file and attack in the manifest, or the reverse.
    """
    first, others = tables[0], [set(table.path) for table in tables[1:]]
    shared = np.ones(len(first), np.bool_)
    if others:
        shared[:] = [all(path in other for other in others) for path in first.path]
    known = {clip.name: clip for clip in manifest}
    classes = [np.flatnonzero(shared & of) for of in (first.live, ~first.live)]
    rows = [row for of in classes for row in _spread(of, most).tolist()]
    found = [_find(first, row, roots, known) for row in rows]
    return FoundClips(
        clips=tuple(clip for clip in found if clip is not None),
        n_live=len(classes[0]),
        n_attack=len(classes[1]),
        n_looked=len(rows),
    )


def _spread(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    if most < 1 or len(rows) <= most:
        return rows
    return rows[np.arange(most) * len(rows) // most]


def _find(
    table: ScoreTable, row: int, roots: Sequence[Path], known: Mapping[str, Clip]
) -> Clip | None:
    name = table.path[row]
    label: Label = "live" if table.live[row] else "attack"
    clip = known.get(name)
    if clip is None:
        file = next((root / name for root in roots if is_file(root / name)), None)
        return Clip(file, name, label, subject=table.subject[row]) if file else None
    if clip.label != label:
        raise DataError(
            f"{name!r} is {label} in {table.source}, but {clip.label} in the manifest. Is it the "
            "manifest of these scores?"
        )
    if not is_file(clip.path):
        return None
    # The score file's subjects are the groups of every other figure, so they are here too.
    return replace(clip, subject=table.subject[row] or clip.subject, dataset="")
