"""The table of left-out sources, from the score files of left_out.py.

    python benchmarks/left_out_table.py NAME …      # each name's folds side by side, kept
    python benchmarks/left_out_table.py --page      # docs/left_out.md from what was kept

Per fold: AUC plain and stressed with intervals by person, APCER and BPCER at a threshold that the
*other* folds chose (mean APCER and mean BPCER are equal there, every fold of equal weight).
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
from recording import OUT, write

from despoof.metrics import weighted
from despoof.metrics.curves import auc
from despoof.metrics.intervals import wilson
from despoof.metrics.resample import interval, resample
from despoof.metrics.scores import Scores, make_scores

SCORES = Path("runs/left_out")
FOLDS = ("celeba-spoof", "nuaa", "casia-mfsd", "replay-attack")
EXTRAS = ("axon", "visagetrack")
PAGE = Path(__file__).parents[1] / "docs" / "left_out.md"
TITLES = {
    "minifasnet": "MiniFASNet ×2, a peer",
    "fold-near": "near expert alone (the recipe of before)",
    "fold-labelled": "wide expert, labels alone",
    "fold-taught": "wide expert, taught answer alone",
    "fold": "two views, the same weight for each logit",
    "fold-fused": "two views, weights from the other folds",
}
FIXED = ("path", "subject", "label", "species", "camera", "shown")


@dataclass(frozen=True)
class Table:
    """One file of scores.

    Attributes:
        rows: as they stand.
        live: (N,) bool.
        shown: (N,) str, plain, stressed or tight.
        columns: the numbers, by column.
    """

    rows: list[dict[str, str]]
    live: NDArray[np.bool_]
    shown: NDArray[np.str_]
    columns: dict[str, NDArray[np.float64]]

    def scores(self, way: str = "plain") -> Scores:
        """Return those shown in one way; people are the unit, pictures where unknown."""
        half = self.shown == way
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
    live, shown = ([row[key] for row in rows] for key in ("label", "shown"))
    return Table(rows, np.array(live) == "live", np.array(shown), columns)


def chosen_threshold(folds: Sequence[Scores]) -> float:
    """Return where mean APCER and mean BPCER over the folds are equal, each of equal weight.

    The least sum of both is flat over a wide stretch, and would let its end decide.
    """
    ends = np.unique(np.concatenate([fold.score for fold in folds]))
    values = np.concatenate([[ends[0] - 1], (ends[1:] + ends[:-1]) / 2, [ends[-1] + 1]])
    gap = np.zeros(len(values))  # BPCER − APCER, rising
    for fold in folds:
        live, attack = np.sort(fold.score[fold.live]), np.sort(fold.score[~fold.live])
        gap += np.searchsorted(live, values, side="right") / len(live)
        gap += np.searchsorted(attack, values, side="right") / len(attack) - 1
    return float(values[np.abs(gap).argmin()])


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
    plain = {fold: table.scores() for fold, table in tables.items()}
    found: dict[str, Any] = {"name": name, "folds": {}}
    for fold, table in tables.items():
        threshold = chosen_threshold([plain[other] for other in FOLDS if other != fold])
        row: dict[str, Any] = {"threshold": threshold}
        row["auc"] = ranked(plain[fold], draws)
        row["auc_stressed"] = ranked(table.scores("stressed"), draws)
        row["auc_tight"] = ranked(table.scores("tight"), draws)
        row |= rates(plain[fold], threshold)
        row["stressed"] = rates(table.scores("stressed"), threshold)
        found["folds"][fold] = row
    folds = found["folds"].values()
    found["mean"] = {
        "auc": float(np.mean([row["auc"]["value"] for row in folds])),
        "auc_stressed": float(np.mean([row["auc_stressed"]["value"] for row in folds])),
        "auc_tight": float(np.mean([row["auc_tight"]["value"] for row in folds])),
        "worst_auc": float(min(row["auc"]["value"] for row in folds)),
        "apcer": float(np.mean([row["apcer"]["k"] / row["apcer"]["n"] for row in folds])),
        "bpcer": float(np.mean([row["bpcer"]["k"] / row["bpcer"]["n"] for row in folds])),
    }
    shared = chosen_threshold(list(plain.values()))
    found["threshold"] = shared
    for extra in EXTRAS:
        if (SCORES / f"{name}--{extra}.csv").exists():
            found[extra] = rates(read_table(name, extra).scores(), shared)
    return found


def share(rate: dict[str, Any]) -> str:
    """Percent, with counts."""
    return f"{100 * rate['k'] / rate['n']:.1f} ({rate['k']}/{rate['n']})"


def line(found: dict[str, Any]) -> str:
    """One row of the overview."""
    cells = [TITLES.get(found["name"], found["name"])]
    cells += [
        " / ".join(f"{row[key]['value']:.3f}" for key in ("auc", "auc_stressed", "auc_tight"))
        for row in found["folds"].values()
    ]
    mean = found["mean"]
    cells.append(" / ".join(f"{mean[k]:.3f}" for k in ("auc", "auc_stressed", "auc_tight")))
    cells.append(f"{mean['worst_auc']:.3f}")
    cells.append(f"{100 * mean['apcer']:.1f} / {100 * mean['bpcer']:.1f}")
    return "| " + " | ".join(cells) + " |"


def fold_lines(found: dict[str, Any]) -> list[str]:
    """Rows of the long table: one a fold, and the sets of one class or one clip."""
    title = TITLES.get(found["name"], found["name"])
    lines: list[str] = []
    for fold, row in found["folds"].items():
        low, high = row["auc"]["ci95"]
        cells = [title, fold, f"{row['auc']['value']:.3f} [{low:.3f}, {high:.3f}]"]
        low, high = row["auc_stressed"]["ci95"]
        cells.append(f"{row['auc_stressed']['value']:.3f} [{low:.3f}, {high:.3f}]")
        low, high = row["auc_tight"]["ci95"]
        cells.append(f"{row['auc_tight']['value']:.3f} [{low:.3f}, {high:.3f}]")
        cells += [share(row["apcer"]), share(row["bpcer"])]
        cells += [share(row["stressed"]["apcer"]), share(row["stressed"]["bpcer"])]
        lines.append("| " + " | ".join(cells) + " |")
    for extra in EXTRAS:
        if extra in found:
            rates_of = [found[extra][kind] for kind in ("apcer", "bpcer")]
            shown = [share(rate) if rate else "" for rate in rates_of]
            lines.append(f"| {title} | {extra} | | | | {shown[0]} | {shown[1]} | | |")
    return lines


def write_page() -> None:
    """Make docs/left_out.md from the kept rows."""
    kept = json.loads((OUT / "left_out.json").read_text(encoding="utf-8"))
    head = "| scores | " + " | ".join(FOLDS) + " | mean | worst | APCER / BPCER % |"
    rule = "| --- |" + " ---: |" * (len(FOLDS) + 3)
    overview = [head, rule, *map(line, kept["rows"])]
    long = [
        "| scores | left out | AUC [95 %] | stressed | tight | APCER % | BPCER % "
        "| stressed APCER % | stressed BPCER % |",
        "| --- | --- |" + " ---: |" * 7,
        *(text for row in kept["rows"] for text in fold_lines(row)),
    ]
    people = json.loads((OUT / "left_out_people.json").read_text(encoding="utf-8"))
    groups = ["| by | group | refused % | 95 % |", "| --- | --- | ---: | ---: |"]
    for row in people["rows"]:
        low, high = (100 * end for end in row["ci95"])
        groups.append(f"| {row['by']} | {row['group']} | {share(row)} | {low:.1f} to {high:.1f} |")
    template = Path(__file__).with_name("left_out_template.md").read_text(encoding="utf-8")
    text = template.format(
        overview="\n".join(overview),
        folds="\n".join(long),
        people="\n".join(groups),
        **{key: kept[key] for key in ("date", "commit", "machine", "torch")},
    )
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    """Measure some names, keep and print their rows; or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    if asked.names:
        path = OUT / "left_out.json"
        old = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
        rows = [row for row in old if row["name"] not in asked.names]
        rows += [measured(name) for name in asked.names]
        order = list(TITLES)
        rows.sort(key=lambda row: order.index(row["name"]) if row["name"] in order else len(order))
        print("| name | " + " | ".join(FOLDS) + " | mean | worst | APCER / BPCER |")
        for row in rows:
            print(line(row))
        write("left_out", {"rows": rows})
    if asked.page:
        write_page()


if __name__ == "__main__":
    main()
