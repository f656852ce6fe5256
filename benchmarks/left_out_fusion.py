"""Weights of the two-view system's three logits, from scores on sources that were left out.

    python benchmarks/left_out_fusion.py --name fold -o runs/left_out/fusion.json

Reads the scores that `left_out.py score` wrote (<name>--<set>.csv): each fold's logits come from
networks that saw nothing of it. The taught answer counts once; the near logit and what labels said
count what a small grid says is best, by the mean AUC over folds, plain, stressed and tight. Four
sources cannot tell finer. For the table each fold is scored with weights that the *other* folds
chose (<name>-fused--<set>.csv, and a file for each logit alone). What ships is chosen on all of
them (-o, as `model.fusion`); its threshold is chosen on <name>-all--<set>.csv, folds with those
weights.
"""

import argparse
import csv
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from left_out_table import EXTRAS, FOLDS, SCORES, Table, read_table
from numpy.typing import NDArray

from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores
from despoof.systems.two_views.config import FusionConfig

LOGITS = ("near", "taught", "labelled")
NEAR = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
LABELLED = (0.0, 0.25, 0.5, 0.75, 1.0)
WAYS = ("plain", "stressed", "tight")
Weights = tuple[float, float, float]
"""Of `LOGITS`."""


def weighed(table: Table, weights: Weights) -> NDArray[np.float64]:
    """(N,) scores."""
    logits = [table.columns[name] for name in LOGITS]
    return np.asarray(sum(w * logit for w, logit in zip(weights, logits, strict=True)))


def mean_auc(tables: Sequence[Table], weights: Weights) -> float:
    """AUC with these weights, mean over folds and ways of showing."""
    found: list[float] = []
    for table in tables:
        score = weighed(table, weights)
        for way in WAYS:
            rows = table.shown == way
            found.append(float(auc(make_scores(score[rows], table.live[rows]))))
    return float(np.mean(found))


def chosen(tables: Sequence[Table]) -> Weights:
    """Return the weights of the grid that are best on these folds."""
    grid = [(near, 1.0, labelled) for near, labelled in itertools.product(NEAR, LABELLED)]
    return max(grid, key=lambda weights: mean_auc(tables, weights))


def write_scores(name: str, fold: str, table: Table, score: NDArray[np.float64]) -> None:
    """Write a fold's rows with another score."""
    with (SCORES / f"{name}--{fold}.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(table.rows[0]))
        writer.writeheader()
        writer.writerows(
            {**row, "score": value} for row, value in zip(table.rows, score, strict=True)
        )


def main() -> None:
    """Choose, write the fused scores of each fold and the weights of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="fold")
    parser.add_argument("-o", type=Path)
    asked = parser.parse_args()
    tables: Mapping[str, Table] = {n: read_table(asked.name, n) for n in FOLDS}
    for held, table in tables.items():
        weights = chosen([other for name, other in tables.items() if name != held])
        print(f"without {held}: {dict(zip(LOGITS, weights, strict=True))}")
        write_scores(f"{asked.name}-fused", held, table, weighed(table, weights))
        for part in LOGITS:
            write_scores(f"{asked.name}-{part}", held, table, table.columns[part])
    weights = chosen(list(tables.values()))
    for fold, table in tables.items():
        write_scores(f"{asked.name}-all", fold, table, weighed(table, weights))
    for extra in EXTRAS:
        if (SCORES / f"{asked.name}--{extra}.csv").exists():
            table = read_table(asked.name, extra)
            write_scores(f"{asked.name}-fused", extra, table, weighed(table, weights))
    pairs = {name: (w, w) for name, w in zip(LOGITS, weights, strict=True)}
    text = json.dumps(FusionConfig.parse(pairs).plain())
    print(text)
    if asked.o:
        asked.o.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
