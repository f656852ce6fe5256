"""Weights of the two-view system's three logits, from scores on sources that were left out.

    python benchmarks/left_out_fusion.py --name fold [--ends] -o runs/left_out/fusion.json

Reads the scores that `left_out.py score` wrote (<name>--<set>.csv): each fold's logits come from
networks that saw nothing of it. Logistic regression on plain and stressed pictures; every fold and
class weighs the same. For the table each fold is scored with weights fitted on the *other* folds
(<name>-fused--<set>.csv, and a file for each logit alone); what ships is fitted on all of them, as
`model.fusion` takes it (-o).
"""

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from left_out_table import EXTRAS, FOLDS, SCORES, Table, read_table
from numpy.typing import NDArray
from scipy.optimize import minimize

from despoof.systems.two_views.config import FusionConfig

LOGITS = ("near", "taught", "labelled")
PENALTY = 0.02
"""Of squared weights: four sources are few, and equal weights are a fair guess."""
START = (0.4, 0.4, 0.4)


def features(table: Table, ends: bool) -> NDArray[np.float64]:
    """(N, 4), or (N, 8) where both ends of context have weights of their own."""
    logits = np.column_stack([table.columns[name] for name in LOGITS])
    x = np.column_stack([logits, np.ones(len(logits))])
    if not ends:
        return x
    low, high = FusionConfig().reach
    share = ((table.columns["reach"] - low) / (high - low)).clip(0, 1)[:, None]
    return np.column_stack([x * (1 - share), x * share])


def fit(tables: Sequence[Table], ends: bool) -> NDArray[np.float64]:
    """Return the weights that tell live from attack best over folds of equal weight."""
    x = np.concatenate([features(table, ends) for table in tables])
    y = np.concatenate([table.live for table in tables])
    weight = np.concatenate([_balance(table.live) for table in tables]) / len(tables)
    start = np.tile([*START, 0.0], 2 if ends else 1)
    free = np.tile([1.0, 1.0, 1.0, 0.0], 2 if ends else 1)

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = np.where(y, 1.0, -1.0) * (x @ w)
        slope = -np.where(y, 1.0, -1.0) * weight / (1 + np.exp(margin.clip(-50, 50)))
        pull = PENALTY * free * (w - start)
        value = float((weight * np.logaddexp(0, -margin)).sum() + (pull * (w - start)).sum() / 2)
        return value, x.T @ slope + pull

    bounds = [(0, None), (0, None), (0, None), (None, None)] * (2 if ends else 1)
    return np.asarray(minimize(loss, start, jac=True, bounds=bounds).x)


def _balance(live: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(live, 0.5 / max(1, live.sum()), 0.5 / max(1, (~live).sum()))


def as_config(w: NDArray[np.float64], ends: bool) -> FusionConfig:
    """Return the weights as the system's configuration."""
    low, high = (w[:4], w[4:]) if ends else (w, w)
    pairs = {n: (float(low[i]), float(high[i])) for i, n in enumerate((*LOGITS, "bias"))}
    return FusionConfig.parse(pairs)


def write_scores(name: str, fold: str, table: Table, score: NDArray[np.float64]) -> None:
    """Write a fold's rows with another score."""
    with (SCORES / f"{name}--{fold}.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(table.rows[0]))
        writer.writeheader()
        writer.writerows(
            {**row, "score": value} for row, value in zip(table.rows, score, strict=True)
        )


def main() -> None:
    """Fit, write the fused scores of each fold and the weights of all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="fold")
    parser.add_argument("--folds", nargs="+", default=list(FOLDS))
    parser.add_argument("--ends", action="store_true", help="weights of their own for tight crops")
    parser.add_argument("-o", type=Path)
    asked = parser.parse_args()
    fused = f"{asked.name}-fused{'-ends' if asked.ends else ''}"
    tables: Mapping[str, Table] = {n: read_table(asked.name, n) for n in asked.folds}
    for held, table in tables.items():
        others = [other for name, other in tables.items() if name != held]
        score = features(table, asked.ends) @ fit(others, asked.ends)
        write_scores(fused, held, table, score)
        for part in LOGITS:
            write_scores(f"{asked.name}-{part}", held, table, table.columns[part])
    weights = fit(list(tables.values()), asked.ends)
    for extra in EXTRAS:
        if (SCORES / f"{asked.name}--{extra}.csv").exists():
            table = read_table(asked.name, extra)
            write_scores(fused, extra, table, features(table, asked.ends) @ weights)
    config = as_config(weights, asked.ends).plain()
    text = json.dumps(config)
    print(text)
    if asked.o:
        asked.o.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
