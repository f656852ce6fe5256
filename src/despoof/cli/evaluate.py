"""`despoof evaluate`: scores in, ISO rates with intervals out, as a table, JSON or a report."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from despoof.cli.options import DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, print_json, progress
from despoof.cli.score_options import ColumnsOption, HigherIsOption, read

if TYPE_CHECKING:
    from despoof.evaluation.report import Judgement
    from despoof.evaluation.scored_clips import FoundClips

_HERE = Path()
EXAMPLE = "Example: despoof evaluate test.csv --dev dev.csv -o report"


def evaluate(
    *,
    scores: Annotated[
        list[Path], typer.Argument(metavar="SCORES…", help="Score files; several are compared.")
    ],
    dev: Annotated[
        list[Path] | None,
        typer.Option(metavar="DEV.csv", help="Its EER is the threshold; one for each SCORES."),
    ] = None,
    threshold: Annotated[
        list[float] | None, typer.Option(help="Live iff score > this; one for each SCORES.")
    ] = None,
    columns: ColumnsOption = None,
    higher_is: HigherIsOption = "live",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write a report there.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the scored pictures lie.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="M", help="What was scored: where pictures and their faces are."),
    ] = None,
    cropped: Annotated[
        bool, typer.Option("--cropped", help="Pictures without a box are face crops.")
    ] = False,
    thumbnails: Annotated[
        bool, typer.Option(help="Show the worst errors in the report, where they are at hand.")
    ] = True,
    audit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What despoof data audit --json printed, to show it."),
    ] = None,
    no_audit: Annotated[
        bool, typer.Option("--no-audit", help="Do not measure trivial cues of the pictures.")
    ] = False,
    audit_most: Annotated[
        int, typer.Option(min=0, metavar="N", help="Clips of each class to measure; 0 = all.")
    ] = 2000,
    draws: Annotated[int, typer.Option(min=0, help="Bootstrap draws over subjects.")] = 2000,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Judge scores: APCER, BPCER, ACER, EER, AUC, BPCER10/20/100, with counts and intervals.

    Without --dev or --threshold the threshold is chosen on the scores themselves; every output
    then says "oracle". Where the pictures are at hand, trivial cues are measured, too, and each
    system is tested against the best. With --json: an object a score file; several end with their
    comparisons.
    """
    from despoof.cli.evaluate_print import print_audit, print_judgement, print_pairs
    from despoof.evaluation.report import judge
    from despoof.evaluation.report_compare import compare, plain_pair
    from despoof.evaluation.report_plain import plain_judgement

    _check_counts(scores, dev, threshold)
    if audit is not None and no_audit:
        raise typer.BadParameter("--audit and --no-audit: give one of them.")
    shown = read_audit(audit) if audit is not None else None
    names = _names(scores)
    sign = -1.0 if higher_is == "attack" else 1.0
    found = [
        judge(
            read(path, columns, higher_is),
            read(dev[i], columns, higher_is) if dev else None,
            sign * threshold[i if len(threshold) > 1 else 0] if threshold else None,
            name=names[i],
            draws=draws,
        )
        for i, path in enumerate(scores)
    ]
    pairs = compare(found, draws=draws) if len(found) > 1 else []
    roots = _roots(found, images, manifest)
    if shown is None and not no_audit:
        clips = _clips(found, roots, manifest, audit_most)
        shown = _measure(found, clips, cropped, draws, quiet=json)
    page: Path | None = None
    if output is not None:
        from despoof.evaluation.report_folder import write_report

        # Not the working directory: nobody gave it, and the page may be handed on.
        shown_from = [root for root in roots if root is not _HERE]
        pictures = shown_from if thumbnails else None
        page = write_report(output, found, pairs, images=pictures, audit=shown)
    if json:
        for one in found:
            more = {"audit": of_system(shown, one.name), "report": str(page) if page else None}
            print_json(plain_judgement(one) | more)
        if pairs:
            print_json({"comparisons": [plain_pair(pair) for pair in pairs]})
        return
    for one in found:
        print_judgement(one)
    print_pairs(pairs)
    if shown is not None:
        print_audit(shown)
    if page:
        console().print(Text(f"Report: {page}"))


def read_audit(path: Path) -> dict[str, Any]:
    """Read what `despoof data audit --json` printed.

    Raises:
        DataError: it is not that.
    """
    import json as json_format

    from despoof.core.errors import DataError

    try:
        values: dict[str, Any] = json_format.loads(path.read_text(encoding="utf-8"))
        if {"cues", "verdict", "can_rank", "limit", "n_live", "n_attack"} <= set(values):
            return values
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} is no readable audit: {error}.") from error
    raise DataError(f"{path} is no audit. Give a file that despoof data audit --json printed.")


def _check_counts(
    scores: list[Path], dev: list[Path] | None, threshold: list[float] | None
) -> None:
    if dev and threshold:
        raise typer.BadParameter("--dev and --threshold: give one of them.")
    if dev and len(dev) != len(scores):
        raise typer.BadParameter(
            f"{len(scores)} score files and {len(dev)} --dev: repeat --dev once for each, in "
            "order: a.csv b.csv --dev a-dev.csv --dev b-dev.csv."
        )
    if threshold and len(threshold) not in (1, len(scores)):
        raise typer.BadParameter(
            f"{len(scores)} score files and {len(threshold)} --threshold: give one, or one each."
        )


def _names(scores: list[Path]) -> list[str]:
    stems = [path.stem for path in scores]
    names = stems if len(set(stems)) == len(stems) else [str(path) for path in scores]
    if len(set(names)) < len(names):
        raise typer.BadParameter(
            "the same score file was given twice; there is nothing to compare."
        )
    return names


def of_system(audit: dict[str, Any] | None, name: str) -> dict[str, Any] | None:
    """Return the audit with one system's test alone, under `against_best_cue`."""
    if audit is None:
        return None
    tests = [one for one in audit.get("systems", ()) if one["system"] == name]
    rest = {key: value for key, value in audit.items() if key != "systems"}
    return rest | {"against_best_cue": tests[0] if tests else None}


def _roots(found: "list[Judgement]", images: Path | None, manifest: Path | None) -> list[Path]:
    beside = [_HERE, *dict.fromkeys(Path(one.table.source).parent for one in found)]
    return [*([manifest.parent] if manifest else []), *([images] if images else beside)]


def _clips(
    found: "list[Judgement]", roots: list[Path], manifest: Path | None, most: int
) -> "FoundClips":
    from despoof.data.manifest import read_manifest
    from despoof.evaluation.scored_clips import find_clips

    listed = read_manifest(manifest) if manifest is not None else []
    return find_clips([one.table for one in found], roots, listed, most)


def _measure(
    found: "list[Judgement]", clips: "FoundClips", cropped: bool, draws: int, quiet: bool
) -> dict[str, Any]:
    if clips.why_incomplete:
        return {"not_run": clips.why_incomplete}
    from despoof.evaluation.clip_scoring import BulkSettings
    from despoof.evaluation.scored_audit import audit_section

    detector = None
    if not cropped and any(clip.box is None for clip in clips.clips):
        from despoof.face.detect import CenterFace

        detector = CenterFace()
    with progress(len(clips.clips), wanted=not (quiet and sys.stdout.isatty())) as show:
        settings = BulkSettings(cropped=cropped)
        return audit_section(found, clips, settings, detector, draws=draws, show=show)
