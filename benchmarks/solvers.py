"""Judge every way of integrating the bridge by the analytic one, and write the page.

    python benchmarks/solvers.py          # measure: benchmarks/results/solvers.json
    python benchmarks/solvers.py --page   # only make the page and the plot from it

Writes docs/solvers.md (text of solvers_template.md, tables from the JSON) and
docs/figures/solvers.png. The figures are the same on every machine; only the time differs.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from recording import conditions

from despoof.core.files import atomic_path
from despoof.diffusion.bridge import BridgeConfig, bridge
from despoof.diffusion.solver_orders import ORDERS, order_rows
from despoof.diffusion.solver_table import (
    GRIDS,
    STEPS,
    level_rows,
    paper_sentence,
    planned,
    solver_rows,
)
from despoof.diffusion.solver_toy import ToyBridge, toy_bridge
from despoof.diffusion.solvers.registry import INVERTIBLE, SOLVERS

ROOT = Path(__file__).parent.parent
OUT = ROOT / "benchmarks" / "results" / "solvers.json"
TEMPLATE = ROOT / "benchmarks" / "solvers_template.md"
PAGE = ROOT / "docs" / "solvers.md"
PLOT = ROOT / "docs" / "figures" / "solvers.png"


def round_trips(toy: ToyBridge) -> list[dict[str, Any]]:
    """Bridge from all to all: what comes back of the picture, whose RMS is 0.5."""
    rows = []
    for solver in SOLVERS:
        for precision in ("fp32", "fp64"):
            config = BridgeConfig(solver=solver, steps=10, precision=precision)
            made = bridge(toy.picture, toy.source, toy.source, toy.schedule, config)
            rms = float(np.sqrt(np.mean(made.noise.numpy().astype(float) ** 2)))
            worst = float(made.noise.abs().max())
            rows.append({"method": solver, "precision": precision, "rms": rms, "max": worst})
    return rows


def measure() -> dict[str, Any]:
    """Make all figures."""
    toy, start = toy_bridge(), time.perf_counter()
    rows = [*solver_rows(toy, planned()), *level_rows(toy)]
    return {
        "rows": [asdict(row) for row in rows],
        "orders": [asdict(row) for row in order_rows(toy)],
        "round_trips": round_trips(toy),
        "paper": paper_sentence(rows),
        "seconds": round(time.perf_counter() - start, 1),
        **conditions(),
    }


def best_table(rows: list[dict[str, Any]]) -> str:
    """Error, correlation and NFE on the log-SNR grid, a line for each solver."""
    lines = ["| solver | " + " | ".join(f"{n}+{n}" for n in STEPS) + " |"]
    lines.append("| --- |" + " ---: |" * len(STEPS))
    for method in [*SOLVERS, "ddim (cancelled)"]:
        found = {r["steps"]: r for r in rows if (r["method"], r["grid"]) == (method, "log-snr")}
        cells = (f"{r['error']:.3f} / {r['correlation']:.4f} ({r['nfe']})" for r in found.values())
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def grid_table(rows: list[dict[str, Any]], steps: int) -> str:
    """Error by grid at one number of steps."""
    lines = ["| solver | " + " | ".join(GRIDS) + " |", "| --- |" + " ---: |" * len(GRIDS)]
    for method in SOLVERS:
        found = {r["grid"]: r for r in rows if r["method"] == method and r["steps"] == steps}
        cells = (f"{found[g]['error']:.3f}" if g in found else "–" for g in GRIDS)
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def latent_table(rows: list[dict[str, Any]]) -> str:
    """How far the latent is from the exact one, on the log-SNR grid."""
    lines = ["| solver | " + " | ".join(str(n) for n in STEPS) + " |"]
    lines.append("| --- |" + " ---: |" * len(STEPS))
    for method in SOLVERS:
        found = {r["steps"]: r for r in rows if (r["method"], r["grid"]) == (method, "log-snr")}
        cells = (f"{r['latent_error']:.3f}" for r in found.values())
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plain_table(rows: list[dict[str, Any]], columns: dict[str, str]) -> str:
    """Return rows as Markdown; columns: key → format."""
    lines = ["| " + " | ".join(columns) + " |", "| --- |" + " ---: |" * (len(columns) - 1)]
    lines += ["| " + " | ".join(f"{r[k]:{f}}" for k, f in columns.items()) + " |" for r in rows]
    return "\n".join(lines)


def draw(rows: list[dict[str, Any]]) -> None:
    """Plot error against evaluations."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
    shown = [("ddim", "uniform from 0"), *((s, "log-snr") for s in SOLVERS)]
    shown += [("ddim (cancelled)", "log-snr"), ("score-difference", "log-sigma")]
    for (method, grid), marker in zip(shown, "os^vDPX*", strict=True):
        found = [r for r in rows if (r["method"], r["grid"]) == (method, grid)]
        x, y = [r["nfe"] for r in found], [r["error"] for r in found]
        label = "ddim, uniform (the paper)" if grid == "uniform from 0" else f"{method}, {grid}"
        axes.loglog(x, y, marker=marker, label=label, lw=1.2, ms=5)
        for r in found:
            if grid == "uniform from 0" and r["steps"] == 50:
                axes.annotate("50 + 50", (r["nfe"], r["error"]), (8, 8), textcoords="offset points")
    axes.axhline(1, color="0.6", lw=0.8, ls=":")
    axes.set(xlabel="evaluations of both fields (NFE)", ylabel="relative error of the noise")
    axes.grid(alpha=0.25, which="both", lw=0.4)
    axes.legend(fontsize=8)
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=120, metadata={"Software": None})


def write_page(result: dict[str, Any]) -> None:
    """Fill the template."""
    rows = result["rows"]
    orders = [r | {"theory": 2 ** ORDERS[r["method"]]} for r in result["orders"]]
    paper = [
        r for r in rows if r["method"] == "ddim" and r["grid"] in ("uniform from 0", "uniform")
    ]
    score = [r for r in rows if r["method"] == "score-difference"]
    columns = {"method": "", "grid": "", "steps": "", "nfe": "", "error": ".3f"}
    columns |= {"correlation": ".4f"}
    parts = {
        "paper": result["paper"],
        "paper_table": plain_table(paper, columns),
        "best_table": best_table(rows),
        "grid_table_10": grid_table(rows, 10),
        "grid_table_50": grid_table(rows, 50),
        "latent_table": latent_table(rows),
        "score_table": plain_table(score, columns),
        "order_table": plain_table(
            orders,
            {"method": "", "way": "", "steps": "", "error": ".2e", "ratio": ".3f", "theory": ""},
        ),
        "trip_table": plain_table(
            result["round_trips"], {"method": "", "precision": "", "rms": ".1e", "max": ".1e"}
        ),
        "invertible": " and ".join(INVERTIBLE),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"{{{{ {name} }}}}", part)
    with atomic_path(PAGE) as path:
        path.write_text(text, encoding="utf-8")


def main() -> None:
    """Measure, keep, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="do not measure")
    if not parser.parse_args().page:
        with atomic_path(OUT) as path:
            path.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
    result = json.loads(OUT.read_text(encoding="utf-8"))
    draw(result["rows"])
    write_page(result)
    print(result["paper"])


if __name__ == "__main__":
    main()
