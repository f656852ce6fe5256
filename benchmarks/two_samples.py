"""Compare two samples of pictures or pairs, statistic by statistic and all together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

FOLDS = 5

Table = dict[str, NDArray[np.float64]]
"""Statistic to one value per picture."""


@dataclass(frozen=True)
class Sample:
    """Statistics of N pictures.

    Attributes:
        table: statistic to (N,) values.
        people: (N,) who is seen; pictures of one person are not independent.
    """

    table: Table
    people: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.people)

    def at(self, rows: NDArray[Any]) -> "Sample":
        """Keep rows."""
        return Sample(
            {name: values[rows] for name, values in self.table.items()}, self.people[rows]
        )


def sample_of(rows: list[dict[str, float]], people: list[str]) -> Sample:
    """Turn one dictionary a picture into a table."""
    names = rows[0] if rows else ()
    return Sample({n: np.array([row[n] for row in rows]) for n in names}, np.array(people, np.str_))


def by_statistic(real: Sample, simulated: Sample) -> list[dict[str, Any]]:
    """Two-sample tests of every statistic, the most telling first.

    A row has medians and quartiles, Kolmogorov-Smirnov's D with its p for independent pictures, p
    of the people's medians (Mann-Whitney: pictures of one person are not independent), the AUC of
    the statistic alone (0.5 = nothing to tell), and the difference of medians over the real
    sample's robust standard deviation.
    """
    rows: list[dict[str, Any]] = []
    for name in real.table:
        a, b = (s.table[name][np.isfinite(s.table[name])] for s in (real, simulated))
        test = stats.ks_2samp(a, b)
        area = float(stats.mannwhitneyu(b, a).statistic / (len(a) * len(b)))
        low, middle, high = np.percentile(a, [25, 50, 75])
        spread = max(float(high - low) / 1.349, 1e-9)
        people = [_by_person(s, name) for s in (real, simulated)]
        rows.append(
            {
                "statistic": name,
                "real": [float(low), float(middle), float(high)],
                "simulated": np.percentile(b, [25, 50, 75]).tolist(),
                "ks": float(test.statistic),
                "p": float(test.pvalue),
                "p_people": float(stats.mannwhitneyu(*people).pvalue),
                "auc": max(area, 1 - area),
                "effect": float((np.median(b) - middle) / spread),
                "n_real": len(a),
                "n_simulated": len(b),
            }
        )
    return sorted(rows, key=lambda row: -row["auc"])


def classifier(real: Sample, simulated: Sample, seed: int = 0) -> dict[str, Any]:
    """Tell real from simulated with a logistic regression on all statistics, by person.

    Folds hold out people, the same person's real and simulated pictures together. Keys: `auc`, out
    of fold, 0.5 = perfect simulation; its 95 % interval over people; and by how much it falls when
    a statistic is shuffled (`keys_on`), the three greatest first.
    """
    names = list(real.table)
    x = np.column_stack([np.concatenate([real.table[n], simulated.table[n]]) for n in names])
    x = np.where(np.isfinite(x), x, np.nanmedian(x, axis=0))
    y = np.repeat([0, 1], [len(real), len(simulated)])
    people = np.concatenate([real.people, simulated.people])
    folds = min(FOLDS, len(np.unique(people)))
    if folds < 2:
        raise ValueError("One person cannot be held out; give at least two.")
    out, falls = np.zeros(len(y)), np.zeros(len(names))
    rng = np.random.default_rng(seed)
    for train, test in GroupKFold(folds).split(x, y, people):
        model = make_pipeline(
            QuantileTransformer(
                n_quantiles=min(100, len(train)), output_distribution="normal", random_state=seed
            ),
            LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced"),
        ).fit(x[train], y[train])
        out[test] = model.decision_function(x[test])
        if len(np.unique(y[test])) < 2:
            continue
        for column in range(len(names)):
            shuffled = x[test].copy()
            rng.shuffle(shuffled[:, column])
            fall = roc_auc_score(y[test], out[test]) - roc_auc_score(
                y[test], model.decision_function(shuffled)
            )
            falls[column] += fall / folds
    order = np.argsort(-falls)[:3]
    return {
        "auc": float(roc_auc_score(y, out)),
        "auc_ci95": _interval(y, out, people, rng),
        "n_real": len(real),
        "n_simulated": len(simulated),
        "people": len(np.unique(people)),
        "folds": folds,
        "keys_on": [[names[k], float(falls[k])] for k in order],
    }


def _by_person(sample: Sample, name: str) -> list[float]:
    values = sample.table[name]
    return [float(np.nanmedian(values[sample.people == p])) for p in np.unique(sample.people)]


def _interval(
    y: NDArray[np.intp],
    score: NDArray[np.float64],
    people: NDArray[np.str_],
    rng: np.random.Generator,
) -> list[float] | None:
    names = np.unique(people)
    if len(names) < 5:
        return None
    rows = [np.flatnonzero(people == name) for name in names]
    found: list[float] = []
    for _ in range(300):
        take = np.concatenate([rows[k] for k in rng.integers(len(rows), size=len(rows))])
        if 0 < y[take].sum() < len(take):
            found.append(float(roc_auc_score(y[take], score[take])))
    return np.percentile(found, [2.5, 97.5]).tolist()
