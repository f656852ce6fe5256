"""`despoof score`: a manifest or two folders in, a score file out."""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from despoof.cli.clips import (
    AttackOption,
    CroppedOption,
    DetectOption,
    LiveOption,
    ManifestArgument,
    SplitOption,
    read_clips,
)
from despoof.cli.options import (
    LIVE,
    UNDECIDED,
    DebugOption,
    DeviceOption,
    JsonOption,
    VersionOption,
    WeightsOption,
)
from despoof.cli.output import Show, console, print_json, progress
from despoof.core.defaults import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from despoof.evaluation.bulk import BulkResult

EXAMPLE = "Example: despoof score --live selfies --attack prints -o scores.csv"


def score(
    *,
    manifest: ManifestArgument = None,
    live: LiveOption = None,
    attack: AttackOption = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The score file (CSV).")
    ] = Path("scores.csv"),
    split: SplitOption = None,
    weights: WeightsOption = DEFAULT_WEIGHTS,
    cropped: CroppedOption = False,
    detect: DetectOption = False,
    frames: Annotated[int, typer.Option(min=1, help="Frames of a video to look at.")] = 8,
    resume: Annotated[
        bool,
        typer.Option("--resume/--fresh", help="Go on where a stopped run stands, or start over."),
    ] = True,
    device: DeviceOption = "cpu",
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Score every clip of a manifest: its worst frames, each its worst face.

    The same command goes on after a stop. FILE.errors.csv lists what could not be scored.
    Exit code: 0 done · 2 some not scored (unreadable, no face) · 64 wrong usage.
    """
    if cropped and detect:
        raise typer.BadParameter("--cropped and --detect: a face crop needs no detection.")
    clips = read_clips(manifest, live, attack, split)
    import despoof
    from despoof.evaluation.bulk import score_manifest
    from despoof.evaluation.clip_scoring import BulkSettings

    detector = despoof.load(weights, device=device)
    settings = BulkSettings(frames=frames, cropped=cropped, detect=detect)
    started = time.monotonic()
    with ExitStack() as stack:
        bar = _Rate(stack, wanted=not (json and sys.stdout.isatty()))
        result = score_manifest(
            detector, clips, output, settings, resume=resume, begin=bar.begin, show=bar.show
        )
    _report(result, time.monotonic() - started, json)
    return UNDECIDED if result.failed else LIVE


class _Rate:
    """A progress bar that says how many clips a second it does."""

    def __init__(
        self, stack: ExitStack, wanted: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.stack, self.wanted, self.clock = stack, wanted, clock
        self.bar: Show | None = None
        self.count = 0
        self.start = 0.0

    def begin(self, total: int) -> None:
        self.bar = self.stack.enter_context(progress(total, self.wanted))
        self.start = self.clock()

    def show(self, name: str) -> None:
        taken = self.clock() - self.start
        rate = f"{self.count / taken:.1f}/s " if self.count and taken > 0 else ""
        self.count += 1
        if self.bar is not None:
            self.bar(rate + name)


def _report(result: "BulkResult", seconds: float, json: bool) -> None:
    failed, undecided = result.failed, result.undecided
    new = len(result.clips) - result.resumed
    if json:
        kinds = [clip.label for clip, _ in failed]
        print_json(
            {
                "output": str(result.output),
                "errors": str(result.errors) if result.errors else None,
                "n": len(result.clips),
                "n_live": sum(clip.live for clip in result.clips),
                "n_attack": sum(not clip.live for clip in result.clips),
                "n_scored": len(result.rows),
                "n_failed": len(failed),
                "n_failed_live": kinds.count("live"),
                "n_failed_attack": kinds.count("attack"),
                "n_undecided": len(undecided),
                "n_resumed": result.resumed,
                "seconds": round(seconds, 3),
                "per_second": round(new / seconds, 3) if new and seconds > 0 else None,
            }
        )
        return
    out = console()
    speed = f" ({new / seconds:.1f}/s)" if new and seconds > 0 else ""
    text = f"{result.output}: {len(result.rows)} scored, {len(failed)} failed{speed}."
    if result.resumed:
        text += f" {result.resumed} were done before the stop."
    out.print(text, markup=False)
    if undecided:
        text = f"{len(undecided)} of the scored would be undecided in despoof check."
        out.print(text, markup=False)
    for clip, outcome in failed[:3]:
        out.print(f"  {clip.name}: {outcome.reason}", markup=False)
    if result.errors:
        out.print(f"All reasons: {result.errors}", markup=False)
