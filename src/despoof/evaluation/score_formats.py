"""Anybody's scores → one table of columns: scores.csv, any other CSV, biometric score files."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from despoof.core.cells import label_of, split_of, translation, unknown_label, unknown_split
from despoof.core.errors import DataError, InputError
from despoof.evaluation.score_cells import LABELS, is_number, line_of, read_cells
from despoof.evaluation.score_file import REQUIRED
from despoof.metrics.scores import Scores, make_scores

EXTRAS = ("split", "frame", "device", "session", "fold")
"""Columns that are read where they are there; any other column is ignored."""
_BIOMETRIC = {4: (0, 1, 2, 3), 5: (0, 2, 3, 4)}  # claimed, real, probe, score
_NO_SPECIES = {"attack", "impostor", "spoof"}
_BLOCK = 4096  # scores that are looked at together


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """N scored presentations with everything that a report can be broken down by.

    Not to be changed: what metrics read is made of it once.

    Attributes:
        source: the file.
        path: (N) of each clip or picture, distinct.
        subject: (N) who is in it; empty where that is not known.
        species: (N) of attacks; empty where it is not known, or for a live presentation.
        live: (N,) bool.
        score: (N,) float64, finite, higher = more live.
        extra: (N) str a column: split, device, session, fold, as far as the file has them.
        notes: what was done to the file's numbers, in sentences; belongs into every output.
    """

    source: str
    path: list[str]
    subject: list[str]
    species: list[str]
    live: NDArray[np.bool_]
    score: NDArray[np.float64]
    extra: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.score)

    def scores(self) -> Scores:
        """Return what metrics read; subjects are the groups, a clip without one is its own."""
        return self._scores

    @cached_property
    def _scores(self) -> Scores:
        return make_scores(
            self.score,
            self.live,
            ["live" if live else name or "unknown" for live, name in self._kinds()],
            [who or path for who, path in zip(self.subject, self.path, strict=True)],
        )

    def splits(self) -> set[str]:
        """Return the splits that rows are of; empty where the file does not say."""
        return {name for name in self.extra.get("split", ()) if name}

    def of_split(self, *names: str, note: str = "") -> "ScoreTable":
        """Return the rows of the given splits."""
        cells = self.extra.get("split", [""] * len(self))
        rows = [i for i, name in enumerate(cells) if name in names]
        return self.take(rows, *([note] if note else ()))

    def development(self) -> "ScoreTable":
        """Return the rows that a threshold may be chosen on: split "dev" where there is one."""
        if self.splits() <= {"dev"}:
            return self
        if "dev" in self.splits():
            return self.of_split("dev", note="Only the rows of split dev were used.")
        return self

    def is_test(self) -> bool:
        """Whether rows are of split "test": a threshold chosen on them is an oracle."""
        return "test" in self.splits()

    def take(self, rows: Iterable[int], *notes: str) -> "ScoreTable":
        """Return the rows with these numbers, with further notes."""
        index = np.fromiter(rows, dtype=np.intp)
        picked = index.tolist()
        return replace(
            self,
            path=[self.path[i] for i in picked],
            subject=[self.subject[i] for i in picked],
            species=[self.species[i] for i in picked],
            live=self.live[index],
            score=self.score[index],
            extra={name: [cells[i] for i in picked] for name, cells in self.extra.items()},
            notes=(*self.notes, *notes),
        )

    def _kinds(self) -> Iterable[tuple[bool, str]]:
        return zip(self.live.tolist(), self.species, strict=True)


def parse_columns(text: str) -> dict[str, str]:
    """Read `--columns score=p_live,label=truth,live=1,attack=0`.

    Keys are our columns (path, subject, label, species, score, split, frame, device, session,
    fold), each with the file's name for it; `live` and `attack` are the values of the label
    column, several with | between them.

    Raises:
        InputError: a part is not key=value, a key is unknown or comes twice, or live and attack
            are called the same.

    >>> parse_columns("score=p,label=truth,live=1,attack=0|2")
    {'score': 'p', 'label': 'truth', 'live': '1', 'attack': '0|2'}
    """
    names: dict[str, str] = {}
    known = (*REQUIRED, *EXTRAS, *LABELS)
    for part in text.split(","):
        key, equals, name = (piece.strip() for piece in part.partition("="))
        if not equals or not name or key not in known or key in names:
            raise InputError(
                f"--columns {text!r}: {part!r} is not OURS=THEIRS, or comes twice. Write e.g. "
                f"score=p_live,label=truth,live=1,attack=0. Ours: {', '.join(known)}."
            )
        names[key] = name
    live, attack = (set(names[kind].split("|")) if kind in names else set() for kind in LABELS)
    if both := live & attack:
        raise InputError(
            f"--columns {text!r}: {min(both)!r} is live and attack. Give each value one meaning."
        )
    return names


def read_table(
    path: str | Path, columns: Mapping[str, str] | None = None, *, higher_is_attack: bool = False
) -> ScoreTable:
    """Read scores of any system; frames of a clip (one path, column `frame`) become their mean.

    Three forms are told apart by what they hold: a CSV with the columns of `scores.csv`; a CSV
    whose columns `columns` names, where path, subject and species may be missing; and a
    biometric score file, no header, four (claimed, real, probe, score) or five (claimed, model,
    real, probe, score) words a line, where claimed = real means live and any other word in
    `real` is the species. Labels and splits may be called otherwise (`core.cells`: real, spoof,
    valid, eval …), which a note then says; 0 and 1 mean nothing until `columns` says what.

    Args:
        path: of the file.
        columns: our names → the file's, see `parse_columns`; None = our own.
        higher_is_attack: the file's scores rise towards attack; they are negated, with a note.

    Raises:
        DataError: missing, unreadable or empty file, a missing column, a wrong number of cells,
            an unknown label or split, a score that is not a finite number, or a path that comes
            twice. The message names the file and the line.
    """
    path = Path(path)
    header, cells = read_cells(path, columns)

    def where(row: int) -> str:
        return f"{path}, line {line_of(path, header is not None, row)}"

    if header is None:
        table = _biometric(cells, where, str(path))
    else:
        table = _columns(dict(zip(header, cells, strict=True)), where, columns, str(path))
    _check_paths(table, where)
    if "frame" in table.extra:
        table = _clips(table, where)
    if higher_is_attack:
        note = "Higher meant attack in this file: scores and thresholds are its own times −1."
        table = replace(table, score=0.0 - table.score, notes=(*table.notes, note))
    return table


def _columns(
    cells: Mapping[str, list[str]],
    where: Callable[[int], str],
    columns: Mapping[str, str] | None,
    source: str,
) -> ScoreTable:
    found = {
        ours: cells[theirs]
        for ours in (*REQUIRED, *EXTRAS)
        if (theirs := (columns or {}).get(ours, ours)) in cells
    }
    labels = found["label"]
    called = {
        value: kind == "live"
        for kind in LABELS
        if kind in (columns or {})
        for value in (columns or {})[kind].split("|")
    }
    kinds = _kinds(labels, called, columns or {}, where)
    splits = _splits(found.get("split", ()), where)
    words = {label for label in kinds if label not in called}
    note = translation(words, set(found.get("split", ())))
    extra = {name: found[name] for name in EXTRAS if any(found.get(name, ()))}
    empty = [""] * len(labels)
    return ScoreTable(
        source=source,
        path=found.get("path") or [f"row {number + 1}" for number in range(len(labels))],
        subject=found.get("subject", empty),
        species=found.get("species", empty),
        live=np.array([kinds[label] for label in labels]),
        score=_numbers(found["score"], where),
        extra=extra | ({"split": splits} if "split" in extra else {}),
        notes=(note,) if note else (),
    )


def _kinds(
    labels: Sequence[str],
    called: Mapping[str, bool],
    columns: Collection[str],
    where: Callable[[int], str],
) -> dict[str, bool]:
    """Return what each label of the file means, True = live: as it is called, else its word.

    A class that `columns` names is called so and nothing else.
    """
    kinds: dict[str, bool] = {}
    for label in set(labels):
        meant = label_of(label)
        if label in called:
            kinds[label] = called[label]
        elif meant is not None and meant not in columns:
            kinds[label] = meant == "live"
    if not kinds.keys() >= set(labels):
        number = next(i for i, label in enumerate(labels) if label not in kinds)
        remedy = "Say what live and attack are called with --columns live=…,attack=…."
        raise DataError(f"{where(number)}: {unknown_label(labels[number], remedy)}")
    return kinds


def _splits(cells: Sequence[str], where: Callable[[int], str]) -> list[str]:
    """Return train, dev, test or "" for each row."""
    meanings = {cell: split_of(cell) for cell in set(cells)}
    if None in meanings.values():
        number = next(i for i, cell in enumerate(cells) if meanings[cell] is None)
        raise DataError(f"{where(number)}: {unknown_split(cells[number])}")
    return [meanings[cell] or "" for cell in cells]


def _biometric(cells: Sequence[list[str]], where: Callable[[int], str], source: str) -> ScoreTable:
    claimed, real, probe, score = (cells[i] for i in _BIOMETRIC[len(cells)])
    live = [a == b for a, b in zip(claimed, real, strict=True)]
    return ScoreTable(
        source=source,
        path=probe,
        subject=claimed,
        species=[
            "" if same or kind in _NO_SPECIES else kind
            for same, kind in zip(live, real, strict=True)
        ],
        live=np.array(live),
        score=_numbers(score, where),
        notes=(
            f"Read as a {len(cells)}-column biometric score file: claimed = real is live, any "
            "other word in `real` names the species.",
        ),
    )


def _numbers(cells: Sequence[str], where: Callable[[int], str]) -> NDArray[np.float64]:
    try:
        for start in range(0, len(cells), _BLOCK):  # as `plain_number` does, for many at a time
            together = "".join(cells[start : start + _BLOCK])
            if "_" in together or not together.isascii():
                raise ValueError
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError as error:
        number = next(i for i, cell in enumerate(cells) if not is_number(cell))
        raise DataError(
            f"{where(number)}: score {cells[number]!r} is not a number in ASCII digits. Write e.g. "
            "0.73."
        ) from error
    finite = np.isfinite(values)
    if not finite.all():
        number = int(np.argmin(finite))
        raise DataError(
            f"{where(number)}: score {cells[number]!r} is not finite. Decide what a failed picture "
            "counts as, and write that as a number."
        )
    return values


def _check_paths(table: ScoreTable, where: Callable[[int], str]) -> None:
    frames = table.extra.get("frame")
    keys: list[object] = list(table.path)
    if frames is not None:
        keys = list(zip(keys, frames, strict=True))
    if "" in table.path:
        raise DataError(f"{where(table.path.index(''))}: the path is empty. Name every clip.")
    if len(set(keys)) == len(keys):
        return
    first: dict[object, int] = {}
    for number, key in enumerate(keys):
        if key in first:
            raise DataError(
                f"{where(number)}: {table.path[number]!r} was already scored in "
                f"{where(first[key])}. Keep one, or tell frames apart in a column `frame`."
            )
        first[key] = number


def _clips(table: ScoreTable, where: Callable[[int], str]) -> ScoreTable:
    first: dict[str, int] = {}
    clip = np.empty(len(table), np.intp)
    keep: list[int] = []
    for number, path in enumerate(table.path):
        frame = table.extra["frame"][number].strip()
        if frame and not (frame.isascii() and frame.isdigit()):
            raise DataError(f"{where(number)}: frame {frame!r} is not a whole number from 0.")
        if path not in first:
            first[path] = len(keep)
            keep.append(number)
        clip[number] = first[path]
        if table.live[keep[clip[number]]] != table.live[number]:
            raise DataError(
                f"{where(number)}: {path!r} is live and attack; its first frame is in "
                f"{where(keep[clip[number]])}. A clip is one or the other."
            )
    extra = {name: cells for name, cells in table.extra.items() if name != "frame"}
    count = np.bincount(clip)
    means = np.bincount(clip, table.score) / count
    note = f"{len(table)} frames were averaged to {len(keep)} clips; every figure is of clips."
    if not all(math.isfinite(mean) for mean in means.tolist()):
        raise DataError(f"{table.source}: the mean of a clip overflows. Rescale the scores.")
    notes = (note,) if len(keep) < len(table) else ()
    return replace(replace(table, extra=extra).take(keep, *notes), score=means)
