"""What the commands write: JSON lines and tables to stdout, everything else to stderr."""

import json
import math
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, cast

from rich.console import Console
from rich.table import Table

_PIPE_WIDTH = 160
COLOURS = {"live": "green", "spoof": "bold red", "undecided": "yellow"}


def console() -> Console:
    """Return a console on today's stdout; wide where nobody looks, so that lines stay whole."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False)


def complain(message: str) -> None:
    """Write one line to stderr; line breaks in the message become spaces."""
    print(f"despoof: {' '.join(message.split())}", file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Write one strict JSON object on a line of stdout, at once."""
    text = json.dumps(strict(value), ensure_ascii=False, allow_nan=False)
    # A file name that is not UTF-8 holds lone surrogates; \udcXX is how JSON escapes them.
    print(text.encode("utf-8", "backslashreplace").decode(), flush=True)


def strict(value: object) -> object:
    """Return plain values with every number that JSON cannot hold made null.

    >>> strict({"score": float("nan"), "box": (1.5, 2)})
    {'score': None, 'box': [1.5, 2]}
    """
    if isinstance(value, dict):
        return {str(k): strict(v) for k, v in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in cast("Sequence[Any]", value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def new_table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    """Return an empty table; the columns in `numbers` are aligned to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        side = "right" if column in numbers else "left"
        table.add_column(column, justify=side, overflow="fold")
    return table


class Show(Protocol):
    """Names the item that work begins on."""

    def __call__(self, name: str) -> None:
        """Tell that the item before is done and this one begins."""
        ...


@contextmanager
def progress(total: int, wanted: bool) -> Generator[Show]:
    """Show a bar on stderr while a long job runs, if it is wanted and stderr is a terminal."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda name: None
        return
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    place = Console(file=sys.stderr)
    # stdout is data: it must not be sent through the bar's console.
    with Progress(
        *columns, console=place, transient=True, redirect_stdout=False, redirect_stderr=True
    ) as bar:
        task = bar.add_task("", total=total)
        done = -1

        def show(name: str) -> None:
            nonlocal done
            done += 1
            bar.update(task, completed=done, description=escape(name))

        yield show
