"""Anybody's scores → one table of columns: scores.csv, any other CSV, biometric score files."""

import csv
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import DataError, InputError
from despoof.evaluation.score_file import REQUIRED
from despoof.metrics.scores import Scores, make_scores

EXTRAS = ("split", "frame", "device", "session", "fold")
"""Columns that are read where they are there; any other column is ignored."""
_VALUES = ("live", "attack")
_BLOCK = 256  # rows that are held as rows at a time: few enough to stay in the cache
_BIOMETRIC = {4: (0, 1, 2, 3), 5: (0, 2, 3, 4)}  # claimed, real, probe, score
_NO_SPECIES = {"attack", "impostor", "spoof"}


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """N scored presentations with everything that a report can be broken down by.

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
        return make_scores(
            self.score,
            self.live,
            ["live" if live else name or "unknown" for live, name in self._kinds()],
            [who or path for who, path in zip(self.subject, self.path, strict=True)],
        )

    def splits(self) -> set[str]:
        """Return the splits that rows are of; empty where the file does not say."""
        return {name.strip().lower() for name in self.extra.get("split", ()) if name}

    def of_split(self, *names: str, note: str = "") -> "ScoreTable":
        """Return the rows of the given splits, any case."""
        cells = self.extra.get("split", [""] * len(self))
        rows = [i for i, name in enumerate(cells) if name.strip().lower() in names]
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
        InputError: a part is not key=value, a key is unknown or comes twice.

    >>> parse_columns("score=p,label=truth,live=1,attack=0|2")
    {'score': 'p', 'label': 'truth', 'live': '1', 'attack': '0|2'}
    """
    names: dict[str, str] = {}
    known = (*REQUIRED, *EXTRAS, *_VALUES)
    for part in text.split(","):
        key, equals, name = (piece.strip() for piece in part.partition("="))
        if not equals or not name or key not in known or key in names:
            raise InputError(
                f"--columns {text!r}: {part!r} is not OURS=THEIRS, or comes twice. Write e.g. "
                f"score=p_live,label=truth,live=1,attack=0. Ours: {', '.join(known)}."
            )
        names[key] = name
    return names


def read_table(
    path: str | Path, columns: Mapping[str, str] | None = None, *, higher_is_attack: bool = False
) -> ScoreTable:
    """Read scores of any system; frames of a clip (one path, column `frame`) become their mean.

    Three forms are told apart by what they hold: a CSV with the columns of `scores.csv`; a CSV
    whose columns `columns` names, where path, subject and species may be missing; and a
    biometric score file, no header, four (claimed, real, probe, score) or five (claimed, model,
    real, probe, score) words a line, where claimed = real means live and any other word in
    `real` is the species.

    Args:
        path: of the file.
        columns: our names → the file's, see `parse_columns`; None = our own.
        higher_is_attack: the file's scores rise towards attack; they are negated, with a note.

    Raises:
        DataError: missing, unreadable or empty file, a missing column, a wrong number of cells,
            an unknown label, a score that is not a finite number, or a path that comes twice. The
            message names the file and the line.
    """
    path = Path(path)
    header, cells = _read(path, columns)

    def where(row: int) -> str:
        return f"{path}, line {_line(path, header is not None, row)}"

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


def _read(
    path: Path, columns: Mapping[str, str] | None
) -> tuple[list[str] | None, list[list[str]]]:
    """Return the header, None for a biometric file, and the cells column by column."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = next((line for line in stream if line.strip()), "")
            stream.seek(0)
            if columns is None and _looks_biometric(first):
                rows = (line.split() for line in stream if line.strip())
                return None, _transposed(path, rows, len(first.split()), "words, the first line")
            reader = csv.reader(stream, strict=True)
            header = [name.strip().removeprefix("\ufeff") for name in next(reader, [])]
            _check_header(path, header, columns)
            cells = _transposed(path, filter(None, reader), len(header), "cells, the header")
    except FileNotFoundError as error:
        raise DataError(f"No score file at {path}. Check the path.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not readable as UTF-8 CSV: {error}.") from error
    if not cells[0]:
        raise DataError(f"{path} holds no scores, only a header. Score something into it first.")
    return header, cells


def _transposed(path: Path, rows: Iterator[list[str]], width: int, units: str) -> list[list[str]]:
    """Turn rows into columns, many at a time; equal cells of a block become one object."""
    columns: list[list[str]] = [[] for _ in range(width)]
    while block := list(islice(rows, _BLOCK)):
        if set(map(len, block)) != {width}:
            bad = next(i for i, row in enumerate(block) if len(row) != width)
            line = _line(path, units.endswith("header"), len(columns[0]) + bad)
            raise DataError(
                f"{path}, line {line}: {len(block[bad])} {units} has {width}. "
                "Quote cells that hold a separator."
            )
        for column, cells in zip(columns, zip(*block, strict=True), strict=True):
            pool: dict[str, str] = {}
            column.extend(map(pool.setdefault, cells, cells))
    return columns


def _line(path: Path, is_csv: bool, row: int) -> int:
    """Return the line of a row, from 1; it is looked for only when something is wrong there."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        if not is_csv:
            lines = (number for number, line in enumerate(stream, 1) if line.strip())
            return next(islice(lines, row, None))
        reader = csv.reader(stream, strict=True)
        next(reader)
        for _ in islice(filter(None, reader), row + 1):
            pass
        return reader.line_num


def _looks_biometric(line: str) -> bool:
    words = line.split()
    if "," in line or len(words) not in _BIOMETRIC:
        return False
    return _is_number(words[-1])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _check_header(path: Path, header: list[str], columns: Mapping[str, str] | None) -> None:
    named = {ours: theirs for ours, theirs in (columns or {}).items() if ours not in _VALUES}
    needed = set(REQUIRED) if columns is None else {"label", "score", *named}
    missing = sorted(
        named.get(name, name) for name in needed if named.get(name, name) not in header
    )
    if missing:
        raise DataError(
            f"{path}, line 1: no column {', '.join(missing)}; found {', '.join(header) or 'none'}. "
            f"A score file has {','.join(REQUIRED)}; name other columns with --columns, e.g. "
            "--columns score=p_live,label=truth,live=1,attack=0."
        )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(f"{path}, line 1: column {twice[0]!r} comes twice. Rename one.")


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
    called = {kind: (columns or {}).get(kind, kind).split("|") for kind in _VALUES}
    kinds = {value: kind == "live" for kind, values in called.items() for value in values}
    if not kinds.keys() >= set(labels):
        number = next(i for i, label in enumerate(labels) if label not in kinds)
        raise DataError(
            f"{where(number)}: label {labels[number]!r} is unknown. Expected "
            f"{' or '.join('|'.join(values) for values in called.values())}; say what live and "
            "attack are called with --columns live=…,attack=…."
        )
    empty = [""] * len(labels)
    return ScoreTable(
        source=source,
        path=found.get("path") or [f"row {number + 1}" for number in range(len(labels))],
        subject=found.get("subject", empty),
        species=found.get("species", empty),
        live=np.array([kinds[label] for label in labels]),
        score=_numbers(found["score"], where),
        extra={name: found[name] for name in EXTRAS if any(found.get(name, ()))},
    )


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
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError as error:
        number = next(i for i, cell in enumerate(cells) if not _is_number(cell))
        raise DataError(
            f"{where(number)}: score {cells[number]!r} is not a number. Write e.g. 0.73."
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
