"""`despoof calibrate`: scores in, a threshold out that keeps a criterion on new data."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from despoof.cli.options import DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, new_table, print_json
from despoof.cli.score_options import ColumnsOption, HigherIsOption, read

EXAMPLE = "Example: despoof calibrate mine.csv --criterion bpcer=0.05 --live-only --save runs/mine"


def calibrate(
    *,
    scores: Annotated[Path, typer.Argument(metavar="SCORES.csv", help="Development scores.")],
    criterion: Annotated[
        str, typer.Option(metavar="eer|apcer=X|bpcer=X", help="What the threshold shall keep.")
    ] = "eer",
    save: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Write it beside the weights of this run.")
    ] = None,
    live_only: Annotated[
        bool, typer.Option("--live-only", help="Use live scores alone; with bpcer=X.")
    ] = False,
    confidence: Annotated[
        float, typer.Option(help="With which the criterion shall hold on new data.")
    ] = 0.95,
    pooled: Annotated[
        bool, typer.Option("--pooled", help="apcer=X of all attacks, not of the worst species.")
    ] = False,
    by: Annotated[
        str, typer.Option(metavar="presentation|subject", help="What counts as independent.")
    ] = "presentation",
    columns: ColumnsOption = None,
    higher_is: HigherIsOption = "live",
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Choose a threshold, and say what may be promised about it on new data.

    Refuses (exit code 2) when the scores cannot support the criterion, and says how many would.
    """
    from despoof.evaluation.calibration import calibrate as calibrate_both
    from despoof.evaluation.calibration import calibrate_live_only
    from despoof.evaluation.calibration_bounds import parse_criterion
    from despoof.evaluation.calibration_record import (
        plain_calibration,
        save_threshold,
        weights_folder,
    )

    if by not in ("presentation", "subject"):
        raise typer.BadParameter(f"--by {by!r}: expected presentation or subject.")
    wanted = parse_criterion(criterion)
    if save is not None:
        weights_folder(save)  # before the work, so that a wrong folder is known at once
    table = read(scores, columns, higher_is).development()
    if live_only:
        found = calibrate_live_only(table.scores(), wanted, confidence=confidence, by=by)
    else:
        found = calibrate_both(table.scores(), wanted, confidence=confidence, pooled=pooled, by=by)
    oracle = table.is_test()
    saved = save_threshold(save, found, scores, oracle=oracle) if save is not None else None
    values = plain_calibration(found) | {
        "scores": str(scores),
        "oracle": oracle,
        "notes": list(table.notes),
        "saved": str(saved.record) if saved else None,
        "preprocessing_hash": saved.preprocessing_hash if saved else None,
    }
    if json:
        print_json(values)
    else:
        _print(values)


def _print(values: dict[str, Any]) -> None:
    out = console()
    oracle = " (oracle: these are test scores)" if values["oracle"] else ""
    head = f"threshold {values['threshold']:.6g}   {values['criterion']}{oracle}"
    out.print(Text(f"{head}, {values['method']}", style="bold"))
    table = new_table("rate", "of", "here", "new data, at most", numbers=("here",))
    for bound in values["bounds"]:
        here = f"{100 * bound['value']:.2f} % ({bound['k']}/{bound['n']})"
        upper = f"{100 * bound['upper']:.2f} % ({100 * values['confidence']:g} % confidence)"
        table.add_row(bound["rate"].upper(), Text(bound["of"]), here, upper)
    out.print(table)
    for line in (values["guarantee"], *values["limits"], *values["notes"]):
        out.print(Text(line))
    if values["saved"]:
        out.print(Text(f"Written to {values['saved']}"))
