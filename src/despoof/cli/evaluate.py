"""`despoof evaluate`: scores in, ISO rates with intervals out, as a table, JSON or a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from despoof.cli.options import DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, new_table, print_json
from despoof.cli.score_options import ColumnsOption, HigherIsOption, read

if TYPE_CHECKING:
    from despoof.evaluation.report import Judgement
    from despoof.evaluation.report_compare import Pair

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
    audit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What despoof data audit --json printed, to show it."),
    ] = None,
    draws: Annotated[int, typer.Option(min=0, help="Bootstrap draws over subjects.")] = 2000,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Judge scores: APCER, BPCER, ACER, EER, AUC, BPCER10/20/100, with counts and intervals.

    Without --dev or --threshold the threshold is chosen on the scores themselves; every output
    then says "oracle". With --json: an object a score file; several end with their comparisons.
    """
    from despoof.evaluation.report import judge
    from despoof.evaluation.report_compare import compare, plain_pair
    from despoof.evaluation.report_plain import plain_judgement

    _check_counts(scores, dev, threshold)
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
    page = _write(output, found, pairs, images, shown) if output is not None else None
    if json:
        for one in found:
            print_json(plain_judgement(one) | {"report": str(page) if page else None})
        if pairs:
            print_json({"comparisons": [plain_pair(pair) for pair in pairs]})
        return
    for one in found:
        _print(one)
    _print_pairs(pairs)
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
            f"{len(scores)} score files and {len(dev)} --dev: repeat --dev once for each, in order."
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


def _write(
    output: Path,
    found: "list[Judgement]",
    pairs: "list[Pair]",
    images: Path | None,
    audit: dict[str, Any] | None,
) -> Path:
    from despoof.evaluation.report_folder import write_report

    beside = [Path(one.table.source).parent for one in found]
    roots = [images] if images is not None else [Path(), *dict.fromkeys(beside)]
    return write_report(output, found, pairs, images=roots, audit=audit)


def _print(found: "Judgement") -> None:
    out, row = console(), found.row
    out.print(Text(f"{found.name}: {row.n_live} live, {row.n_attack} attacks", style="bold"))
    style = "yellow" if found.oracle else ""
    out.print(Text(f"threshold {row.threshold.value:.6g} ({row.threshold.chosen})", style=style))
    table = new_table("rate", "%", "k/n", "95 %", "over subjects", numbers=("%", "k/n"))
    lines: list[tuple[str, Any]] = [
        ("apcer_max", row.apcer_max),
        *((f"  {name}", rate) for name, rate in row.apcer_by_species.items()),
        ("apcer_pooled", row.apcer_pooled),
        ("bpcer", row.bpcer),
        ("acer_max", row.acer_max),
        ("hter", row.hter),
    ]
    for name, rate in lines:
        if rate is not None:
            group = found.grouped.get(name)
            k_n = f"{rate.k}/{rate.n}" if hasattr(rate, "k") else ""
            title = name if name.startswith(" ") else name.upper().replace("_", " ")
            table.add_row(Text(title), f"{100 * rate.value:.2f}", k_n, _ends(rate), _ends(group))
    if row.eer is not None:
        group = found.grouped.get("eer")
        table.add_row("EER (oracle)", f"{100 * row.eer.value:.2f}", "", "", _ends(group))
    for name, point in found.at_apcer.items():
        if point.resolved:
            k_n = f"{point.bpcer.k}/{point.bpcer.n}"
            value = f"{100 * point.bpcer.value:.2f}"
            table.add_row(f"{name.upper()} (oracle)", value, k_n, _ends(point.bpcer), "")
        else:
            need = f"{point.smallest} attacks in the smallest species; {point.needed} are needed"
            table.add_row(f"{name.upper()} (oracle)", "n/a", "", Text(need), "")
    out.print(table)
    if row.auc is not None:
        ends = f" [{found.auc.low:.4f}, {found.auc.high:.4f}]" if found.auc else ""
        out.print(Text(f"AUC {row.auc:.4f}{ends}"))
    for note in found.notes:
        out.print(Text(note, style="dim"))
    out.print()


def _print_pairs(pairs: "list[Pair]") -> None:
    if not pairs:
        return
    columns = ("second - first", "HTER points", "95 %", "p", "AUC", "95 % ", "p ", "McNemar p")
    table = new_table(*columns, numbers=("HTER points", "p", "AUC", "p ", "McNemar p"))
    for pair in pairs:
        table.add_row(
            Text(f"{pair.second} - {pair.first}"),
            f"{100 * pair.hter.difference:+.2f}",
            _gap(pair.hter.low, pair.hter.high, 100, 2),
            f"{pair.hter.p_holm:.3g}",
            f"{pair.auc.difference:+.4f}",
            _gap(pair.auc.low, pair.auc.high, 1, 4),
            f"{pair.auc.p_holm:.3g}",
            f"{pair.decisions_p_holm:.3g}",
        )
    console().print(table)
    if any(pair.oracle for pair in pairs):
        console().print(Text("Oracle thresholds: these are differences of best cases.", "yellow"))
    console().print(Text("p-values are adjusted by Holm over the pairs.", style="dim"))


def _ends(of: Any) -> str:  # noqa: ANN401 - a Rate, MeanRate, Interval or None
    return f"[{100 * of.low:.2f}, {100 * of.high:.2f}]" if of is not None else ""


def _gap(low: float | None, high: float | None, scale: float, digits: int) -> str:
    if low is None or high is None:
        return ""
    return f"[{scale * low:+.{digits}f}, {scale * high:+.{digits}f}]"
