"""`despoof data audit`: how far trivial cues tell live from attack."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from despoof.cli.clips import (
    AttackOption,
    CroppedOption,
    DetectOption,
    LiveOption,
    ManifestArgument,
    SplitOption,
    read_clips,
)
from despoof.cli.options import LIVE, UNDECIDED, DebugOption, JsonOption, VersionOption
from despoof.cli.output import complain, console, new_table, print_json, progress

if TYPE_CHECKING:
    from despoof.evaluation.audit import AuditReport, CueResult

EXAMPLE = "Example: despoof data audit manifest.csv --split test"


def audit(
    *,
    manifest: ManifestArgument = None,
    live: LiveOption = None,
    attack: AttackOption = None,
    split: SplitOption = None,
    cropped: CroppedOption = False,
    detect: DetectOption = False,
    limit: Annotated[
        float, typer.Option(min=0.5, max=1.0, help="AUC of a cue that disqualifies the set.")
    ] = 0.9,
    draws: Annotated[
        int, typer.Option(min=0, metavar="N", help="Bootstrap draws; 0 leaves intervals out.")
    ] = 1000,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Say how far trivial cues (sharpness, file size, …) alone tell live from attack.

    Where one does, high figures on this set do not show that a system sees spoofing.
    Exit code: 0 measured, whatever the finding · 2 some clips not measured · 64 wrong usage.
    """
    if cropped and detect:
        raise typer.BadParameter("--cropped and --detect: a face crop needs no detection.")
    clips = read_clips(manifest, live, attack, split)
    from despoof.evaluation import audit as audits
    from despoof.evaluation.clip_scoring import BulkSettings
    from despoof.face.detect import CenterFace

    settings = BulkSettings(cropped=cropped, detect=detect)
    with progress(len(clips), wanted=not (json and sys.stdout.isatty())) as show:
        rows, failed = audits.measure_all(clips, settings, CenterFace(), show)
    report = audits.audit(rows, limit=limit, draws=draws)
    if json:
        reasons = [{"path": path, "reason": reason} for path, reason in failed]
        print_json(report.plain() | {"not_measured": reasons})
    else:
        _print(report)
        for path, reason in failed[:3]:
            complain(f"{path}: {reason}")
        if failed:
            complain(f"{len(failed)} of {len(clips)} clips could not be measured.")
    return UNDECIDED if failed else LIVE


def _print(report: "AuditReport") -> None:
    columns = ("cue", "AUC", "95 %", "more of it means", "live", "attack", "")
    table = new_table(*columns, numbers=("AUC", "live", "attack"))
    for cue in report.cues:
        table.add_row(
            Text(cue.name),
            f"{cue.strength:.3f}",
            _interval(cue),
            "live" if cue.sign > 0 else "attack",
            str(cue.n_live),
            str(cue.n_attack),
            Text(f"exceeds {report.limit:g}", "bold red") if cue.name in report.flagged else "",
        )
    out = console()
    out.print(table)
    groups = f"{report.live_groups} and {report.attack_groups}"
    out.print(f"AUC in the better direction; 95 % by {groups} groups, {report.draws} draws.")
    out.print(Text(report.verdict, "green" if report.can_rank else "bold red"))


def _interval(cue: "CueResult") -> str:
    ends = cue.strength_ci95
    return "–" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
