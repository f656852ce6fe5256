"""The cells of a score file, column by column, in little memory; and which line a row is on."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from despoof.core.cells import plain_number, restored
from despoof.core.errors import DataError
from despoof.evaluation.score_file import REQUIRED
from despoof.evaluation.score_lines import plain_columns

LABELS = ("live", "attack")
WIDTHS = (4, 5)
"""Words a line in biometric score files."""
_BLOCK = 256  # rows that are held as rows at a time: few enough to stay in the cache


def read_cells(
    path: Path, columns: Mapping[str, str] | None
) -> tuple[list[str] | None, list[list[str]]]:
    """Return the header, None for a biometric file, and the cells column by column.

    Text that was guarded against spreadsheets (`core.cells`) is given as it was.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = next((line for line in stream if line.strip()), "")
            stream.seek(0)
            if columns is None and _looks_biometric(first):
                rows = (line.split() for line in stream if line.strip())
                return None, _transposed(path, rows, len(first.split()), "words, the first line")
            reader = csv.reader(stream, strict=True)
            header = [restored(name.strip().removeprefix("\ufeff")) for name in next(reader, [])]
            _check_header(path, header, columns)
            cells = plain_columns(path, len(header)) or _transposed(
                path, filter(None, reader), len(header), "cells, the header"
            )
            if _has_guard(path):
                cells = [list(map(restored, column)) for column in cells]
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
            number = line_of(path, units.endswith("header"), len(columns[0]) + bad)
            raise DataError(
                f"{path}, line {number}: {len(block[bad])} {units} has {width}. "
                "Quote cells that hold a separator."
            )
        for column, cells in zip(columns, zip(*block, strict=True), strict=True):
            pool: dict[str, str] = {}
            column.extend(map(pool.setdefault, cells, cells))
    return columns


def line_of(path: Path, is_csv: bool, row: int) -> int:
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


def _has_guard(path: Path) -> bool:
    """Whether any cell may be guarded; far quicker than looking at each."""
    with path.open("rb") as stream:
        return any(b"'" in block for block in iter(lambda: stream.read(1 << 20), b""))


def _looks_biometric(line: str) -> bool:
    words = line.split()
    if "," in line or len(words) not in WIDTHS:
        return False
    return is_number(words[-1])


def is_number(cell: str) -> bool:
    """Whether it is a number in ASCII without underscores; also nan and inf."""
    try:
        plain_number(cell)
    except ValueError:
        return False
    return True


def _check_header(path: Path, header: list[str], columns: Mapping[str, str] | None) -> None:
    named = {ours: theirs for ours, theirs in (columns or {}).items() if ours not in LABELS}
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
