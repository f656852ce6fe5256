"""`despoof check`: live or spoof, and why."""

import sys
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from despoof.cli.bridge_facts import bridge_facts
from despoof.cli.evidence import EvidenceFolder
from despoof.cli.inputs import Item, expand, read_files
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
from despoof.cli.output import Show, complain, console, print_json, progress
from despoof.cli.step_bar import step_bars
from despoof.cli.table import verdict_table
from despoof.core.defaults import DEFAULT_WEIGHTS

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
    weights: WeightsOption = DEFAULT_WEIGHTS,
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
    solver: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of a bridge: ddim, heun, dpm-solver, inverse-ddim or o-belm. Default: its own.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Of a bridge, each way.")
    ] = None,
    autocast: Annotated[
        bool | None,
        typer.Option("--autocast/--no-autocast", help="Run a bridge's networks in bf16, or not."),
    ] = None,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Check faces in pictures, videos, folders, standard input or a camera.

    --solver, --steps and --autocast are for systems with a bridge (despoofing-diffusion). A
    recorded threshold holds for the recorded way alone: with another, give --threshold.

    Exit code: 0 all live · 1 a spoof · 2 something undecided or unreadable · 64 wrong usage.
    """
    if not paths and camera is None:
        raise typer.BadParameter("nothing to check; give a PATH, - or --camera N.")
    if list(paths or ()).count("-") > 1:
        raise typer.BadParameter("- can be given once: standard input is read to its end.")
    items = expand(paths or [], camera)
    import despoof

    detector = despoof.load(
        weights,
        threshold=threshold,
        device=device,
        solver=solver,
        steps=steps,
        autocast=autocast,
    )
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
    with ExitStack() as stack:
        show, judge = stack.enter_context(_bars(detector, items, json))
        ready = stack.enter_context(closing(read_files(items, frames)))
        for item in items:
            show(item.source)
            one = answer(
                judge, next(ready), frames=frames, cropped=cropped, evidence=folder is not None
            )
            pictures = folder.write(item.source, one.parts) if folder else []
            if json:
                bridge = bridge_facts(detector, one.parts if folder else None, pictures)
                print_json(one.plain() | ({"bridge": bridge} if bridge else {}))
            elif one.error:
                complain(one.error)
            # What was drawn is let go, so that a large folder does not fill the memory.
            answers.append(one.without_parts())
    return answers


@contextmanager
def _bars(
    detector: "Detector", items: list[Item], json: bool
) -> "Generator[tuple[Show, Detector]]":
    """Give what names the item at hand, and the detector that tells its steps where seen."""
    if detector.bridge is not None and not json and sys.stderr.isatty():
        with step_bars(len(items)) as (show, move):
            yield show, replace(detector, progress=move)
    else:
        with progress(len(items), wanted=_bar_wanted(items, json)) as show:
            yield show, detector


def _bar_wanted(items: list[Item], json: bool) -> bool:
    """Whether the work is long, and the bar would not run through JSON on the same terminal."""
    from despoof.media.files import is_video

    if json and sys.stdout.isatty():
        return False
    return len(items) > 1 or any(
        item.camera is not None or (item.source != "-" and is_video(item.source)) for item in items
    )
