"""`despoof data protocol`: divide a manifest among train, dev and test."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from despoof.cli.options import LIVE, DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, new_table, print_json

if TYPE_CHECKING:
    from despoof.data.datasets.contract import Division, Protocol

EXAMPLE = "Example: despoof data protocol oulu.parquet p1 -o oulu-p1.parquet"


def protocol(
    manifests: Annotated[
        list[Path], typer.Argument(metavar="MANIFEST… NAME", help="Tables, then the protocol.")
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write the divided manifest there."),
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Divide clips by a protocol, and count live and attack in train, dev and test.

    Several manifests are taken together, as cross-dataset protocols need. The written manifest has
    the division in its column split, so that despoof score FILE --split dev works.
    Exit code: 0 done · 2 the clips cannot be divided so · 64 wrong usage.
    """
    *tables, last = manifests
    if not tables:
        raise typer.BadParameter("give a MANIFEST and the NAME of a protocol.")
    from despoof.data.manifest_writer import check_output, write_manifest
    from despoof.data.protocols.choose import protocol_named
    from despoof.data.protocols.tables import divided, read_manifests

    if output is not None:
        check_output(output)
    clips = read_manifests(tables)
    chosen = protocol_named(clips, str(last))
    division = chosen.divide(clips)
    if output is not None:
        write_manifest(output, divided(division))
    if json:
        print_json(division.counts())
    else:
        _print(chosen, division, len(clips))
    return LIVE


def _print(chosen: "Protocol", division: "Division", total: int) -> None:
    table = new_table("split", "live", "attack", "people", numbers=("live", "attack", "people"))
    parts = {"train": division.train, "dev": division.dev, "test": division.test}
    for name, count in division.counts().items():
        people = {clip.group for clip in parts[name] if clip.subject}
        table.add_row(name, str(count["live"]), str(count["attack"]), str(len(people) or "–"))
    out = console()
    out.print(table)
    used = sum(map(len, parts.values()))
    out.print(f"{chosen.name}: {used} of {total} clips. {chosen.source}".strip(), markup=False)
    for note in division.notes:
        out.print(f"Note: {note}", markup=False)
