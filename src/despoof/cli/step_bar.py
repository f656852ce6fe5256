"""Two bars for a system with a bridge: the pictures, and the solver's steps on this one."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from despoof.cli.output import Show

Steps = Callable[[int, int], None]
"""(steps done, steps in all) -> nothing."""


@contextmanager
def step_bars(total: int) -> Generator[tuple[Show, Steps]]:
    """Give what names the item that work begins on, and what moves its steps.

    On stderr; the caller asks whether that is a terminal. The bars vanish at the end.

    Args:
        total: how many items there are; of one alone only the steps are shown.
    """
    columns = (
        TextColumn("{task.fields[kind]}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        # A long path would leave no room for the bar.
        TextColumn("{task.description}", table_column=Column(max_width=24, overflow="ellipsis")),
    )
    place = Console(file=sys.stderr)
    # stdout is data: it must not be sent through the bar's console.
    with Progress(
        *columns, console=place, transient=True, redirect_stdout=False, redirect_stderr=True
    ) as bar:
        items = bar.add_task("", total=total, kind="pictures", visible=total > 1)
        steps = bar.add_task("", total=None, kind="steps")
        begun = 0

        def show(name: str) -> None:
            nonlocal begun
            bar.update(items, completed=begun)
            bar.reset(steps, total=None, description=escape(Path(name).name))
            begun += 1

        def move(done: int, of: int) -> None:
            if done == 0:  # a bridge begins: its speed is not that of the one before
                bar.reset(steps, total=of)
            bar.update(steps, completed=done, total=of, refresh=True)

        yield show, move
