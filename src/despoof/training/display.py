"""The progress bar of a stage: rate, time left, latest loss and metric."""

import contextlib
from collections.abc import Callable, Generator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

Show = Callable[[int, str], None]
"""(steps done, a note or "" to leave the last one) -> nothing."""


class RateColumn(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        """Return the rate, or dashes before there is one."""
        return Text(f"{task.speed:.2f} steps/s" if task.speed else "-- steps/s")


@contextlib.contextmanager
def progress_bar(
    name: str, steps: int, done: int, shown: bool, console: Console | None = None
) -> Generator[Show, None, None]:
    """Give a function that moves the bar; it does nothing unless `shown` on a terminal."""
    console = console or Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
        disable=not (shown and console.is_terminal),
    )
    with bar:
        task = bar.add_task(name, total=steps, completed=done, note="")

        def show(step: int, note: str) -> None:
            if note:
                bar.update(task, completed=step, note=note)
            else:
                bar.update(task, completed=step)

        yield show
