"""`despoof data cut`: from the clips of a divided manifest to what `despoof train` reads."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from despoof.cli.options import LIVE, UNDECIDED, DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, new_table, print_json, progress

if TYPE_CHECKING:
    from despoof.data.training_tables import Written

EXAMPLE = "Example: despoof data cut oulu-p1.parquet -o oulu-p1 --frames 4"
SHOWN = 1000  # clips without a face that --json lists


def cut(
    manifests: Annotated[
        list[Path], typer.Argument(metavar="MANIFEST…", help="Divided tables, see data protocol.")
    ],
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="What data.root is to name.")
    ],
    frames: Annotated[int, typer.Option(min=1, metavar="N", help="Of a video.")] = 8,
    rule: Annotated[
        Literal["uniform", "ssdg"],
        typer.Option(help="ssdg: SSDG's and AG-FAS's frames, 1 or 2 of a video."),
    ] = "uniform",
    boxes: Annotated[
        Literal["files", "detector", "whole"],
        typer.Option(
            help="files: the manifest's and the dataset's own, else the detector; whole: pictures "
            "are face crops."
        ),
    ] = "files",
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Take frames with a face out of clips, as tables that despoof train reads.

    FOLDER gets a table, pictures (PNG) and reliefs for each dataset of the manifests. An experiment
    names them by data.root=FOLDER and sources: [{dataset: oulu-npu, label: live, weight: 1}, …].
    Detections are kept in FOLDER/.detections: the command goes on quickly where it was stopped.
    Exit code: 0 done · 2 in some clips no face was found · 64 wrong usage.
    """
    from despoof.data.cutting import CutConfig, Cutter
    from despoof.data.protocols.tables import read_manifests
    from despoof.data.training_tables import write_training_tables
    from despoof.face.crop import CropConfig
    from despoof.face.depth import LandmarkDepth

    clips = read_manifests(manifests)
    # The crop plays no part: pictures are kept as they are, with room around the face.
    crop = CropConfig(size=128, scale=1.6)
    values = {"frames": frames, "rule": rule, "boxes": boxes, "crop": crop.plain()}
    config = CutConfig.parse(values, "--frames, --rule")
    cutter = Cutter(config, output / ".detections")
    with progress(len(clips), wanted=not (json and sys.stdout.isatty())) as show:
        written = write_training_tables(clips, output, cutter, LandmarkDepth(), show)
    if json:
        print_json([_plain(one) for one in written])
    else:
        _print(written)
    return UNDECIDED if any(one.without_face for one in written) else LIVE


def _plain(one: "Written") -> dict[str, object]:
    return {
        "table": str(one.table),
        "pictures": {f"{split} {label}": n for (split, label), n in sorted(one.pictures.items())},
        "n_without_face": len(one.without_face),
        "without_face": one.without_face[:SHOWN],
    }


def _print(written: "list[Written]") -> None:
    table = new_table("table", "split", "live", "attack", numbers=("live", "attack"))
    for one in written:
        for split in sorted({split for split, _ in one.pictures}):
            counts = (str(one.pictures[split, label]) for label in ("live", "attack"))
            table.add_row(str(one.table), split, *counts)
    out = console()
    out.print(table)
    for one in written:
        if one.without_face:
            names = ", ".join(one.without_face[:3])
            text = f"{one.table.stem}: no face in {len(one.without_face)} clips, {names} first."
            out.print(text, style="bold yellow", markup=False)
