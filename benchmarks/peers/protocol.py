"""Which sets and views are judged, and how answers become tables."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from despoof.data.samples import Sample
from despoof.evaluation.scoring import labelled
from despoof.metrics.scores import Scores
from peers.contract import Candidate, Judged
from peers.figures import Table, part_of, table_of
from peers.pictures import judged
from peers.score_csv import covers

SETS = ("nuaa test", "celeba-spoof dev")
NEW_PEOPLE = "nuaa test, new people"
VIEWS = ("plain", "stressed")

Answers = dict[tuple[str, str], dict[str, list[Judged]]]


def answers_of(
    candidates: Sequence[Candidate], pictures: dict[str, list[Sample]], cache: Path
) -> Answers:
    """Let every candidate judge every set: (set, view) -> name -> answers."""
    found: Answers = {}
    for name, samples in pictures.items():
        for view in VIEWS if name in SETS else VIEWS[:1]:
            start = time.monotonic()
            answers = judged(candidates, samples, cache, stressed=view == "stressed")
            for table in [c for c in candidates if c.scores and view == "plain"]:
                if covers(table, [sample.name for sample in samples]):
                    answers[table.name] = [Judged(table.scores[s.name]) for s in samples]
            found[name, view] = answers
            print(f"{name}, {view}: {time.monotonic() - start:.0f} s", flush=True)
    return found


def dev_scores(
    candidate: Candidate, pictures: dict[str, list[Sample]], answers: Answers
) -> Scores | None:
    """Join a candidate's scores on the sets that its threshold is chosen on; None without them."""
    there = [candidate.name in answers.get((name, "plain"), {}) for name in candidate.dev]
    if not there or not all(there):
        return None
    samples = [sample for name in candidate.dev for sample in pictures[name]]
    scores = [a.score for name in candidate.dev for a in answers[name, "plain"][candidate.name]]
    return labelled(samples, np.array(scores))


def tables_of(
    candidates: Sequence[Candidate],
    pictures: dict[str, list[Sample]],
    answers: Answers,
    thresholds: dict[str, float | None],
    new_people: set[str],
) -> list[Table]:
    """One table for each candidate, set and view, and one for NUAA's new people."""
    found: list[Table] = []
    for name in SETS:
        new = np.array([sample.name in new_people for sample in pictures[name]])
        for view in VIEWS:
            there = answers[name, view]
            whole = [
                table_of((c.name, name, view), pictures[name], there[c.name], thresholds[c.name])
                for c in candidates
                if c.name in there
            ]
            found += whole
            if new.any():
                found += [part_of(table, NEW_PEOPLE, new) for table in whole]
    return found
