"""`despoof export`: the whole scorer as a file that needs no torch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.text import Text

from despoof.cli.options import DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, new_table, print_json, progress

if TYPE_CHECKING:
    from despoof.export.record import ExportRecord

EXAMPLE = "Example: despoof export face-despoofing --format onnx --precision int8 -o exported"
STEPS = 4  # faces, torch's scores, the file, the file's scores


def export(
    *,
    weights: Annotated[
        str, typer.Argument(metavar="NAME|DIR", help="See despoof models; or a run's weights/.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="A new folder.")],
    format: Annotated[  # the option's name
        Literal["onnx", "openvino"], typer.Option("--format", help="What shall run it.")
    ] = "onnx",
    precision: Annotated[
        Literal["fp32", "fp16", "bf16", "int8"], typer.Option(help="Of the network.")
    ] = "fp32",
    takes: Annotated[
        Literal["uint8", "float32"],
        typer.Option("--input", help="(B, S, S, 3) pixels, or (B, 3, S, S) in [-1, 1]."),
    ] = "uint8",
    images: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Pictures or folders to compare and calibrate with."),
    ] = None,
    cropped: Annotated[
        bool, typer.Option("--cropped", help="Those pictures already are face crops.")
    ] = False,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Write the whole scorer (normalisation, network, score) as ONNX or OpenVINO.

    The file is compared with torch on 200 faces or more: those of --images, else faces drawn from
    one portrait. If it does not say the same, nothing is written (exit code 2).
    """
    from despoof.export.write import Asked, check_output
    from despoof.export.write import export as write
    from despoof.weights.registry import resolve

    check_output(output)
    folder = resolve(weights)
    asked = Asked(format, precision, takes)
    told = f"{len(images)} --images" if images else "drawn from a portrait"
    with progress(STEPS, wanted=not json) as show:
        show("faces")
        record = write(
            folder,
            output,
            asked,
            lambda record: _faces(record, images, cropped),
            told,
            say=show,
        )
    sizes = {name: (output / name).stat().st_size for name in record.files}
    if json:
        print_json({"folder": str(output), "bytes": sizes} | record.plain())
    else:
        _print(record, output, sizes)


def _faces(record: "ExportRecord", images: list[str] | None, cropped: bool) -> list[Any]:
    from despoof.export.faces import divide, drawn_faces, faces_in
    from despoof.face.detect import CenterFace

    calibrate = record.precision == "int8"
    if not images:
        drawn = [drawn_faces(256, record.crop)]
        return [*drawn, drawn_faces(96, record.crop, seed=1)] if calibrate else drawn
    from despoof.cli.inputs import expand

    paths = [item.source for item in expand(images, None)]
    return divide(faces_in(paths, record.crop, CenterFace(), cropped=cropped), calibrate)


def _print(record: "ExportRecord", folder: Path, sizes: dict[str, int]) -> None:
    out, parity = console(), record.parity
    assert parity is not None  # the gate has run
    total = sum(sizes.values()) / 1e6
    head = f"{record.name} as {record.format} {record.precision}, {total:.2f} MB: {folder}"
    out.print(Text(head, style="bold"))
    table = new_table("against torch", "found", "allowed", numbers=("found", "allowed"))
    table.add_row(
        "greatest |Δscore|", f"{parity.max_difference:.3g}", f"≤ {parity.max_allowed:.3g}"
    )
    table.add_row("mean |Δscore|", f"{parity.mean_difference:.3g}", "")
    table.add_row(
        "equal verdicts", f"{100 * parity.agreement:.1f} %", f"≥ {100 * parity.min_agreement:.1f} %"
    )
    table.add_row("only the file says live", str(parity.to_live), "")
    table.add_row("only torch says live", str(parity.to_spoof), "")
    out.print(table)
    where = "threshold" if record.threshold is not None else "torch's median, no threshold chosen"
    out.print(
        f"{parity.count} faces, {parity.faces}; verdicts at {parity.compared_at:.4g} ({where}); "
        f"scores spread over {parity.spread:.3g}."
    )
