"""`despoof bench`: systems against a truth that only a simulator has."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from despoof.cli import bench_bridge, bench_solvers, bench_student
from despoof.cli.options import (
    LIVE,
    UNDECIDED,
    DebugOption,
    DeviceOption,
    JsonOption,
    VersionOption,
)
from despoof.cli.output import complain, console, new_table, print_json, progress, strict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from despoof.evaluation.despoofbench.faces import BenchFace
    from despoof.evaluation.despoofbench.pairs import BenchPair

    _Set = tuple[Iterator[BenchPair], int, list[tuple[Path, str]]]

EXAMPLE = "Example: despoof bench noise --weights face-despoofing --count 20 -o bench"
PEOPLE = 24

app = typer.Typer(help="Measure against a known truth.", no_args_is_help=True, epilog=EXAMPLE)
app.command("solvers", epilog=bench_solvers.EXAMPLE)(bench_solvers.solvers)
app.command("bridge", epilog=bench_bridge.EXAMPLE)(bench_bridge.bridge)
app.command("student", epilog=bench_student.EXAMPLE)(bench_student.student)


@app.command("noise", epilog=EXAMPLE)
def noise(
    *,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            "--weights", metavar="NAME|DIR", help="A row; may be repeated. Default: all shipped."
        ),
    ] = None,
    faces: Annotated[
        Path | None,
        typer.Option(
            "--faces", metavar="DIR", help="Genuine faces; a subfolder is a person. Default: LFW."
        ),
    ] = None,
    count: Annotated[int, typer.Option(min=2, metavar="N", help="How many faces.")] = PEOPLE,
    species: Annotated[
        list[str] | None,
        typer.Option("--species", metavar="NAME", help="Species or family; may be repeated."),
    ] = None,
    real: Annotated[
        bool,
        typer.Option("--real", help="CelebA-Spoof's real pairs (dev people) instead of simulated."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the people and the recaptures.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Write despoofbench.json and despoofbench.md."
        ),
    ] = None,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Compare the noise that systems find with the noise that the recapture simulator put there.

    Genuine faces × species, beside denoisers that know nothing of spoofing. The same options give
    the same pictures on every machine.
    Exit code: 0 measured · 2 measured, but some pictures had no face · 64 wrong usage.
    """
    if real and (faces or species):
        raise typer.BadParameter("--real has faces and media of its own: no --faces, no --species.")
    from despoof.evaluation.despoofbench import methods, report, run
    from despoof.weights.registry import records

    rows = methods.all_methods(weights or list(records()), device)
    pairs, total, skipped = _real() if real else _simulated(faces, count, species or [], seed)
    with progress(total, not (json and sys.stdout.isatty())) as show:
        results = run.measure(pairs, rows, show)
    table = report.table_rows(rows, results, seed=seed)
    if output is not None:
        report.write_table(output, strict(table))
    if json:
        print_json(table | {"skipped": [str(path) for path, _ in skipped]})
    else:
        _print(table)
        for path, reason in skipped[:3]:
            complain(f"{path}: {reason}")
    return UNDECIDED if skipped else LIVE


def _simulated(folder: Path | None, count: int, species: list[str], seed: int) -> "_Set":
    from despoof.data.simulated import chosen_species
    from despoof.evaluation.despoofbench.pairs import make_pairs

    kinds = chosen_species(species)
    people, skipped = _faces(folder, count, seed)
    return make_pairs(people, kinds, seed), len(people) * len(kinds), skipped


def _real() -> "_Set":
    from despoof.data.real_pairs import real_pairs
    from despoof.data.samples import find_data_root
    from despoof.evaluation.despoofbench.real import real_bench_pairs

    root = find_data_root()
    known = [pair for pair in real_pairs(root) if pair.split == "dev"]
    return real_bench_pairs(root, known), len(known), []


def _faces(
    folder: Path | None, count: int, seed: int
) -> "tuple[list[BenchFace], list[tuple[Path, str]]]":
    from despoof.evaluation.despoofbench import faces

    if folder is None:
        from despoof.data.samples import find_data_root

        return faces.lfw_faces(find_data_root(), count, seed), []
    from despoof.face.detect import CenterFace

    return faces.folder_faces(folder, CenterFace(), count, seed)


def _print(table: dict[str, Any]) -> None:
    from despoof.evaluation.despoofbench.report import COLUMNS, cell, number

    heads = ["row", *(head for head, _ in COLUMNS.values()), "AUC by noise", "by score", "ms"]
    shown = new_table(*heads, numbers=heads[1:])
    digits_of = [(name, digits) for name, (_, digits) in COLUMNS.items()]
    for row in table["rows"]:
        whole = row["overall"]
        shown.add_row(
            Text(row["title"]),
            *(cell(whole[name], digits).replace(" [", "\n[") for name, digits in digits_of),
            number(whole["auc_noise"]),
            number(whole["auc_score"]),
            f"{row['ms']:.1f}",
        )
    out = console()
    out.print(shown)
    out.print(
        f"{table['n_pairs']} pairs of {table['n_people']} people; medians (live residual: mean) "
        "[95 % over people].",
        markup=False,
    )
