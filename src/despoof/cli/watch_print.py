"""What `despoof watch` prints: JSON lines, lines for people, the summary."""

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from despoof.cli.output import COLOURS, new_table
from despoof.cli.watch_course import Course, Event, Step
from despoof.core.types import Verdict

if TYPE_CHECKING:
    from despoof.detector.live.following import Followed


def frame_line(step: Step) -> dict[str, Any]:
    """Return the object that `--json` prints for a frame."""
    whole = step.verdict
    return {
        "kind": "frame",
        "source": whole.source,
        "index": step.frame.index,
        "time": step.frame.time,
        "label": whole.label,
        "reason": whole.reason,
        "dropped": step.dropped,
        "faces": [
            _plain(face)
            | {
                "found": face.track.found,
                "live": face.evidence.share("live"),
                "spoof": face.evidence.share("spoof"),
                "unjudged": face.evidence.share("undecided"),
                "look": None if face.verdict is None else _look(face.verdict),
            }
            for face in step.faces
        ],
    }


def event_line(step: Step, event: Event) -> dict[str, Any]:
    """Return the object that `--json --events` prints for an event.

    A face that left is undecided from then on.
    """
    face = _plain(event.face)
    if event.name == "ended":
        face |= {"label": "undecided", "reason": "the face left"}
    return {
        "kind": "event",
        "event": event.name,
        "source": step.verdict.source,
        "index": step.frame.index,
        "time": step.frame.time,
        "was": event.was,
        **face,
    }


def summary_line(course: Course, whole: Verdict, seconds: float, error: str) -> dict[str, Any]:
    """Return the object that `--json` prints at the end.

    Args:
        course: the run.
        whole: its verdict.
        seconds: that the run took.
        error: why it ended early; empty where it did not.
    """
    values: dict[str, Any] = {
        "kind": "summary",
        "source": whole.source,
        "label": whole.label,
        "score": whole.score,
        "threshold": whole.threshold,
        "reason": whole.reason,
        "frames": course.frames,
        "dropped": course.dropped,
        "seconds": course.seconds,
        "frames_per_second": course.frames / seconds if seconds > 0 else None,
        "faces": [
            {
                "track": total.number,
                "label": verdict.label,
                "score": verdict.score,
                "threshold": verdict.threshold,
                "reason": verdict.reason,
                "begin": total.begin,
                "end": total.end,
                "looks": total.looks,
                "judged": total.judged,
            }
            for total in course.totals()
            for verdict in [total.verdict(whole.source)]
        ],
    }
    values |= {"colour": course.colour} if course.colour else {}
    values |= {} if whole.sealed else {"sealed": False}
    return values | {"error": error} if error else values


def event_text(step: Step, event: Event) -> Text:
    """Return the line for people."""
    face = event.face
    time = "–" if step.frame.time is None else f"{step.frame.time:.2f} s"
    line = Text(f"{time:>9}  face {face.track.number}  ")
    if event.name == "ended":
        return line.append("left", style="dim")
    line.append(face.label, style=COLOURS[face.label])
    if face.evidence.score is not None:
        line.append(f"  {face.evidence.score:.4f}")
    return line.append(f"  {face.reason}" if face.reason else "", style="dim")


def summary_table(course: Course, whole: Verdict) -> Table:
    """Return a row for the whole and, below it, one for each face that counts."""
    columns = ("source", "verdict", "score", "threshold", "from", "to", "looks", "reason")
    table = new_table(*columns, numbers=("score", "threshold", "from", "to", "looks"))
    end = f"{course.seconds:.2f} s"
    table.add_row(Text(whole.source), *_judgement(whole), "0.00 s", end, "", Text(whole.reason))
    for total in course.totals():
        verdict = total.verdict(whole.source)
        table.add_row(
            Text(f"  face {total.number}", style="dim"),
            *_judgement(verdict),
            f"{total.begin:.2f} s",
            f"{total.end:.2f} s",
            str(total.looks),
            Text(verdict.reason),
        )
    return table


def _plain(face: "Followed") -> dict[str, Any]:
    return {
        "track": face.track.number,
        "label": face.label,
        "score": face.evidence.score,
        "threshold": face.evidence.threshold,
        "reason": face.reason,
        "box": face.track.face.box,
    }


def _look(verdict: Verdict) -> dict[str, Any]:
    return {
        "label": verdict.label,
        "score": verdict.score,
        "reason": verdict.reason,
        "quality": verdict.quality,
    }


def _judgement(verdict: Verdict) -> tuple[Text, str, str]:
    label = Text(verdict.label, style=COLOURS[verdict.label])
    return label, _number(verdict.score), _number(verdict.threshold)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
