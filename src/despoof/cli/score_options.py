"""How `evaluate` and `calibrate` are told what a score file's columns mean."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from despoof.evaluation.score_formats import ScoreTable

ColumnsOption = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="OURS=THEIRS,…",
        help="Names in any CSV, e.g. score=p_live,label=truth,live=1,attack=0.",
    ),
]
HigherIsOption = Annotated[
    str, typer.Option("--higher-is", metavar="live|attack", help="What a higher score means.")
]


def read(path: Path, columns: str | None, higher_is: str) -> "ScoreTable":
    """Read a score file as the options say."""
    from despoof.evaluation.score_formats import parse_columns, read_table

    if higher_is not in ("live", "attack"):
        raise typer.BadParameter(f"--higher-is {higher_is!r}: expected live or attack.")
    names = parse_columns(columns) if columns is not None else None
    return read_table(path, names, higher_is_attack=higher_is == "attack")
