"""`despoof data index`: a dataset's folder becomes a manifest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from despoof.cli.options import LIVE, UNDECIDED, DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, new_table, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from despoof.data.datasets.contract import Index, Problem

EXAMPLE = "Example: despoof data index oulu-npu /data/OULU -o oulu.parquet"


def index(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="See despoof data list.")],
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="The folder that holds it.")],
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Manifest: .csv or .parquet.")
    ],
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """List a dataset's clips in a manifest, and say what is missing or misnamed.

    Your own pictures: dataset `folders`. The manifest is written even where there are problems.
    Exit code: 0 done · 2 done with problems, or not this dataset · 64 wrong usage.
    """
    from despoof.core.errors import DataError, InputError
    from despoof.data.datasets.registry import dataset_named
    from despoof.data.manifest_writer import check_output, write_manifest

    check_output(output)
    try:
        chosen = dataset_named(dataset)
    except DataError as error:
        raise InputError(str(error)) from error
    found = chosen.index(root)
    write_manifest(output, found.clips)
    if json:
        print_json(_plain(found, output))
    else:
        _print(found, output)
    return UNDECIDED if found.problems else LIVE


def _counts(found: "Index") -> dict[str, dict[str, int]]:
    splits = sorted({clip.split for clip in found.clips}, key="train dev test".find)
    return {
        split: {
            label: sum(clip.label == label and clip.split == split for clip in found.clips)
            for label in ("live", "attack")
        }
        for split in splits
    }


def _plain(found: "Index", output: Path) -> dict[str, object]:
    return {
        "output": str(output),
        "n": len(found.clips),
        "splits": _counts(found),
        "problems": [vars(problem) for problem in found.problems],
    }


def _print(found: "Index", output: Path) -> None:
    table = new_table("split", "live", "attack", numbers=("live", "attack"))
    for split, count in _counts(found).items():
        table.add_row(split or "(none)", str(count["live"]), str(count["attack"]))
    out = console()
    out.print(table)
    out.print(f"{output}: {len(found.clips)} clips.", markup=False)
    print_problems(found.problems)


def print_problems(problems: "Sequence[Problem]") -> None:
    """Print each problem by count, example and advice."""
    for one in problems:
        example = f", e.g. {one.example}" if one.example else ""
        line = f"{one.count} {one.what}{example}. {one.advice}"
        console().print(Text(f"problem: {line}", "yellow"))
