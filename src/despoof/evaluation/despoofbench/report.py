"""The whole table as plain values, and as Markdown."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from despoof.core.files import atomic_path
from despoof.evaluation.despoofbench.methods import Method
from despoof.evaluation.despoofbench.pairs import BENCH_VERSION, SIMULATOR
from despoof.evaluation.despoofbench.run import PairResult
from despoof.evaluation.despoofbench.summary import Figure, separations, summarise

Plain = dict[str, Any]

COLUMNS: Mapping[str, tuple[str, int]] = {
    "correlation": ("correlation", 3),
    "correlation_p5": ("5th pct", 3),
    "relative_l2": ("rel. L2", 3),
    "peak_kept_db": ("peak kept, dB", 1),
    "psnr_db": ("PSNR, dB", 2),
    "ssim": ("SSIM", 3),
    "live_residual": ("live residual", 4),
}
"""Figure -> head and digits of its column."""


def table_rows(
    methods: Sequence[Method],
    results: Mapping[str, Sequence[PairResult]],
    *,
    draws: int = 1000,
    seed: int = 0,
) -> Plain:
    """Summarise every method over all pairs, by family and by species; JSON-ready."""
    rows: list[Plain] = []
    for method in methods:
        found = results[method.name]
        families = sorted({r.species.partition("/")[0] for r in found})
        species = sorted({r.species for r in found})
        rows.append(
            {
                "name": method.name,
                "title": method.title,
                "parameters": method.parameters,
                "crop": method.crop.plain(),
                "ms": float(np.median([r.ms for r in found])),
                "overall": _plain(summarise(found, draws=draws, seed=seed)) | separations(found),
                "by_family": {
                    name: _plain(
                        summarise(
                            [r for r in found if r.species.partition("/")[0] == name],
                            draws=draws,
                            seed=seed,
                        )
                    )
                    for name in families
                },
                "by_species": {
                    name: _plain(
                        summarise(
                            [r for r in found if r.species == name],
                            bands=False,
                            draws=draws,
                            seed=seed,
                        )
                    )
                    for name in species
                },
            }
        )
    first = next(iter(results.values()))
    return {
        "bench": BENCH_VERSION,
        "simulator": SIMULATOR,
        "seed": seed,
        "draws": draws,
        "n_pairs": len(first),
        "n_people": len({r.person for r in first}),
        "rows": rows,
    }


def write_table(folder: Path, table: object) -> None:
    """Write `despoofbench.json` and `despoofbench.md` into a folder, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    values = json.loads(json.dumps(table))
    with atomic_path(folder / "despoofbench.json") as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    with atomic_path(folder / "despoofbench.md") as temporary:
        temporary.write_text(f"# DespoofBench\n\n{markdown(values)}", encoding="utf-8")


def markdown(table: Plain) -> str:
    """Render the tables of `docs/despoofbench.md`."""
    rows: list[Plain] = table["rows"]
    parts = ["### All pairs\n", main_table(rows), _octaves(rows)]
    names = list(rows[0]["by_species"])
    for figure, (head, digits) in COLUMNS.items():
        if figure in ("correlation", "relative_l2", "psnr_db"):
            lines = [
                [
                    row["title"],
                    *(cell(row["by_family"][n][figure], digits) for n in row["by_family"]),
                    *(cell(row["by_species"][n][figure], digits, interval=False) for n in names),
                ]
                for row in rows
            ]
            parts.append(f"### By species: {head}\n")
            parts.append(_table(["row", *rows[0]["by_family"], *names], lines))
    return "\n".join(parts)


def cell(figure: Plain, digits: int, *, interval: bool = True) -> str:
    """Write a figure as `0.981 [0.975, 0.986]`; a dash where it does not exist.

    >>> cell({"value": 0.5, "ci95": [0.25, 0.75]}, 2)
    '0.50 [0.25, 0.75]'
    """
    if figure["value"] is None:
        return "–"
    text = f"{figure['value']:.{digits}f}"
    if interval and figure["ci95"] is not None:
        low, high = figure["ci95"]
        text += f" [{low:.{digits}f}, {high:.{digits}f}]"
    return text


def main_table(rows: Sequence[Plain]) -> str:
    """Render every row over all its pairs as a Markdown table."""
    heads = ["row", *(head for head, _ in COLUMNS.values()), "AUC by noise", "by score", "ms"]
    lines = [
        [
            row["title"],
            *(cell(row["overall"][name], digits) for name, (_, digits) in COLUMNS.items()),
            *(number(row["overall"][name]) for name in ("auc_noise", "auc_score")),
            f"{row['ms']:.1f}",
        ]
        for row in rows
    ]
    return _table(heads, lines)


def _octaves(rows: Sequence[Plain]) -> str:
    names = [name for name in rows[0]["overall"] if name.startswith("band_correlation_")]
    edges = ["0–4"] + [f"{2 ** (i + 1)}–{2 ** (i + 2)}" for i in range(1, len(names))]
    lines = [
        [
            row["title"],
            *(
                f"{number(row['overall'][f'band_{i}']['value'], 2)} / "
                f"{number(row['overall'][f'band_correlation_{i}']['value'], 2)}"
                for i in range(len(names))
            ),
        ]
        for row in rows
        if f"band_{len(names) - 1}" in row["overall"]
    ]
    head = "### Octaves: energy ratio / correlation (medians), cycles per picture\n\n"
    return head + _table(["row", *edges], lines)


def number(value: float | None, digits: int = 3) -> str:
    """Write a number, or a dash for None."""
    return "–" if value is None else f"{value:.{digits}f}"


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(heads) - 1)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (heads, rule, *lines))


def _plain(figures: Mapping[str, Figure]) -> Plain:
    return {
        name: {
            "value": figure.value if math.isfinite(figure.value) else None,
            "ci95": [figure.low, figure.high] if math.isfinite(figure.low) else None,
            "n": figure.n,
        }
        for name, figure in figures.items()
    }
