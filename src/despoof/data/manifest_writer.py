"""Write a manifest that `read_manifest` reads back: CSV or Parquet, whole or not at all."""

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from despoof.core.cells import guarded
from despoof.core.errors import DataError, InputError
from despoof.core.extras import need
from despoof.core.files import atomic_path
from despoof.data.manifest import OPTIONAL, REQUIRED, Clip

COLUMNS = (
    "path",
    "dataset",
    "subject",
    "session",
    "device",
    "label",
    "species",
    "frames",
    "split",
    "box",
    "landmarks",
)
PARQUET = (".parquet", ".pq")


def check_output(path: Path) -> None:
    """Refuse, before the work is done, what `write_manifest` could not write.

    Raises:
        InputError: another suffix than .csv, .parquet and .pq, or a folder.
        MissingExtraError: it is Parquet and polars is not installed.
    """
    if path.suffix.lower() not in (".csv", *PARQUET) or path.is_dir():
        raise InputError(f"{path} is no name for a manifest. End it in .csv, .parquet or .pq.")
    if path.suffix.lower() in PARQUET:
        need("polars", "data")


def write_manifest(path: str | Path, clips: Iterable[Clip]) -> None:
    """Write clips as a table with all columns of `COLUMNS` and then every extra one.

    A file below the table's folder gets a path relative to it, so that both can be moved together;
    any other gets its absolute path. The folder is made where it is missing.

    Args:
        path: .csv, .parquet or .pq; Parquet needs the extra `data` and has numbers as numbers.
        clips: in the order of the rows; one row each.

    Raises:
        InputError: another suffix, or a folder.
        DataError: no clips, a file comes twice, or a name has a line break or is not UTF-8.
        MissingExtraError: it is Parquet and polars is not installed.
    """
    path = Path(path)
    check_output(path)
    clips = list(clips)
    if not clips:
        raise DataError(f"There are no clips to write into {path}. A manifest needs one.")
    extras = list(dict.fromkeys(key for clip in clips for key in clip.extra))
    if clash := sorted({*extras} & {*REQUIRED, *OPTIONAL}):
        raise DataError(f"An extra column is called {', '.join(clash)}, which has a meaning.")
    header = [*COLUMNS, *extras]
    folder = os.path.abspath(path.parent)
    rows = [_row(clip, extras, folder) for clip in clips]
    _check(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    write = _write_parquet if path.suffix.lower() in PARQUET else _write_csv
    with atomic_path(path) as temporary:
        write(temporary, header, rows)


_Cell = str | int | None | list[float]


def _row(clip: Clip, extras: Sequence[str], folder: str) -> list[_Cell]:
    points = None if clip.landmarks is None else clip.landmarks.ravel()
    return [
        _place(clip.path, folder),
        clip.dataset,
        clip.subject,
        clip.session,
        clip.device,
        clip.label,
        clip.species,
        clip.frames,
        clip.split,
        None if clip.box is None else list(clip.box),
        # Through the shortest text, so that both formats say 157.9 and not 157.89999.
        None if points is None else [float(str(value)) for value in points],
        *(clip.extra.get(key, "") for key in extras),
    ]


def _place(file: Path, folder: str) -> str:
    whole = os.path.abspath(file)
    prefix = folder.rstrip(os.sep) + os.sep
    return whole.removeprefix(prefix).replace(os.sep, "/") if whole.startswith(prefix) else whole


def _check(rows: Sequence[Sequence[_Cell]]) -> None:
    seen: set[str] = set()
    for row in rows:
        name = str(row[0])
        if name in seen:
            raise DataError(f"{name!r} comes twice. A manifest has one row for a file.")
        seen.add(name)
        text = "".join(cell for cell in row if isinstance(cell, str))
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"{name!r} is not UTF-8. Rename the file.") from error
        if "\n" in text or "\r" in text:
            raise DataError(f"{name!r}: its path or a cell has a line break. Rename it.")


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[_Cell]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(map(guarded, header))
        writer.writerows([_text(cell) for cell in row] for row in rows)


def _text(cell: _Cell) -> str:
    if isinstance(cell, list):
        return " ".join(f"{value:.0f}" if value.is_integer() else repr(value) for value in cell)
    return "" if cell is None else guarded(str(cell))


def _write_parquet(path: Path, header: Sequence[str], rows: Sequence[Sequence[_Cell]]) -> None:
    polars = need("polars", "data")
    numbers = polars.List(polars.Float64)
    types = {"frames": polars.Int64, "box": numbers, "landmarks": numbers}
    schema = {name: types.get(name, polars.String) for name in header}
    polars.DataFrame(rows, schema=schema, orient="row").write_parquet(path)
