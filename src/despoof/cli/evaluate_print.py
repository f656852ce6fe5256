"""What `despoof evaluate` prints for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from despoof.cli.output import console, new_table
from despoof.evaluation.report import Judgement
from despoof.evaluation.report_compare import Pair


def print_judgement(found: Judgement) -> None:
    """Print the rates of one system, with counts and both intervals."""
    out, row = console(), found.row
    out.print(Text(f"{found.name}: {row.n_live} live, {row.n_attack} attacks", style="bold"))
    style = "yellow" if found.oracle else ""
    out.print(Text(f"threshold {row.threshold.value:.6g} ({row.threshold.chosen})", style=style))
    columns = ("rate", "%", "k/n", "95 % Wilson", f"95 % over {found.unit}")
    table = new_table(*columns, numbers=("%", "k/n"))
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
            group = found.grouped.get(name)
            table.add_row(f"{name.upper()} (oracle)", value, k_n, _ends(point.bpcer), _ends(group))
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


def print_pairs(pairs: Sequence[Pair]) -> None:
    """Print what differs between systems; nothing where there are no pairs."""
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


def print_audit(audit: Mapping[str, Any]) -> None:
    """Print how well trivial cues do, and how each system does against the best of them."""
    out = console()
    if "not_run" in audit:
        out.print(Text(f"Shortcut audit: not run. {audit['not_run']}", style="dim"))
        return
    out.print(Text("Shortcut audit: trivial cues alone", style="bold"))
    columns = ("cue", "AUC", "95 % over groups", "more of it means", "")
    table = new_table(*columns, numbers=("AUC",))
    for cue in audit["cues"]:
        table.add_row(
            Text(cue["name"]),
            f"{cue['strength']:.3f}",
            _span(cue.get("strength_ci95"), ".3f"),
            cue.get("higher_means", ""),
            Text(f"exceeds {audit['limit']:g}", "bold red") if cue["flagged"] else "",
        )
    out.print(table)
    if "sample" in audit:
        out.print(Text(audit["sample"], style="dim"))
    out.print(Text(audit["verdict"], "green" if audit["can_rank"] else "bold red"))
    _print_against(audit.get("systems", ()))
    out.print()


def _print_against(systems: Sequence[Mapping[str, Any]]) -> None:
    if not systems:
        return
    columns = ("against the best cue", "AUC", "cue", "cue's AUC", "system - cue", "95 %", "p", "")
    table = new_table(*columns, numbers=("AUC", "cue's AUC", "system - cue", "p"))
    for one in systems:
        if "not_tested" in one:
            table.add_row(Text(one["system"]), "", Text(f"not tested: {one['not_tested']}"))
            continue
        table.add_row(
            Text(one["system"]),
            f"{one['system_auc']:.4f}",
            Text(one["cue"]),
            f"{one['cue_auc']:.4f}",
            f"{one['difference']:+.4f}",
            _span(one["difference_ci95"], "+.4f"),
            f"{one['p_holm']:.3g}",
            Text(one["finding"]),
        )
    console().print(table)


def _span(ends: Sequence[float] | None, form: str) -> str:
    return f"[{ends[0]:{form}}, {ends[1]:{form}}]" if ends else ""
