"""The manifest: one row per clip or picture, from a CSV or Parquet table or from two folders."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from despoof.core.cells import (
    label_of,
    plain_number,
    restored,
    say,
    split_of,
    translation,
    unknown_label,
    unknown_split,
)
from despoof.core.errors import DataError, MediaError
from despoof.core.extras import need
from despoof.core.types import Box, Label
from despoof.media.files import find_media

REQUIRED = ("path", "label")
OPTIONAL = (
    "dataset",
    "subject",
    "session",
    "device",
    "species",
    "frames",
    "split",
    "box",
    "landmarks",
)


@dataclass(frozen=True, eq=False)
class Clip:
    """One row: a video or a picture, and what is known about it.

    Attributes:
        path: of the file; a relative one was resolved against the manifest's folder.
        name: the path as the manifest gives it, unique in it.
        label: live or attack.
        dataset, subject, session, device, species: "" where the manifest does not say.
        frames: how many frames the clip has, or how many of its first ones count; None where the
            manifest does not say.
        split: train, dev, test or "".
        box: the face in pixels of the picture; None where the manifest has none.
        landmarks: (5, 2) float32 in pixels, in the order of `core.types.Face`; None without.
        extra: the other columns' cells, as text.
    """

    path: Path
    name: str
    label: Label
    dataset: str = ""
    subject: str = ""
    session: str = ""
    device: str = ""
    species: str = ""
    frames: int | None = None
    split: str = ""
    box: Box | None = None
    landmarks: NDArray[np.float32] | None = None
    extra: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def live(self) -> bool:
        """True for a genuine presentation."""
        return self.label == "live"

    @property
    def group(self) -> str:
        """The unit of independence for intervals: the person; the clip where unknown."""
        return f"{self.dataset}/{self.subject}" if self.subject else self.name


def read_manifest(path: str | Path) -> list[Clip]:
    """Read a manifest, rows in the table's order; columns in any order.

    Labels and splits may be called otherwise (`core.cells`: real, spoof, valid, eval …), which is
    said when they are; 0 and 1 are no labels, for nobody knows which of them is live.

    Args:
        path: a CSV table in UTF-8 or, by its suffix (.parquet, .pq), a Parquet table (needs the
            extra `data`). A box is "x1 y1 x2 y2"; landmarks are ten numbers, x y each, with spaces
            or commas between; a Parquet table may have lists of numbers there.

    Raises:
        DataError: the table is missing, unreadable or empty, or lacks a column; or a row has the
            wrong number of cells, an unknown label or split, a malformed number, box or landmarks,
            an empty path, a line break in a name, or a path that came before. The message names
            the file and the line (CSV) or row (Parquet, from 1).
        MissingExtraError: it is Parquet and polars is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"There is no manifest {path}. Check the path; folders have options.")
    parquet = path.suffix.lower() in (".parquet", ".pq")
    header, rows = _parquet_rows(path) if parquet else _csv_rows(path)
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(missing)}; found {', '.join(header) or 'none'}. "
            f"A manifest needs {', '.join(REQUIRED)} and may have {', '.join(OPTIONAL)}."
        )
    if len(set(header)) < len(header):
        raise DataError(f"{path}: a column name comes twice in {', '.join(header)}.")
    clips: list[Clip] = []
    seen: dict[str, str] = {}
    for where, cells in rows:
        if len(cells) != len(header):
            raise DataError(f"{where}: {len(cells)} cells, but there are {len(header)} columns.")
        clip = _clip(dict(zip(header, cells, strict=True)), path.parent, where)
        if clip.name in seen:
            raise DataError(f"{where}: {clip.name!r} already was in {seen[clip.name]}. Keep one.")
        seen[clip.name] = where
        clips.append(clip)
    if not clips:
        raise DataError(f"{path} has no rows, only a header. List at least one clip.")
    _say_words(path, header, rows)
    return clips


def from_folders(live: str | Path | None, attack: str | Path | None) -> list[Clip]:
    """List the pictures and videos of a folder of live presentations and of one of attacks.

    Both are searched with their sub-folders. An attack's species is the name of the first
    sub-folder that it lies in; directly in the folder it has none. `name` is the path that begins
    with the folder as it was given.

    Raises:
        DataError: no folder was given, one does not exist, cannot be read or holds no media, a
            name has a line break or is not UTF-8, or a file lies in both.
    """
    clips: list[Clip] = []
    seen: dict[Path, str] = {}
    folders: tuple[tuple[Label, str | Path | None], ...] = (("live", live), ("attack", attack))
    for label, given in folders:
        if given is None:
            continue
        folder = Path(given)
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder} of {label} presentations.")
        try:
            found = find_media(folder)
        except MediaError as error:
            raise DataError(f"{error} All {label} presentations must be readable.") from error
        if not found:
            raise DataError(f"{folder} holds no pictures or videos. Check the path.")
        for file in found:
            _check_name(str(file), f"folder {folder}")
            if (place := file.resolve()) in seen:
                raise DataError(f"{file} and {seen[place]} are one file. Give folders apart.")
            seen[place] = str(file)
            inner = file.relative_to(folder).parts[:-1]
            species = "live" if label == "live" else "".join(inner[:1])
            clips.append(Clip(file, str(file), label, species=species))
    if not clips:
        raise DataError("No folder was given. Name one of live presentations, of attacks, or both.")
    return clips


def of_split(clips: Iterable[Clip], split: str) -> list[Clip]:
    """Keep the clips of a split, by any word for it (`core.cells`).

    Raises:
        DataError: there is none; the message says which splits there are.
    """
    clips = list(clips)
    kept = [clip for clip in clips if clip.split == (split_of(split) or split)]
    if not kept:
        there = ", ".join(sorted({clip.split or "(none)" for clip in clips}))
        raise DataError(f"No clip is of split {split!r}. The manifest has: {there}.")
    return kept


_Rows = list[tuple[str, list[str]]]


def _say_words(path: Path, header: Sequence[str], rows: _Rows) -> None:
    labels, splits = (
        {cells[header.index(name)] for _, cells in rows} if name in header else set[str]()
        for name in ("label", "split")
    )
    note = translation(labels, splits)
    say(f"{path}: {note}" if note else "")


def _csv_rows(path: Path) -> tuple[list[str], _Rows]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = [restored(name.strip()) for name in next(reader, [])]
            # The csv module gives [] for an empty line.
            rows = [
                (f"{path}, line {reader.line_num}", list(map(restored, cells)))
                for cells in reader
                if cells
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not readable as CSV in UTF-8: {error}.") from error
    return header, rows


def _parquet_rows(path: Path) -> tuple[list[str], _Rows]:
    polars = need("polars", "data")
    try:
        table = polars.read_parquet(path)
    except (OSError, polars.exceptions.PolarsError) as error:
        raise DataError(f"{path} is not readable as Parquet: {error}.") from error
    rows = [
        (f"{path}, row {number}", [_text(cell) for cell in cells])
        for number, cells in enumerate(table.iter_rows(), start=1)
    ]
    return list(table.columns), rows


def _text(cell: object) -> str:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, list | tuple):
        return " ".join(_text(item) for item in cast("Sequence[Any]", cell))
    return str(cell)


def _clip(row: dict[str, str], folder: Path, where: str) -> Clip:
    label, split = label_of(row["label"]), split_of(row.get("split", ""))
    frames = row.get("frames", "").strip()
    if label is None:
        raise DataError(f"{where}: {unknown_label(row['label'], 'Write live or attack.')}")
    if split is None:
        raise DataError(f"{where}: {unknown_split(row['split'])}")
    if frames and not (frames.isascii() and frames.isdigit() and len(frames) < 13 and int(frames)):
        raise DataError(f"{where}: frames {frames!r} is not a whole number from 1.")
    plain = {name: row.get(name, "") for name in ("dataset", "subject", "session", "device")}
    species = row.get("species", "")
    name = row["path"]
    if not name:
        raise DataError(f"{where}: the path is empty. Every row belongs to a picture or clip.")
    _check_name("".join((name, species, *plain.values())), where)
    box = _numbers(row.get("box", ""), 4, f"{where}: box")
    points = _numbers(row.get("landmarks", ""), 10, f"{where}: landmarks")
    if box and not (box[0] < box[2] and box[1] < box[3]):
        raise DataError(f"{where}: box {row['box']!r} is empty. Give x1 y1 x2 y2 with x1 < x2 …")
    return Clip(
        path=folder / name,
        name=name,
        label=label,
        species=species,
        frames=int(frames) if frames else None,
        split=split,
        box=(box[0], box[1], box[2], box[3]) if box else None,
        landmarks=np.array(points, np.float32).reshape(5, 2) if points else None,
        extra={key: row[key] for key in row if key not in (*REQUIRED, *OPTIONAL)},
        **plain,
    )


def _numbers(cell: str, count: int, what: str) -> list[float]:
    try:
        numbers = [plain_number(word) for word in cell.replace(",", " ").split()]
    except ValueError:
        numbers = [math.nan]
    if len(numbers) not in (0, count) or not all(map(math.isfinite, numbers)):
        raise DataError(f"{what} {cell!r} is not {count} finite numbers in ASCII, nor empty.")
    return numbers


def _check_name(text: str, where: str) -> None:
    """Refuse now what no score file can hold in the end."""
    if "\r" in text or "\n" in text:
        raise DataError(f"{where}: {text!r} has a line break. Rename it.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{where}: {text!r} is not UTF-8. Rename it.") from error
