"""Options that several commands share, and the exit codes."""

from typing import Annotated

import typer

from despoof._version import __version__

LIVE, SPOOF, UNDECIDED, USAGE, INTERRUPTED = 0, 1, 2, 64, 130
"""Exit codes: all live (or done) · a spoof · undecided, unreadable or failed · usage · Ctrl-C."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"despoof {__version__}")
        raise typer.Exit


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="On an error, show the traceback.")]
"""`main` looks for it in the arguments; commands only declare it."""
VersionOption = Annotated[
    bool,
    typer.Option(
        "--version", help="Print the version and stop.", callback=_show_version, is_eager=True
    ),
]
WeightsOption = Annotated[
    str,
    typer.Option("--weights", metavar="NAME|DIR", help="See despoof models; or a run's weights/."),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
