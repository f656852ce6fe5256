"""`despoof data verify`: look at every clip of a manifest."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from despoof.cli.options import LIVE, UNDECIDED, DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, print_json, progress

if TYPE_CHECKING:
    from despoof.data.verify import Finding

EXAMPLE = "Example: despoof data verify oulu.parquet --no-faces"
SHOWN = 1000  # clips that --json lists for each finding


def verify(
    manifests: Annotated[list[Path], typer.Argument(metavar="MANIFEST…", help="Tables.")],
    *,
    faces: Annotated[
        bool, typer.Option("--faces/--no-faces", help="Look for a face where there is no box.")
    ] = True,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> int:
    """Check that files exist, decode and have a face, and that no picture is in two splits.

    Copies are found by content (SHA-256) and by look (a perceptual hash). Counts other than the
    published ones, people in two splits and copies within a split are remarks.
    Exit code: 0 nothing, or remarks only · 2 errors, leaks among them · 64 wrong usage.
    """
    from despoof.data.protocols.tables import read_manifests
    from despoof.data.verify import verify as look
    from despoof.face.detect import CenterFace

    clips = read_manifests(manifests)
    with progress(len(clips), wanted=not (json and sys.stdout.isatty())) as show:
        findings = look(clips, CenterFace() if faces else None, show)
    errors = [one for one in findings if one.error]
    if json:
        print_json({"n": len(clips), "ok": not errors, "findings": [_plain(f) for f in findings]})
    else:
        _print(findings, len(clips))
    return UNDECIDED if errors else LIVE


def _plain(finding: "Finding") -> dict[str, object]:
    return {
        "what": finding.what,
        "count": len(finding.clips),
        "error": finding.error,
        "clips": finding.clips[:SHOWN],
        "advice": finding.advice,
    }


def _print(findings: "list[Finding]", total: int) -> None:
    out = console()
    for one in findings:
        style = "bold red" if one.error else "yellow"
        kind = "error" if one.error else "remark"
        out.print(f"{kind}: {len(one.clips)} {one.what}. {one.advice}", style=style, markup=False)
        for name in one.clips[:3]:
            out.print(f"  {name}", markup=False)
    errors = sum(one.error for one in findings)
    out.print(f"{total} clips looked at: {errors} kinds of errors.", markup=False)
