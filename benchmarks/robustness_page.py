"""The page and the figure of robustness.py, from its figures alone."""

import json
import math
from pathlib import Path
from typing import Any

from results_page import rate
from robustness_curves import CURVES, Curve

from despoof.core.files import atomic_path

GATE = Path(__file__).parent / "results" / "quality_gate.json"
DOCS = Path(__file__).parent.parent / "docs"
PAGE, FIGURE = DOCS / "robustness.md", DOCS / "figures" / "robustness.png"
TEMPLATE = Path(__file__).parent / "robustness_template.md"
LOST, RISEN, GATED = 0.05, 0.15, 0.5
COLOURS = {"nuaa test": "tab:blue", "celeba-spoof dev": "tab:orange"}
LINES = {
    "auc": ("-", "AUC"),
    "bpcer": ("--", "BPCER of what is decided"),
    "undecided_live": (":", "live, undecided"),
}


def rows_of(result: dict[str, Any], curve: Curve) -> list[dict[str, Any]]:
    """Return a curve's rows, the undisturbed one first."""
    plain = [row for row in result["rows"] if row["level"] is None][int(curve.boxed)]
    return [plain, *(row for row in result["rows"] if row["curve"] == curve.name)]


def value_of(figures: dict[str, Any], name: str) -> float | None:
    """Return a figure's value; rates have one inside."""
    found = figures[name]
    return found["value"] if isinstance(found, dict) else found


def number(value: float | None, digits: int = 3) -> str:
    """Print a number without a leading 0; – for none."""
    if value is None:
        return "–"
    return f"{value:.{digits}f}".replace("0.", ".", 1) if value < 1 else f"{value:.{digits}f}"


def cell(figures: dict[str, Any]) -> str:
    """Return the five figures of a set at one place."""
    rates = [number(value_of(figures, name), 2) for name in ("bpcer", "apcer")]
    unsure = [number(value_of(figures, f"undecided_{of}"), 2) for of in ("live", "attack")]
    return " · ".join([number(value_of(figures, "auc")), *rates, " / ".join(unsure)])


def broken(now: dict[str, Any], plain: dict[str, Any]) -> bool:
    """Say whether the AUC has lost, or the BPCER gained, too much; or one is not there any more."""
    values = [(value_of(f, "auc"), value_of(f, "bpcer")) for f in (now, plain)]
    (auc, bpcer), (own_auc, own_bpcer) = values
    if own_auc is None or own_bpcer is None:
        return False
    return auc is None or bpcer is None or own_auc - auc > LOST or bpcer - own_bpcer > RISEN


def first_break(
    rows: list[dict[str, Any]], title: str, *, two_sided: bool = False
) -> dict[str, Any] | None:
    """Return the mildest row that is broken."""
    ordered = rows[1:]
    if two_sided:
        ordered = sorted(ordered, key=lambda row: abs(math.log(row["level"])))
    return next((row for row in ordered if broken(row[title], rows[0][title])), None)


def break_words(rows: list[dict[str, Any]], title: str, *, two_sided: bool = False) -> str:
    """Say where a curve breaks on a set and what the gate does there."""
    row = first_break(rows, title, two_sided=two_sided)
    if row is None:
        return "holds"
    figures = row[title]
    share = value_of(figures, "undecided_live")
    gated = share is not None and share >= GATED
    reason = next(iter(figures["reasons"]), "")
    why = f": {reason}" if gated and reason else ""
    return (
        f"{row['level']:g}: AUC {number(figures['auc'])}, BPCER "
        f"{number(value_of(figures, 'bpcer'), 2)}, undecided {number(share, 2)}"
        f"{why if gated else ' (let through)'}"
    )


def breaks_table(result: dict[str, Any]) -> str:
    """Return the table of what breaks where."""
    titles = list(result["sets"])
    lines = [f"| disturbance | {' | '.join(titles)} |", "| --- |" + " --- |" * len(titles)]
    for curve in CURVES:
        rows = rows_of(result, curve)
        words = (break_words(rows, title, two_sided=curve.two_sided) for title in titles)
        lines.append(f"| {curve.name} ({curve.unit}) | {' | '.join(words)} |")
    return "\n".join(lines)


def curve_table(result: dict[str, Any], curve: Curve) -> str:
    """Return all figures of one curve."""
    titles = list(result["sets"])
    lines = [f"| {curve.name}, {curve.unit} | {' | '.join(titles)} |"]
    lines.append("| --- |" + " ---: |" * len(titles))
    for row in rows_of(result, curve):
        level = "undisturbed" if row["level"] is None else f"{row['level']:g}"
        lines.append(f"| {level} | {' | '.join(cell(row[title]) for title in titles)} |")
    return "\n".join(lines)


def sets_words(result: dict[str, Any]) -> str:
    """Say how many pictures of whom."""
    lines = ["| set | live | attacks | people | left out: no face in the table |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for title, n in result["sets"].items():
        counts = (n[key] for key in ("n_live", "n_attack", "n_people", "without_face"))
        lines.append(f"| {title} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines)


def gate_tables(gate: dict[str, Any]) -> str:
    """Return whom the gate alone turns away: faces as they are, live ones disturbed."""
    lines = ["| set | live, undecided % [95 %] | attacks, undecided % [95 %] | why, attacks |"]
    lines.append("| --- | ---: | ---: | --- |")
    for live, attack in zip(gate["plain"][::2], gate["plain"][1::2], strict=True):
        shares = [
            rate({"x": row["value"], **{f"x_{key}": row[key] for key in ("k", "n", "ci95")}}, "x")
            for row in (live, attack)
        ]
        why = ", ".join(f"{reason} ({count})" for reason, count in attack["reasons"].items())
        lines.append(f"| {live['set']} | {' | '.join(shares)} | {why or '–'} |")
    lines += ["", "| disturbance | live faces that are undecided, of each level |", "| --- | --- |"]
    rows = gate["disturbed_live"]
    for name in dict.fromkeys(row["curve"] for row in rows):
        found = [row for row in rows if row["curve"] == name]
        words = ", ".join(f"{row['level']:g}: {row['k']}/{row['n']}" for row in found)
        unit = next(curve.unit for curve in CURVES if curve.name == name)
        lines.append(f"| {name} ({unit}) | {words} |")
    return "\n".join(lines)


def draw(result: dict[str, Any], path: Path = FIGURE) -> None:
    """Draw all curves; no pictures of anybody."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(3, 4, figsize=(13, 8.5), sharey=True, layout="constrained")
    for panel, curve in zip(panels.flat, CURVES, strict=False):
        rows = rows_of(result, curve)
        for title in result["sets"]:
            for name, (style, words) in LINES.items():
                points = [(row["level"], value_of(row[title], name)) for row in rows[1:]]
                known = [(x, y) for x, y in points if y is not None]
                label = f"{title}: {words}"
                colour = COLOURS.get(title, "tab:green")
                panel.plot(*zip(*known, strict=True), style, color=colour, label=label, marker=".")
            plain = rows[0][title]["auc"]
            if plain is not None:
                panel.axhline(plain, color=COLOURS.get(title, "tab:green"), lw=0.6, alpha=0.6)
        panel.set(title=curve.name, xlabel=curve.unit, ylim=(-0.03, 1.03))
        if curve.log:
            panel.set_xscale("log")
            panel.set_xticks(curve.levels, [f"{level:g}" for level in curve.levels])
            panel.minorticks_off()
        if curve.levels[0] > curve.levels[-1]:
            panel.invert_xaxis()
        panel.grid(alpha=0.25, lw=0.4)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    for panel in panels.flat[len(CURVES) :]:
        panel.axis("off")
        panel.legend(handles, labels, loc="center", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90, metadata={"Software": None})
    plt.close(figure)


def write_page(result: dict[str, Any], page: Path = PAGE, picture: Path = FIGURE) -> None:
    """Write the figure and the page."""
    draw(result, picture)
    parts = {key: str(value) for key, value in result.items() if isinstance(value, str | int)}
    parts |= {
        "threshold": f"{result['threshold']:.4f}",
        "sets": sets_words(result),
        "lost": number(LOST, 2),
        "risen": number(RISEN, 2),
        "breaks": breaks_table(result),
        "gate": gate_tables(json.loads(GATE.read_text(encoding="utf-8"))),
        "tables": "\n\n".join(curve_table(result, curve) for curve in CURVES),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"{{{{ {name} }}}}", part)
    with atomic_path(page) as path:
        path.write_text(text, encoding="utf-8")
