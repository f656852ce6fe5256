"""Evidence as pictures, with Pillow alone: input · genuine · noise · evidence map."""

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw

from despoof.core.errors import InputError
from despoof.core.types import Verdict
from despoof.detector import FaceParts
from despoof.evaluation.panels import (
    BACKGROUND,
    LABEL_COLOURS,
    QUIET,
    colour_bar,
    evidence_photo,
    full_scale,
    noise_legend,
    noise_photo,
    photo,
    text_width,
    write,
)

_LINE = (70, 74, 82)
_SIDE, _GAP, _HEAD, _FOOT = 256, 16, 82, 84


def evidence_picture(parts: FaceParts) -> Pillow.Image:
    """Draw one face: input · genuine · noise (signed, scale printed) · evidence map with its bar.

    Above them the verdict, the score, the threshold and the source; a pure function of `parts`.
    """
    width = 4 * _SIDE + 5 * _GAP
    canvas = Pillow.new("RGB", (width, _HEAD + _SIDE + _FOOT), BACKGROUND)
    _headline(canvas, parts.verdict, width)
    scale = full_scale(parts)
    low, high = parts.evidence.min(), parts.evidence.max()
    panels = [
        (photo(parts.crop.image, _SIDE), "input", ("the face as the network sees it", "")),
        (photo(parts.genuine, _SIDE), "genuine", ("the nearest genuine face", "")),
        (noise_photo(parts, scale, _SIDE), "noise = input - genuine", noise_legend(parts, scale)),
        (
            evidence_photo(parts.evidence, _SIDE),
            "evidence map",
            ("", f"mean {parts.evidence.mean():.3f}, from {low:.3f} to {high:.3f}"),
        ),
    ]
    for number, (panel, title, lines) in enumerate(panels):
        left, below = _GAP + number * (_SIDE + _GAP), _HEAD + _SIDE
        canvas.paste(panel, (left, _HEAD))
        frame = (left - 1, _HEAD - 1, left + _SIDE, _HEAD + _SIDE)
        ImageDraw.Draw(canvas).rectangle(frame, outline=_LINE)
        write(canvas, (left, below + 8), title, size=16)
        for row, line in enumerate(lines):
            place = (left, below + 33 + 20 * row)
            write(canvas, place, line, size=13, colour=QUIET, width=_SIDE)
    _bar(canvas, width - _GAP - _SIDE, _HEAD + _SIDE + 36)
    return canvas


def contact_sheet(
    faces: Sequence[FaceParts],
    titles: Sequence[str] | None = None,
    *,
    columns: int = 1,
    side: int = 128,
) -> Pillow.Image:
    """Draw several faces, one a row, with one noise scale for all so that they can be compared.

    Args:
        faces: at least one.
        titles: a line for each face; default: verdict, score and source.
        columns: rows are dealt to this many columns, from top to bottom.
        side: of a panel, pixels.

    Raises:
        InputError: no faces, or not one title for each.
    """
    if not faces or columns < 1 or (titles is not None and len(titles) != len(faces)):
        raise InputError(
            f"{len(faces)} faces, {len(faces) if titles is None else len(titles)} titles and "
            f"{columns} columns; expected at least one face, a title for each, and one column."
        )
    gap, line, head = 6, 22, 50
    block, rows = 4 * side + 3 * gap, math.ceil(len(faces) / columns)
    width = columns * block + (columns + 1) * 2 * gap
    canvas = Pillow.new("RGB", (width, head + rows * (side + line + gap)), BACKGROUND)
    scale = full_scale(*faces)
    note = f"noise ×{1 / scale:g}, grey = 0, full scale ±{scale:g}; evidence dark 0 to bright 1"
    write(canvas, (2 * gap, 6), "input · genuine · noise · evidence map", size=15)
    write(canvas, (2 * gap, 26), note, size=12, colour=QUIET, width=width - 4 * gap)
    for number, face in enumerate(faces):
        column, row = divmod(number, rows)
        left, top = 2 * gap + column * (block + 2 * gap), head + row * (side + line + gap)
        panels = (
            photo(face.crop.image, side),
            photo(face.genuine, side),
            noise_photo(face, scale, side),
            evidence_photo(face.evidence, side),
        )
        for place, panel in enumerate(panels):
            canvas.paste(panel, (left + place * (side + gap), top + line))
        colour = LABEL_COLOURS[face.verdict.label]
        ImageDraw.Draw(canvas).rectangle((left, top + 4, left + 10, top + line - 8), colour)
        title = titles[number] if titles is not None else _summary(face.verdict)
        write(canvas, (left + 16, top), title, size=13, width=block - 16)
    return canvas


def _headline(canvas: Pillow.Image, verdict: Verdict, width: int) -> None:
    draw = ImageDraw.Draw(canvas)
    colour, text = LABEL_COLOURS[verdict.label], verdict.label.upper()
    badge = _GAP + text_width(text, 22) + 28
    draw.rounded_rectangle((_GAP, 12, badge, 46), 6, colour)
    write(canvas, (_GAP + 14, 16), text, size=22, colour=(255, 255, 255))
    end = write(canvas, (badge + 14, 19), _numbers(verdict), size=18)
    time = "" if verdict.time is None else f" at {verdict.time:.2f} s"
    name = f"{Path(verdict.source).name}{time}"
    room = width - _GAP - end - 24
    start = width - _GAP - min(text_width(name, 16), room)
    write(canvas, (start, 20), name, size=16, colour=QUIET, width=math.ceil(room))
    amber = LABEL_COLOURS["undecided"]
    write(canvas, (_GAP, 52), verdict.reason, size=14, colour=amber, width=width - 2 * _GAP)


def _bar(canvas: Pillow.Image, left: int, top: int) -> None:
    write(canvas, (left, top - 3), "0", size=13, colour=QUIET)
    canvas.paste(colour_bar(_SIDE - 32, 10), (left + 14, top + 1))
    write(canvas, (left + _SIDE - 12, top - 3), "1", size=13, colour=QUIET)


def _numbers(verdict: Verdict) -> str:
    score = "no score" if verdict.score is None else f"score {verdict.score:.4f}"
    if verdict.threshold is None:
        return f"{score} · no threshold"
    return f"{score} · live above {verdict.threshold:.4f}"


def _summary(verdict: Verdict) -> str:
    return f"{verdict.label} · {_numbers(verdict)} · {Path(verdict.source).name}"
