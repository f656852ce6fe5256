"""Figures of one candidate on one set: AUC, error rates by its own rule, intervals over people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from despoof.data.samples import Sample
from despoof.evaluation.scoring import labelled
from despoof.metrics import weighted
from despoof.metrics.curves import auc, eer
from despoof.metrics.rates import apcer, bpcer
from despoof.metrics.resample import interval, resample
from despoof.metrics.scores import Scores, make_scores, select
from peers.contract import Candidate, Judged

DRAWS = 1000
SEED = 0


@dataclass(frozen=True)
class Table:
    """One candidate's answers on one set in one view.

    Attributes:
        candidate: its name.
        set: the set's name.
        view: "plain" or "stressed".
        scores: N scores with their labels and people.
        live: (N,) bool decisions by its own rule; None where it has none here.
    """

    candidate: str
    set: str
    view: str
    scores: Scores
    live: NDArray[np.bool_] | None


def threshold_of(candidate: Candidate, dev: Scores | None) -> float | None:
    """Return the candidate's threshold: its own, else the EER of its development scores.

    None where it has neither.
    """
    if candidate.threshold is not None:
        return candidate.threshold
    return None if dev is None else eer(dev).threshold


def table_of(
    key: tuple[str, str, str],
    samples: Sequence[Sample],
    answers: Sequence[Judged],
    threshold: float | None,
) -> Table:
    """Join answers with labels; decisions are the candidate's own, else score > threshold.

    Args:
        key: names of candidate, set and view.
        samples: N pictures.
        answers: N, of the candidate.
        threshold: where the answers hold no decision; None where there is none either.
    """
    scores = labelled(samples, np.array([a.score for a in answers], np.float64))
    own = [a.live for a in answers]
    live = None
    if all(decision is not None for decision in own):
        live = np.array(own, np.bool_)
    elif threshold is not None:
        live = scores.score > threshold
    return Table(*key, scores, live)


def part_of(table: Table, name: str, rows: NDArray[np.bool_]) -> Table:
    """Keep some rows, as a set of another name."""
    live = None if table.live is None else table.live[rows]
    return Table(table.candidate, name, table.view, select(table.scores, rows), live)


def row_of(table: Table) -> dict[str, Any]:
    """Figures as JSON values; a rate has k, n and an interval over people, or is null."""
    scores = table.scores
    row: dict[str, Any] = {
        "candidate": table.candidate,
        "set": table.set,
        "view": table.view,
        "n_live": scores.n_live,
        "n_attack": scores.n_attack,
        "people": len(scores.groups[0]),
        "auc": auc(scores),
        "auc_ci95": _ends(scores, "auc", None),
    }
    if table.live is None:
        return row | dict.fromkeys(("apcer", "apcer_ci95", "bpcer", "bpcer_ci95"))
    decided = make_scores(table.live.astype(np.float64), scores.live, scores.species, scores.group)
    for name, rate in (("apcer", apcer(decided, 0.5)), ("bpcer", bpcer(decided, 0.5))):
        row |= {name: rate.value, f"{name}_k": rate.k, f"{name}_n": rate.n}
        row[f"{name}_ci95"] = _ends(decided, name, 0.5)
    return row


def _ends(scores: Scores, name: str, threshold: float | None) -> list[float] | None:
    if min(scores.n_groups()) < 2:
        return None
    statistic = {"auc": weighted.auc, "apcer": weighted.apcer, "bpcer": weighted.bpcer}[name]
    drawn = resample(
        scores, {name: statistic}, threshold=threshold, draws=DRAWS, seed=SEED, strata="class"
    )
    ends = interval(drawn[name])
    return [ends.low, ends.high]
