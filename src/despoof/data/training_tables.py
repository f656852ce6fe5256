"""Clips of a divided manifest become pictures and tables that `despoof train` reads.

For each dataset of the manifest `<dataset>.csv` (as `samples.read_samples` reads it), its pictures
below `<dataset>/`, and `<dataset>.depth.npz`. A picture is the frame around the face, its pixels as
they were decoded, without loss.
"""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from despoof.core.cells import SPLITS, guarded
from despoof.core.errors import DataError
from despoof.core.files import atomic_path
from despoof.core.types import Face, Image
from despoof.data.cutting import Cutter, faces_in
from despoof.data.manifest import Clip
from despoof.data.samples import TABLE_NAME
from despoof.face.crop import CropConfig, crop_face, to_crop
from despoof.face.depth import DepthLabeller

COLUMNS = (
    "path", "dataset", "split", "subject", "session", "label", "species", "box", "landmarks",
    "clip", "frame",
)  # fmt: skip
REACH = 2.6
"""Side of a picture / longer side of the face: room for the widest views, turned."""

_CELLS = 32  # a side of the table's reliefs
_LOOK = CropConfig(size=128, scale=1.6, align=False)


@dataclass(frozen=True)
class Written:
    """What became of one dataset's clips.

    Attributes:
        table: the file.
        pictures: rows of it, by split and label, e.g. ("train", "live").
        without_face: names of clips in which no frame has a face.
    """

    table: Path
    pictures: Counter[tuple[str, str]]
    without_face: tuple[str, ...]


def write_training_tables(
    clips: Sequence[Clip],
    folder: Path,
    cutter: Cutter,
    depth: DepthLabeller,
    show: Callable[[str], None] = lambda name: None,
) -> list[Written]:
    """Write pictures and tables of all clips; tables of the same names are replaced at the end.

    Args:
        clips: each with a dataset and a split; see `despoof data protocol`.
        folder: what `data.root` of an experiment is to name; made where it is missing.
        cutter: which frames, and who finds the faces.
        depth: gives faces their relief.
        show: told each clip before it is worked on.

    Raises:
        DataError: no clips, or one without a split or with a dataset that is no file's name; or a
            box file is malformed.
        MediaError: a clip cannot be read.
    """
    _check(clips)
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _write_dataset([c for c in clips if c.dataset == name], folder, cutter, depth, show)
        for name in sorted({clip.dataset for clip in clips})
    ]


def _check(clips: Sequence[Clip]) -> None:
    if not clips:
        raise DataError("There are no clips. Give a manifest with rows.")
    homeless = [clip.name for clip in clips if clip.split not in SPLITS]
    if homeless:
        raise DataError(
            f"{len(homeless)} clips are in no split, {homeless[0]} first. Divide the manifest: "
            "despoof data protocol MANIFEST NAME -o DIVIDED."
        )
    for clip in clips:
        if not re.fullmatch(TABLE_NAME, clip.dataset):
            raise DataError(
                f"{clip.name} is of dataset {clip.dataset!r}; expected letters, digits, . _ and -, "
                "for it names the table. Fill the manifest's column dataset."
            )


def _write_dataset(
    clips: Sequence[Clip],
    folder: Path,
    cutter: Cutter,
    depth: DepthLabeller,
    show: Callable[[str], None],
) -> Written:
    name = clips[0].dataset
    (folder / name).mkdir(exist_ok=True)
    counts: Counter[tuple[str, str]] = Counter()
    rows: list[dict[str, str]] = []
    reliefs: list[NDArray[np.uint8]] = []
    faceless: list[str] = []
    for clip in clips:
        show(clip.name)
        before = len(rows)
        for number, image, face in faces_in(cutter, clip):
            picture, placed = around(image, face)
            path = Path(name) / f"{_stem(clip)}_{number:05d}.png"
            with atomic_path(folder / path) as temporary:
                Pillow.fromarray(picture).save(temporary, "PNG", compress_level=1)
            rows.append(_row(clip, number, path, placed))
            reliefs.append(relief_of(picture, placed, depth))
        counts[clip.split, clip.label] += len(rows) - before
        if len(rows) == before:
            faceless.append(clip.name)
    with atomic_path(folder / f"{name}.depth.npz") as temporary, temporary.open("wb") as file:
        stacked = np.array(reliefs, np.uint8).reshape(-1, _CELLS, _CELLS)
        np.savez_compressed(file, depth=stacked)
    with atomic_path(folder / f"{name}.csv") as temporary:
        _write_rows(temporary, COLUMNS, rows)
    return Written(folder / f"{name}.csv", +counts, tuple(faceless))


def _write_rows(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Write a CSV table in UTF-8, also one without rows."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(columns)
        table.writerows([[guarded(row[column]) for column in columns] for row in rows])


def around(image: Image, face: Face, reach: float = REACH) -> tuple[Image, Face]:
    """Cut out what lies around a face, at most the whole picture, and place the face in it.

    Args:
        image: (H, W, 3) uint8.
        face: in it.
        reach: side of the piece / longer side of the face.

    Raises:
        DataError: the face lies outside the picture.
    """
    x1, y1, x2, y2 = face.box
    half = reach / 2 * max(x2 - x1, y2 - y1)
    height, width = image.shape[:2]
    left, top = (max(0, round(v - half)) for v in ((x1 + x2) / 2, (y1 + y2) / 2))
    right = min(width, round((x1 + x2) / 2 + half))
    bottom = min(height, round((y1 + y2) / 2 + half))
    if not (left < right and top < bottom):
        raise DataError(
            f"A face at {face.box} lies outside its {width}x{height} picture. Correct the box, or "
            "use boxes=detector."
        )
    marks = None if face.landmarks is None else face.landmarks - np.array([left, top], np.float32)
    placed = replace(face, box=(x1 - left, y1 - top, x2 - left, y2 - top), landmarks=marks)
    return np.ascontiguousarray(image[top:bottom, left:right]), placed


def relief_of(image: Image, face: Face, depth: DepthLabeller) -> NDArray[np.uint8]:
    """Return a face's relief over the whole picture, (32, 32) uint8, 255 nearest; 0 outside."""
    from scipy import ndimage

    crop = crop_face(image, face, _LOOK)
    height, width = image.shape[:2]
    cells = (np.arange(_CELLS) + 0.5) / _CELLS
    centres = np.stack(np.meshgrid(cells * width, cells * height), axis=-1) - 0.5
    x, y = np.moveaxis((to_crop(centres, crop.matrix) + 0.5) * _CELLS / _LOOK.size - 0.5, -1, 0)
    found = ndimage.map_coordinates(255 * depth(crop), [y, x], order=1, mode="constant")
    return found.round().astype(np.uint8)


def _stem(clip: Clip) -> str:
    """Name a clip's pictures: readable, and unique whatever its path."""
    told = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(clip.name).with_suffix("").as_posix())[-60:]
    return f"{told.strip('-.')}-{hashlib.sha256(clip.name.encode()).hexdigest()[:8]}"


def _row(clip: Clip, number: int, path: Path, face: Face) -> dict[str, str]:
    marks = [] if face.landmarks is None else face.landmarks.tolist()
    return {
        "path": path.as_posix(),
        "dataset": clip.dataset,
        "split": clip.split,
        # Frames of one clip are no independent people, known or not.
        "subject": clip.subject or f"clip {clip.name}",
        "session": clip.session,
        "label": clip.label,
        "species": "live" if clip.live else clip.species or "attack",
        "box": " ".join(f"{value:.1f}" for value in face.box),
        "landmarks": ",".join(f"{x:.1f} {y:.1f}" for x, y in marks),
        "clip": clip.name,
        "frame": str(number),
    }
