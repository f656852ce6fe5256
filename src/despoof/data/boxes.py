"""Faces from the datasets' own files: one strict parser for each format.

What a format's box encloses is its authors' choice, so a crop scale does not mean quite the same
with every source; the source is therefore part of the crops' cache key. Columns marked [M] in
the specification (MSU's eyes, OULU's order, CelebA-Spoof's scale) want checking against a real
copy. Coordinates are taken to count in the upright picture.

A bad row is its frame's, never the clip's: such a frame has no face here, and the detector is
asked. A file of which no row can be read is an error.
"""

import codecs
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from despoof.core.cells import plain_number
from despoof.core.errors import DataError
from despoof.core.files import is_file
from despoof.core.types import Box, Face
from despoof.data.manifest import Clip

Faces = dict[int, Face | None]
"""Frame number (from 0) to its face; None where the file has none, or no row that can be read."""

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
        number: _face((row[0], row[1], row[0] + row[2], row[1] + row[3])) if row else None
        for number, row in _framed(path, (5,)).items()
    }


def read_msu_faces(path: Path, size: Size) -> Faces:
    """MSU-MFSD's `.face`: frame left top right bottom, then four numbers of the eyes (unused)."""
    del size
    return {
        number: _face((row[0], row[1], row[2], row[3])) if row else None
        for number, row in _framed(path, (5, 9)).items()
    }


def read_siw_faces(path: Path, size: Size) -> Faces:
    """SiW's `.face`: the n-th line is frame n's left top right bottom; zeros = none."""
    del size
    return {
        number: _face((row[0], row[1], row[2], row[3])) if row else None
        for number, row in enumerate(_rows(path, (4,)))
    }


def read_celeba_face(path: Path, size: Size) -> Faces:
    """CelebA-Spoof's `_BB.txt`: one line, x y width height score, in a 224 × 224 picture."""
    rows = [row for row in _rows(path, (5,)) if row]
    if len(rows) != 1:
        raise DataError(f"{path}: {len(rows)} lines, expected one: x y width height score.")
    x, y, width, height, _ = rows[0]
    down, across = size[0] / _NORMALISED, size[1] / _NORMALISED
    return {0: _face((x * across, y * down, (x + width) * across, (y + height) * down))}


def read_oulu_eyes(path: Path, size: Size) -> Faces:
    """OULU-NPU's `.txt`: frame, x and y of one eye, x and y of the other; zeros = none.

    The box is 2.15 × 2.70 eye distances, its centre 0.30 of them below the eyes (along the face).
    There are no landmarks, so the crop is not turned. An eye at (0, 0) or left of or above the
    picture was not found; one alone makes no face.
    """
    del size
    rows = _framed(path, (5,)).items()
    return {number: _eye_face(row) if row else None for number, row in rows}


def _eye_face(eyes: Sequence[float]) -> Face | None:
    # Sorted: "left" is left in the picture, whichever eye the file names first.
    (ax, ay), (bx, by) = sorted([(eyes[0], eyes[1]), (eyes[2], eyes[3])])
    if (0, 0) in ((ax, ay), (bx, by)) or min(eyes) < 0:
        return None
    across, down = bx - ax, by - ay
    distance = math.hypot(across, down)
    x = (ax + bx) / 2 - _BELOW_EYES * down
    y = (ay + by) / 2 + _BELOW_EYES * across
    half = _EYE_BOX[0] * distance / 2, _EYE_BOX[1] * distance / 2
    return _face((x - half[0], y - half[1], x + half[0], y + half[1]))


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
    return next((place for place in places if is_file(place)), None)


def read_box_file(clip: Clip, path: Path, size: Size) -> Faces:
    """Read what `find_box_file` found.

    What is wrong in one row is that frame's alone: it has no face here (the detector is asked), as
    where the file says that none was found. So are a face whose centre lies outside the picture
    and one beyond twice the picture's size, as long as most faces lie inside.

    Args:
        clip: its dataset decides the format.
        path: the file.
        size: height and width of the clip's pictures.

    Raises:
        DataError: unreadable; no row is of the format; or most faces lie outside the picture. The
            message names the file.
    """
    faces = _FORMATS[clip.dataset][1](path, size)
    told = {number: face for number, face in faces.items() if face is not None}
    outside = [number for number, face in told.items() if not _fits(face, size)]
    if 2 * len(outside) > len(told):
        box = told[outside[0]].box
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        raise DataError(
            f"{path}: the face of frame {outside[0]} is centred on ({x:g}, {y:g}), and "
            f"{len(outside)} of {len(told)} lie outside the {size[1]}x{size[0]} picture of "
            f"{clip.name} or are far larger. Was the clip rotated or resized? Use boxes=detector."
        )
    return faces | dict.fromkeys(outside)


def _fits(face: Face, size: Size) -> bool:
    x1, y1, x2, y2 = face.box
    inside = 0 <= (x1 + x2) / 2 <= size[1] and 0 <= (y1 + y2) / 2 <= size[0]
    return inside and max(x2 - x1, y2 - y1) <= 2 * max(size)


def _face(box: Box) -> Face | None:
    """Return a box as a face; None for an empty one: zeros, -1 or what else means "not found"."""
    x1, y1, x2, y2 = box
    return Face(box=box) if x1 < x2 and y1 < y2 else None


def _framed(path: Path, widths: tuple[int, ...]) -> dict[int, Sequence[float] | None]:
    """Split off the frame numbers; a frame that is named twice has no row that can be trusted."""
    rows: dict[int, Sequence[float] | None] = {}
    for row in _rows(path, widths):
        if row is None or row[0] != int(row[0]) or row[0] < 0:
            continue
        number = int(row[0])
        rows[number] = None if number in rows else row[1:]
    if not rows:
        raise DataError(f"{path}: no line begins with a frame's number. Use boxes=detector.")
    return rows


def _rows(path: Path, widths: tuple[int, ...]) -> list[Sequence[float] | None]:
    """Read each line's numbers, in order; None for a blank line and for one of another form."""
    try:
        # Bytes, for text would also be parted at form feeds and the like.
        lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    except OSError as error:
        raise DataError(f"{path} is not readable as a table of boxes: {error}.") from error
    rows = [_numbers(line.decode("ascii", "replace").strip(), widths) for line in lines]
    if not any(map(bytes.strip, lines)):
        raise DataError(f"{path} has no lines. Restore it, or use boxes=detector.")
    if not any(rows):
        first = next(index for index, line in enumerate(lines) if line.strip())
        expected = " or ".join(map(str, widths))
        raise DataError(
            f"{path}, line {first + 1}: {lines[first][:60]!r}; expected {expected} finite numbers, "
            "and no other line has them. Restore the file, or use boxes=detector."
        )
    return rows


def _numbers(line: str, widths: tuple[int, ...]) -> Sequence[float] | None:
    try:
        numbers = [plain_number(word) for word in _WORD.split(line)]
    except ValueError:
        return None
    return numbers if len(numbers) in widths and all(map(math.isfinite, numbers)) else None
