"""The worst errors of a system, with their pictures where the files are at hand."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from despoof.core.errors import DespoofError
from despoof.core.files import is_file
from despoof.evaluation.score_formats import ScoreTable
from despoof.media.sources import read_frames

SIDE = 160


@dataclass(frozen=True)
class WorstError:
    """One wrong decision.

    Attributes:
        path: as the score file gives it.
        label: live or attack; what it really is.
        species: of an attack.
        subject: empty where it is not known.
        score: of it.
        margin: by how much the score is on the wrong side, in the score's own unit.
        picture: a data: URI, or "" where the file is not at hand or not readable.
    """

    path: str
    label: str
    species: str
    subject: str
    score: float
    margin: float
    picture: str = ""


def worst_errors(
    table: ScoreTable, threshold: float, roots: Sequence[Path] = (), count: int = 20
) -> list[WorstError]:
    """Return the errors that are farthest on the wrong side of the threshold, worst first.

    Args:
        table: judged scores.
        threshold: live iff score > threshold.
        roots: folders that a path may be relative to and below which pictures lie; none = no
            pictures.
        count: at most so many.
    """
    wrong = np.flatnonzero((table.score > threshold) != table.live)
    margin = np.abs(table.score[wrong] - threshold)
    order = wrong[np.argsort(-margin, kind="stable")[:count]]
    return [
        WorstError(
            path=table.path[row],
            label="live" if table.live[row] else "attack",
            species="" if table.live[row] else table.species[row] or "unknown",
            subject=table.subject[row],
            score=float(table.score[row]),
            margin=float(abs(table.score[row] - threshold)),
            picture=thumbnail(table.path[row], roots),
        )
        for row in order.tolist()
    ]


def thumbnail(name: str, roots: Sequence[Path]) -> str:
    """Return a picture, or the middle of a video, as a small JPEG in a data: URI, or "".

    Only files below one of the roots are opened, links followed: a score file may come from
    somebody else, and the page may go there.
    """
    path = next((place for root in roots if (place := _below(root, name)) is not None), None)
    if path is None:
        return ""
    try:
        frames = read_frames(str(path), 1)
        small = ImageOps.contain(Pillow.fromarray(frames[0].image), (SIDE, SIDE))
    except (DespoofError, OSError, IndexError):
        return ""
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _below(root: Path, name: str) -> Path | None:
    """Return the file of this name, where it truly lies below the root."""
    if not is_file(root / name):
        return None
    place = (root / name).resolve()
    return place if place.is_relative_to(root.resolve()) else None
