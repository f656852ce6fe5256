"""One item in, one answer out: what both the table and the JSON are printed from."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from despoof.cli.inputs import Item
from despoof.cli.options import LIVE, SPOOF, UNDECIDED
from despoof.core.errors import DespoofError
from despoof.core.types import Verdict
from despoof.core.verdicts import whole_clip
from despoof.media.guard import in_words

if TYPE_CHECKING:
    from despoof.detector import Detector, FaceParts

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What is known about one item.

    Attributes:
        verdict: of the whole picture or video.
        faces: every verdict, frame by frame, largest face first; empty for an unreadable item.
        parts: the evidence, where it was asked for.
        frames: how many pictures were looked at.
        error: why the item could not be read; empty when it could.
    """

    verdict: Verdict
    faces: Sequence[Verdict] = ()
    parts: "Sequence[FaceParts]" = ()
    frames: int = 0
    error: str = ""

    @property
    def found(self) -> list[Verdict]:
        """The verdicts that belong to a face."""
        return [face for face in self.faces if face.box is not None]

    def without_parts(self) -> "Answer":
        """Return the same answer, without the pictures."""
        return replace(self, parts=())

    def plain(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        whole = self.verdict
        values: dict[str, Any] = {
            "source": whole.source,
            "label": whole.label,
            "score": whole.score,
            "threshold": whole.threshold,
            "reason": whole.reason,
            "frames": self.frames,
            "faces": [_plain_face(face) for face in self.found],
        }
        values |= {"colour": whole.colour} if whole.colour else {}
        values |= {} if whole.sealed else {"sealed": False}
        return values | {"error": self.error} if self.error else values


def answer(
    detector: "Detector",
    item: Item,
    *,
    frames: int = 8,
    cropped: bool = False,
    evidence: bool = False,
) -> Answer:
    """Check one item; what goes wrong with it is an undecided answer with the error."""
    try:
        taken = item.read(frames)
        parts = detector.decompose(taken, cropped=cropped) if evidence else []
        judged = {part.verdict.index for part in parts}
        rest = [frame for frame in taken if frame.index not in judged]
        faces = [part.verdict for part in parts]
        faces += detector.check(rest, cropped=cropped) if rest else []
    except Exception as error:
        text = str(error)
        if not isinstance(error, DespoofError):  # the rest of a folder is done all the same
            text = (
                f"{item.source}: unexpected {in_words(error)}. This is a bug; --debug shows where."
            )
        _LOG.debug("%s", item.source, exc_info=error)
        whole = Verdict("undecided", None, detector.threshold, "unreadable", source=item.source)
        return Answer(replace(whole, sealed=detector.sealed), error=text)
    faces.sort(key=lambda verdict: verdict.index)
    return Answer(whole_clip(faces), faces, parts, len(taken))


def exit_code(answers: Sequence[Answer]) -> int:
    """Return 1 with any spoof, else 2 with anything undecided (or nothing at all), else 0."""
    labels = {one.verdict.label for one in answers}
    if "spoof" in labels:
        return SPOOF
    return LIVE if labels == {"live"} else UNDECIDED


def _plain_face(face: Verdict) -> dict[str, Any]:
    values: dict[str, Any] = {
        "index": face.index,
        "time": face.time,
        "label": face.label,
        "score": face.score,
        "threshold": face.threshold,
        "reason": face.reason,
        "box": face.box,
        "quality": face.quality,
    }
    return values | {"aside": face.aside} if face.aside else values
