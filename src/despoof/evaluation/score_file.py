"""`scores.csv`: the one table that every evaluator reads, written by any system."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from despoof.core.cells import (
    SPLITS,
    guarded,
    label_of,
    plain_number,
    restored,
    say,
    split_of,
    translation,
    unknown_label,
    unknown_split,
)
from despoof.core.errors import DataError
from despoof.core.files import atomic_path
from despoof.core.types import Label
from despoof.metrics.scores import Scores, make_scores

REQUIRED = ("path", "subject", "label", "species", "score")
OPTIONAL = ("split", "frame")


@dataclass(frozen=True)
class ScoreRow:
    """One scored picture or frame.

    Attributes:
        path: of the picture or clip, as the manifest gives it.
        subject: who is in it; empty where that is not known.
        label: "live" or "attack".
        species: family/instrument such as "print/a4"; empty where it is not known.
        score: finite, higher = more live.
        split: "train", "dev", "test" or empty.
        frame: position in the clip from 0; None for a photograph or a clip's mean.
    """

    path: str
    subject: str
    label: Label
    species: str
    score: float
    split: str = ""
    frame: int | None = None


def read_scores(path: str | Path) -> list[ScoreRow]:
    """Read a score file, rows in file order; columns in any order, further columns are ignored.

    Other words for labels and splits (`core.cells`) are read, and it is said.

    Raises:
        DataError: the file is missing, empty, not UTF-8 CSV, or lacks a column; or a row has the
            wrong number of cells, an empty path, an unknown label or split, a score that is not a
            finite number, a frame that is not a whole number from 0, a (path, frame) that came
            before, or another label than an earlier frame of its path. The message names file and
            line.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(header, path)
            lines: list[int] = []
            rows: list[ScoreRow] = []
            words: tuple[set[str], set[str]] = (set(), set())
            for cells in reader:
                if cells:  # the csv module gives [] for an empty line
                    lines.append(reader.line_num)
                    where = f"{path}, line {reader.line_num}"
                    rows.append(_parse(cells, header, where, words))
    except FileNotFoundError as error:
        raise DataError(f"No score file at {path}. Check the path.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not readable as UTF-8 CSV: {error}.") from error
    if not rows:
        raise DataError(f"{path} holds no scores, only a header. Score something into it first.")
    _check(rows, [f"{path}, line {line}" for line in lines])
    say(f"{path}: {note}" if (note := translation(*words)) else "")
    return rows


def write_scores(path: str | Path, rows: Sequence[ScoreRow]) -> None:
    """Write a score file, whole or not at all; `read_scores` gives equal rows back, bit for bit.

    The columns split and frame are written where any row has them.

    Raises:
        DataError: there are no rows, a row would be refused by `read_scores`, a cell has a line
            break or cannot be written as UTF-8, or the folder cannot be written to.
    """
    if not rows:
        raise DataError(f"No scores to write to {path}; a score file has at least one row.")
    _check(rows, [f"row {i + 1} for {path}" for i in range(len(rows))])
    used = [name for name in OPTIONAL if any(getattr(row, name) not in ("", None) for row in rows)]
    columns = [*REQUIRED, *used]
    try:
        with (
            atomic_path(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as stream,
        ):
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            for row in rows:
                plain = replace(row, score=float(row.score))  # a numpy float32 would be rounded
                cells = [getattr(plain, name) for name in columns]
                writer.writerow([guarded(c) if isinstance(c, str) else c for c in cells])
    except (OSError, UnicodeEncodeError) as error:
        raise DataError(
            f"Cannot write scores to {path}: {error}. Check folder and names."
        ) from error


def to_scores(rows: Iterable[ScoreRow], group: Literal["subject", "path"] = "subject") -> Scores:
    """Turn rows into the arrays that metrics read.

    Args:
        rows: of one split; frames stay frames (see `clip_means`).
        group: the unit of independence. "subject" falls back to the path where it is empty.

    Returns:
        Scores in row order; an attack without a species is called "unknown".
    """
    rows = list(rows)
    return make_scores(
        [row.score for row in rows],
        [row.label == "live" for row in rows],
        ["live" if row.label == "live" else row.species or "unknown" for row in rows],
        [(row.subject if group == "subject" else "") or row.path for row in rows],
    )


def clip_means(rows: Iterable[ScoreRow]) -> list[ScoreRow]:
    """Average the frames of each path into one row, in order of first appearance.

    Frame-level and clip-level errors never belong into one table; this is how to get the latter.
    """
    clips: dict[str, list[ScoreRow]] = {}
    for row in rows:
        clips.setdefault(row.path, []).append(row)
    return [
        replace(frames[0], frame=None, score=math.fsum(f.score for f in frames) / len(frames))
        for frames in clips.values()
    ]


def _check_header(header: list[str], path: Path) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise DataError(
            f"{path}, line 1: no column {', '.join(missing)}; found {', '.join(header) or 'none'}. "
            f"A score file needs {','.join(REQUIRED)} (and may have {','.join(OPTIONAL)})."
        )
    if len(set(header)) < len(header):
        raise DataError(f"{path}, line 1: a column name comes twice in {', '.join(header)}.")


def _parse(
    cells: list[str], header: list[str], where: str, words: tuple[set[str], set[str]]
) -> ScoreRow:
    """Read one row; the words for label and split that it has are put into `words`."""
    if len(cells) != len(header):
        raise DataError(f"{where}: {len(cells)} cells, but the header has {len(header)} columns.")
    row = dict(zip(header, map(restored, cells), strict=True))
    try:
        score = plain_number(row["score"])
    except ValueError as error:
        raise DataError(
            f"{where}: score {row['score']!r} is not a number in ASCII digits. Write e.g. 0.73, "
            "higher = more live."
        ) from error
    frame = row.get("frame", "").strip()
    if frame and not (frame.isascii() and frame.isdigit() and len(frame) < 19):
        raise DataError(f"{where}: frame {frame!r} is not a whole number from 0. Leave it empty.")
    label, split = label_of(row["label"]), split_of(row.get("split", ""))
    if label is None:
        raise DataError(f"{where}: {unknown_label(row['label'], 'Write live or attack.')}")
    if split is None:
        raise DataError(f"{where}: {unknown_split(row['split'])}")
    words[0].add(row["label"])
    words[1].add(row.get("split", ""))
    return ScoreRow(
        path=row["path"],
        subject=row["subject"],
        label=label,
        species=row["species"],
        score=score,
        split=split,
        frame=int(frame) if frame else None,
    )


def _breaks_lines(row: ScoreRow) -> bool:
    return any(
        c in cell for cell in (row.path, row.subject, row.species, row.split) for c in "\r\n"
    )


def _check(rows: Sequence[ScoreRow], names: Sequence[str]) -> None:
    labels: dict[str, tuple[str, str]] = {}
    seen: dict[tuple[str, int | None], str] = {}
    for row, name in zip(rows, names, strict=True):
        if not row.path:
            raise DataError(f"{name}: the path is empty. Every score belongs to a picture or clip.")
        if _breaks_lines(row):
            raise DataError(f"{name}: a cell of {row.path!r} has a line break. Rename it.")
        if row.label not in ("live", "attack"):
            raise DataError(f"{name}: label {row.label!r} is unknown. Use live or attack.")
        if row.split not in ("", *SPLITS):
            raise DataError(f"{name}: {unknown_split(row.split)}")
        if not math.isfinite(row.score):
            raise DataError(
                f"{name}: score {row.score} is not finite. Decide what a failed picture counts as."
            )
        if row.frame is not None and row.frame < 0:
            raise DataError(f"{name}: frame {row.frame} is negative. Frames count from 0.")
        key = (row.path, row.frame)
        if key in seen:
            frame = "" if row.frame is None else f", frame {row.frame},"
            raise DataError(
                f"{name}: {row.path!r}{frame} was already scored in {seen[key]}. Keep one."
            )
        seen[key] = name
        label, where = labels.setdefault(row.path, (row.label, name))
        if label != row.label:
            raise DataError(f"{name}: {row.path!r} is {row.label} here but {label} in {where}.")
