"""Answers as a table for people."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from despoof.cli.judging import Answer
from despoof.cli.output import COLOURS, new_table
from despoof.core.types import Verdict


def verdict_table(answers: Sequence[Answer], truth: Mapping[str, str] | None = None) -> Table:
    """Return one row for each source and, where it has several faces, one below it for each.

    Args:
        answers: in the order of the rows.
        truth: source → what it really is, as a column of its own.
    """
    columns = ["source", "is", "verdict", "score", "threshold", "faces", "reason"]
    if truth is None:
        columns.remove("is")
    table = new_table(*columns, numbers=("score", "threshold", "faces"))
    for one in answers:
        actual = [Text(truth.get(one.verdict.source, ""))] if truth is not None else []
        whole = one.verdict
        table.add_row(
            Text(whole.source),
            *actual,
            *_judgement(whole),
            str(len(one.found)),
            Text(whole.reason),
        )
        if len(one.faces) > 1:
            blank = [""] if truth is not None else []
            for face in one.faces:
                name = Text(f"  {_place(face)}", style="dim")
                table.add_row(name, *blank, *_judgement(face), "", Text(face.reason))
    return table


def _judgement(verdict: Verdict) -> tuple[Text, str, str]:
    label = Text(verdict.label, style=COLOURS[verdict.label])
    return label, _number(verdict.score), _number(verdict.threshold)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _place(face: Verdict) -> str:
    time = "" if face.time is None else f"{face.time:.2f} s"
    if face.box is None:
        return f"{time} no face".strip()
    x1, y1, x2, y2 = (round(value) for value in face.box)
    return f"{time} face {x2 - x1}×{y2 - y1} at {x1},{y1}".strip()
