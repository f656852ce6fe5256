"""Faces from the datasets' own files: one strict parser for each format.

What a format's box encloses is its authors' choice, so a crop scale does not mean quite the same
with every source; the source is therefore part of the crops' cache key. Columns marked [M] in
the specification (MSU's eyes, OULU's order, CelebA-Spoof's scale) want checking against a real
copy. Coordinates are taken to count in the upright picture.
"""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from despoof.core.errors import DataError
from despoof.core.types import Face
from despoof.data.manifest import Clip

Faces = dict[int, Face | None]
"""Frame number (from 0) to its face; None where the file says that none was found."""

Size = tuple[int, int]
"""Height and width of the picture, pixels."""

# An eye file gives no box. Ours has the size and place that the detector's boxes have about the
# eyes: medians over 2,415 frontal faces of NUAA, in eye distances (10 % to 90 %: width 2.06-2.23,
# height 2.51-2.91, centre 0.24-0.37 below the eyes).
_EYE_BOX = (2.15, 2.70)
_BELOW_EYES = 0.30
_NORMALISED = 224  # CelebA-Spoof gives boxes as if the picture had been resized to this square

_WORD = re.compile(r"[\s,;]+")


def read_replay_faces(path: Path, size: Size) -> Faces:
    """Replay-Attack's `.face`: frame x y width height; zeros = none."""
    del size
    return {
        number: _face((x, y, x + width, y + height), where)
        for where, number, (x, y, width, height) in _framed(path, (5,))
    }


def read_msu_faces(path: Path, size: Size) -> Faces:
    """MSU-MFSD's `.face`: frame left top right bottom, then four numbers of the eyes (unused)."""
    del size
    return {
        number: _face((row[0], row[1], row[2], row[3]), where)
        for where, number, row in _framed(path, (5, 9))
    }


def read_siw_faces(path: Path, size: Size) -> Faces:
    """SiW's `.face`: the n-th line is frame n's left top right bottom; zeros = none."""
    del size
    return {
        number: _face((row[0], row[1], row[2], row[3]), where)
        for number, (where, row) in enumerate(_rows(path, (4,)))
    }


def read_celeba_face(path: Path, size: Size) -> Faces:
    """CelebA-Spoof's `_BB.txt`: one line, x y width height score, in a 224 × 224 picture."""
    rows = _rows(path, (5,))
    if len(rows) != 1:
        raise DataError(f"{path}: {len(rows)} lines, expected one: x y width height score.")
    where, (x, y, width, height, _) = rows[0]
    down, across = size[0] / _NORMALISED, size[1] / _NORMALISED
    box = (x * across, y * down, (x + width) * across, (y + height) * down)
    return {0: _face(box, where)}


def read_oulu_eyes(path: Path, size: Size) -> Faces:
    """OULU-NPU's `.txt`: frame, x and y of one eye, x and y of the other; zeros = none.

    The box is 2.15 × 2.70 eye distances, its centre 0.30 of them below the eyes (along the face).
    There are no landmarks, so the crop is not turned.
    """
    del size
    faces: Faces = {}
    for where, number, eyes in _framed(path, (5,)):
        if not any(eyes):
            faces[number] = None
            continue
        # Sorted: "left" is left in the picture, whichever eye the file names first.
        (ax, ay), (bx, by) = sorted([(eyes[0], eyes[1]), (eyes[2], eyes[3])])
        across, down = bx - ax, by - ay
        distance = math.hypot(across, down)
        x = (ax + bx) / 2 - _BELOW_EYES * down
        y = (ay + by) / 2 + _BELOW_EYES * across
        half = _EYE_BOX[0] * distance / 2, _EYE_BOX[1] * distance / 2
        faces[number] = _face((x - half[0], y - half[1], x + half[0], y + half[1]), where)
    return faces


def _beside(suffix: str) -> Callable[[Path], tuple[Path, ...]]:
    return lambda path: (path.with_name(path.stem + suffix),)


def _replay_places(path: Path) -> tuple[Path, ...]:
    below = [
        root / "face-locations" / path.relative_to(root).with_suffix(".face")
        for root in path.parents[1:5]
    ]
    return (*below, path.with_suffix(".face"))


_FORMATS: Mapping[str, tuple[Callable[[Path], tuple[Path, ...]], Callable[[Path, Size], Faces]]] = {
    "replay-attack": (_replay_places, read_replay_faces),
    "msu-mfsd": (_beside(".face"), read_msu_faces),
    "siw": (_beside(".face"), read_siw_faces),
    "celeba-spoof": (_beside("_BB.txt"), read_celeba_face),
    "oulu-npu": (_beside(".txt"), read_oulu_eyes),
}


def find_box_file(clip: Clip) -> Path | None:
    """Return the dataset's own file of a clip's faces, None where there is none."""
    if clip.dataset not in _FORMATS:
        return None
    places = _FORMATS[clip.dataset][0](clip.path)
    return next((place for place in places if place.is_file()), None)


def read_box_file(clip: Clip, path: Path, size: Size) -> Faces:
    """Read what `find_box_file` found.

    Args:
        clip: its dataset decides the format.
        path: the file.
        size: height and width of the clip's pictures.

    Raises:
        DataError: unreadable, or a malformed line; the message names file and line.
    """
    faces = _FORMATS[clip.dataset][1](path, size)
    for number, face in faces.items():
        if face is None:
            continue
        x, y = (face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2
        if not (0 <= x <= size[1] and 0 <= y <= size[0]):
            raise DataError(
                f"{path}: the face of frame {number} is centred on ({x:g}, {y:g}), outside the "
                f"{size[1]}x{size[0]} picture of {clip.name}. Was the clip rotated or resized? "
                "Use boxes=detector."
            )
    return faces


def _face(box: tuple[float, float, float, float], where: str) -> Face | None:
    x1, y1, x2, y2 = box
    if box == (0, 0, 0, 0):
        return None
    if not (x1 < x2 and y1 < y2):
        raise DataError(
            f"{where}: the box is empty, ({x1:g}, {y1:g}) to ({x2:g}, {y2:g}). Expected a width "
            "and height above 0, or all zeros where there is no face."
        )
    return Face(box=box)


def _framed(path: Path, widths: tuple[int, ...]) -> list[tuple[str, int, list[float]]]:
    """Split off the frame numbers: (where, number, other numbers); each number once."""
    rows: list[tuple[str, int, list[float]]] = []
    seen: set[int] = set()
    for where, (number, *others) in _rows(path, widths):
        if number != int(number) or number < 0 or number in seen:
            raise DataError(f"{where}: frame {number:g}; expected a whole number from 0, once.")
        seen.add(int(number))
        rows.append((where, int(number), others))
    return rows


def _rows(path: Path, widths: tuple[int, ...]) -> list[tuple[str, list[float]]]:
    """Read the lines that are not empty: (where, numbers)."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not readable as a table of boxes: {error}.") from error
    rows: list[tuple[str, list[float]]] = []
    for index, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {index}"
        try:
            numbers = [float(word) for word in _WORD.split(line.strip())]
        except ValueError:
            numbers = []
        if len(numbers) not in widths or not all(map(math.isfinite, numbers)):
            expected = " or ".join(map(str, widths))
            raise DataError(f"{where}: {line.strip()!r}; expected {expected} finite numbers.")
        rows.append((where, numbers))
    if not rows:
        raise DataError(f"{path} has no lines. Restore it, or use boxes=detector.")
    return rows
