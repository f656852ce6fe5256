"""`despoof bench solvers`: ways of integrating a bridge against a bridge that is known exactly."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from despoof.cli.options import DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, new_table, print_json, progress

if TYPE_CHECKING:
    from despoof.diffusion.solver_table import SolverRow

EXAMPLE = "Example: despoof bench solvers --solver o-belm --solver ddim --steps 10 --steps 50"


def solvers(
    *,
    solver: Annotated[
        list[str] | None,
        typer.Option("--solver", metavar="NAME", help="May be repeated. Default: all."),
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option("--grid", metavar="NAME", help="Time grid; may be repeated. Default: all."),
    ] = None,
    steps: Annotated[
        list[int] | None,
        typer.Option("--steps", min=1, metavar="N", help="Each way; may be repeated."),
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Judge solver × grid × steps on Gaussian pictures, whose exact bridge is a formula.

    No weights, no pictures: the same figures on every machine. NFE counts evaluations of both
    fields together. The whole table takes about half a minute.
    """
    from despoof.diffusion import solver_table
    from despoof.diffusion.solver_toy import toy_bridge

    configs = solver_table.planned(solver, grid, steps)
    rows: list[SolverRow] = []
    toy = toy_bridge()
    with progress(len(configs), not (json and sys.stdout.isatty())) as show:
        for row in solver_table.solver_rows(toy, configs):
            show(f"{row.method}, {row.grid}, {row.steps}")
            rows.append(row)
    if not (solver or grid or steps):
        rows += solver_table.level_rows(toy)
    sentence = solver_table.paper_sentence(rows)
    if json:
        print_json({"rows": [asdict(row) for row in rows], "paper": sentence})
    else:
        _print(rows, sentence)


def _print(rows: "list[SolverRow]", sentence: str | None) -> None:
    heads = ("solver", "grid", "steps", "NFE", "rel. error", "correlation", "latent error")
    table = new_table(*heads, numbers=heads[2:])
    for row in rows:
        latent = "–" if row.latent_error is None else f"{row.latent_error:.3f}"
        figures = (f"{row.error:.4f}", f"{row.correlation:.4f}", latent)
        table.add_row(Text(row.method), Text(row.grid), str(row.steps), str(row.nfe), *figures)
    out = console()
    out.print(table)
    if sentence:
        out.print(Text(sentence))
