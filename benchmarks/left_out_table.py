"""The table of left-out sources, from the score files of left_out.py.

    python benchmarks/left_out_table.py NAME …       # print: each name's folds side by side

Per fold: AUC plain and stressed with intervals by person, APCER and BPCER at a threshold that the
*other* folds chose (the mean of their errors is least there, every fold and class of equal weight).
Axon holds attacks alone: APCER at the threshold of all four folds. VisageTrack is one clip: shown,
in no mean.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from despoof.metrics import weighted
from despoof.metrics.curves import auc
from despoof.metrics.intervals import wilson
from despoof.metrics.resample import interval, resample
from despoof.metrics.scores import Scores, make_scores

SCORES = Path("runs/left_out")
FOLDS = ("celeba-spoof", "nuaa", "casia-mfsd", "replay-attack")
FIXED = ("path", "subject", "label", "species", "camera")


@dataclass(frozen=True)
class Table:
    """One file of scores.

    Attributes:
        rows: as they stand.
        live: (N,) bool.
        stressed: (N,) bool.
        columns: the numbers, by column.
    """

    rows: list[dict[str, str]]
    live: NDArray[np.bool_]
    stressed: NDArray[np.bool_]
    columns: dict[str, NDArray[np.float64]]

    def scores(self, stressed: bool) -> Scores:
        """Return the plain or the stressed half; people are the unit, pictures where unknown."""
        half = self.stressed == stressed
        rows = [row for row, chosen in zip(self.rows, half, strict=True) if chosen]
        groups = [row["subject"] or row["path"] for row in rows]
        species = [row["species"] for row in rows]
        return make_scores(self.columns["score"][half], self.live[half], species, groups)


def read_table(name: str, dataset: str) -> Table:
    """Read runs/left_out/<name>--<dataset>.csv."""
    with (SCORES / f"{name}--{dataset}.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    numbers = [column for column in rows[0] if column not in FIXED]
    columns = {c: np.array([float(row[c]) for row in rows]) for c in numbers}
    return Table(
        rows, np.array([r["label"] == "live" for r in rows]), columns["stressed"] == 1, columns
    )


def chosen_threshold(folds: Sequence[Scores]) -> float:
    """Return where the mean of APCER and BPCER over the folds is least, each of equal weight."""
    ends = np.unique(np.concatenate([fold.score for fold in folds]))
    values = np.concatenate([[ends[0] - 1], (ends[1:] + ends[:-1]) / 2, [ends[-1] + 1]])
    error = np.zeros(len(values))
    for fold in folds:
        live, attack = np.sort(fold.score[fold.live]), np.sort(fold.score[~fold.live])
        if len(live):
            error += np.searchsorted(live, values, side="right") / len(live)
        if len(attack):
            error += 1 - np.searchsorted(attack, values, side="right") / len(attack)
    return float(values[error.argmin()])


def rates(scores: Scores, threshold: float) -> dict[str, Any]:
    """APCER and BPCER with counts and Wilson's 95 % intervals; None where a class is missing."""
    found: dict[str, Any] = {}
    for name, of in (("apcer", ~scores.live), ("bpcer", scores.live)):
        passes = scores.score[of] > threshold
        wrong, n = int(passes.sum() if name == "apcer" else (~passes).sum()), len(passes)
        found[name] = None if n == 0 else {"k": wrong, "n": n, "ci95": list(wilson(wrong, n))}
    return found


def ranked(scores: Scores, draws: int = 1000) -> dict[str, Any]:
    """AUC with a 95 % bootstrap over people."""
    ends = interval(resample(scores, {"auc": weighted.auc}, draws=draws, seed=0)["auc"], 0.95)
    return {"value": float(auc(scores)), "ci95": [ends.low, ends.high]}


def measured(name: str, draws: int = 1000) -> dict[str, Any]:
    """Measure a name on its folds: by fold, and the means."""
    tables = {fold: read_table(name, fold) for fold in FOLDS}
    plain = {fold: table.scores(False) for fold, table in tables.items()}
    found: dict[str, Any] = {"name": name, "folds": {}}
    for fold, table in tables.items():
        threshold = chosen_threshold([plain[other] for other in FOLDS if other != fold])
        row: dict[str, Any] = {"threshold": threshold}
        row["auc"] = ranked(plain[fold], draws)
        row["auc_stressed"] = ranked(table.scores(True), draws)
        row |= rates(plain[fold], threshold)
        row["stressed"] = rates(table.scores(True), threshold)
        found["folds"][fold] = row
    folds = found["folds"].values()
    found["mean"] = {
        "auc": float(np.mean([row["auc"]["value"] for row in folds])),
        "auc_stressed": float(np.mean([row["auc_stressed"]["value"] for row in folds])),
        "worst_auc": float(min(row["auc"]["value"] for row in folds)),
        "apcer": float(np.mean([row["apcer"]["k"] / row["apcer"]["n"] for row in folds])),
        "bpcer": float(np.mean([row["bpcer"]["k"] / row["bpcer"]["n"] for row in folds])),
    }
    shared = chosen_threshold(list(plain.values()))
    found["threshold"] = shared
    for extra in ("axon", "visagetrack"):
        if (SCORES / f"{name}--{extra}.csv").exists():
            found[extra] = rates(read_table(name, extra).scores(False), shared)
    return found


def line(found: dict[str, Any]) -> str:
    """One row of the printed table."""
    cells = [found["name"]]
    for row in found["folds"].values():
        errors = "/".join(f"{row[k]['k'] / row[k]['n']:.3f}" for k in ("apcer", "bpcer"))
        cells.append(f"{row['auc']['value']:.3f} ({row['auc_stressed']['value']:.3f}) {errors}")
    mean = found["mean"]
    cells.append(f"{mean['auc']:.3f} ({mean['auc_stressed']:.3f})")
    cells.append(f"{mean['worst_auc']:.3f}")
    cells.append(f"{mean['apcer']:.3f}/{mean['bpcer']:.3f}")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table of some names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = [measured(name) for name in asked.names]
    print("| name | " + " | ".join(FOLDS) + " | mean AUC | worst | APCER/BPCER |")
    for row in rows:
        print(line(row))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
