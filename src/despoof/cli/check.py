"""`despoof check`: live or spoof, and why."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from despoof.cli.evidence import EvidenceFolder
from despoof.cli.inputs import Item, expand
from despoof.cli.judging import Answer, answer, exit_code
from despoof.cli.options import (
    LIVE,
    UNDECIDED,
    DebugOption,
    DeviceOption,
    JsonOption,
    VersionOption,
    WeightsOption,
)
from despoof.cli.output import complain, console, print_json, progress
from despoof.cli.table import verdict_table

if TYPE_CHECKING:
    from despoof.detector import Detector

EXAMPLE = "Example: despoof check selfie.jpg photos/ clip.mp4 --explain evidence"


def check(
    *,
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH…", help="Pictures, videos, folders; - is standard input."),
    ] = None,
    explain: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a picture of the evidence for each face."),
    ] = None,
    weights: WeightsOption = "face-despoofing",
    threshold: Annotated[
        float | None, typer.Option(help="Live iff score > this; default: the weights' own.")
    ] = None,
    cropped: Annotated[
        bool, typer.Option("--cropped", help="The pictures are face crops, about 1.2 × the face.")
    ] = False,
    frames: Annotated[int, typer.Option(min=1, help="Frames of a video to look at.")] = 8,
    camera: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Check camera N; 0 is the first.")
    ] = None,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Check faces in pictures, videos, folders, standard input or a camera.

    Exit code: 0 all live · 1 a spoof · 2 something undecided or unreadable · 64 wrong usage.
    """
    if not paths and camera is None:
        raise typer.BadParameter("nothing to check; give a PATH, - or --camera N.")
    if list(paths or ()).count("-") > 1:
        raise typer.BadParameter("- can be given once: standard input is read to its end.")
    items = expand(paths or [], camera)
    import despoof

    detector = despoof.load(weights, threshold=threshold, device=device)
    folder = EvidenceFolder(explain) if explain else None
    answers = _answers(detector, items, frames=frames, cropped=cropped, json=json, folder=folder)
    if not json:
        console().print(verdict_table(answers))
        if folder and folder.written:
            console().print(
                f"Evidence of {len(folder.written)} faces: {folder.folder}", markup=False
            )
    code = exit_code(answers)
    return UNDECIDED if code == LIVE and folder and folder.failed else code


def _answers(
    detector: "Detector",
    items: list[Item],
    *,
    frames: int,
    cropped: bool,
    json: bool,
    folder: EvidenceFolder | None,
) -> list[Answer]:
    answers: list[Answer] = []
    with progress(len(items), wanted=_bar_wanted(items, json)) as show:
        for item in items:
            show(item.source)
            one = answer(
                detector, item, frames=frames, cropped=cropped, evidence=folder is not None
            )
            if json:
                print_json(one.plain())
            elif one.error:
                complain(one.error)
            if folder:
                folder.write(item.source, one.parts)
            # What was drawn is let go, so that a large folder does not fill the memory.
            answers.append(one.without_parts())
    return answers


def _bar_wanted(items: list[Item], json: bool) -> bool:
    """Whether the work is long, and the bar would not run through JSON on the same terminal."""
    from despoof.media.files import is_video

    if json and sys.stdout.isatty():
        return False
    return len(items) > 1 or any(
        item.camera is not None or (item.source != "-" and is_video(item.source)) for item in items
    )
