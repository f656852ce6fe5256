"""A score table judged: every number of `despoof evaluate`, before it is printed anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import DataError, InputError
from despoof.evaluation.report_nonresponses import NonResponses, non_responses
from despoof.evaluation.rows import Row, Threshold, evaluation_row
from despoof.evaluation.score_formats import ScoreTable
from despoof.metrics import weighted
from despoof.metrics.bootstrap import Interval
from despoof.metrics.codes import encode
from despoof.metrics.curves import Eer, eer
from despoof.metrics.delong import AucInterval, auc_interval
from despoof.metrics.operating import OperatingPoint, bpcer_10_20_100
from despoof.metrics.rates import Rate, make_rate
from despoof.metrics.resample import interval, resample
from despoof.metrics.scores import Scores, select
from despoof.metrics.species import d_eer_by_species
from despoof.metrics.weighted import Statistic

ORACLE = "oracle: chosen on these scores"
PARTS = ("subject", "device", "session")
STATISTICS: Mapping[str, Statistic] = {
    "eer": weighted.eer,
    "apcer_pooled": weighted.apcer,
    "apcer_max": weighted.apcer_max,
    "bpcer": weighted.bpcer,
    "acer_max": weighted.acer_max,
    "hter": weighted.hter,
}
AT_APCER = {f"bpcer{n}": weighted.bpcer_at(1 / n) for n in (10, 20, 100)}
FEWEST_DRAWS = 200
WORK = 40_000_000
"""Presentations times draws that the bootstrap may cost; beyond, fewer draws or none."""


@dataclass(frozen=True)
class Part:
    """Rates of the presentations that share a value of a column, at the one threshold."""

    key: str
    apcer: Rate | None
    bpcer: Rate | None


@dataclass(frozen=True)
class Judgement:
    """One system on one set of scores.

    Attributes:
        name: of the system, from the file.
        table: the scores that were judged.
        row: the headline rates.
        oracle: the threshold was chosen on these very scores.
        auc: with DeLong's interval over subjects; None where a class has fewer than two.
        grouped: 95 % bootstrap intervals over subjects of EER, of the BPCER10, 20 and 100 that
            the sample resolves, their thresholds taken anew in every draw, and of the rates at
            the threshold, where dev scores chose it with dev resampled too; empty where a class
            has one subject.
        at_apcer: BPCER10, 20 and 100 by their name, for the worst species; oracles by definition.
        species_eer: D-EER of every species against all live presentations.
        parts: rates by subject, device and session, as far as the file has them.
        folds: rates of every fold, at the fold's own threshold where dev has folds.
        missing: clips that gave no score; None where no list of them lies beside the file.
        notes: what a reader must know, in sentences.
    """

    name: str
    table: ScoreTable
    row: Row
    oracle: bool
    auc: AucInterval | None
    grouped: Mapping[str, Interval]
    at_apcer: Mapping[str, OperatingPoint]
    species_eer: Mapping[str, Eer]
    parts: Mapping[str, Sequence[Part]] = field(default_factory=dict[str, Sequence[Part]])
    folds: Sequence[Row] = ()
    missing: NonResponses | None = None
    notes: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """What the bootstrap draws: "subjects", or "clips" where the file knows no subjects."""
        return "subjects" if any(self.table.subject) else "clips"


def judge(
    table: ScoreTable,
    dev: ScoreTable | None = None,
    threshold: float | None = None,
    *,
    name: str | None = None,
    draws: int = 2000,
) -> Judgement:
    """Judge a score table at a threshold from elsewhere, or, labelled so, at its own EER.

    Where the table has rows of split dev and test, and neither `dev` nor `threshold` is given, the
    dev rows choose the threshold; only the test rows are judged.

    Args:
        table: to be judged.
        dev: its EER threshold is used.
        threshold: as given; not together with `dev`.
        name: of the system; default the file's name.
        draws: of the bootstrap over subjects; fewer for large tables, see `WORK`.

    Raises:
        InputError: both `dev` and `threshold`.
        DataError: a class is missing where the threshold has to be chosen.
    """
    if dev is not None and threshold is not None:
        raise InputError("Both dev scores and a threshold were given; leave one of them out.")
    name = name or Path(table.source).stem
    test, own_dev = _split(table)
    chosen_dev = dev if dev is not None else (own_dev if threshold is None else None)
    scores = test.scores()
    fixed = _threshold(scores, test, chosen_dev, threshold)
    oracle = fixed.chosen.startswith("oracle")
    row = evaluation_row(name, scores, fixed, draws=0)
    resampled = chosen_dev.scores() if chosen_dev is not None else None
    both = scores.n_live > 0 and scores.n_attack > 0
    at_apcer = bpcer_10_20_100(scores) if both else {}
    resolved = {key: AT_APCER[key] for key, point in at_apcer.items() if point.resolved}
    return Judgement(
        name=name,
        table=test,
        row=row,
        oracle=oracle,
        auc=auc_interval(scores, scale="logit")
        if min(row.live_groups, row.attack_groups) > 1
        else None,
        grouped=grouped_intervals(
            scores, resampled, fixed.value, draws, {**STATISTICS, **resolved}
        ),
        at_apcer=at_apcer,
        species_eer=d_eer_by_species(scores) if both else {},
        parts=_parts(test, scores, fixed.value),
        folds=_folds(test, scores, fixed, chosen_dev),
        missing=non_responses(table.source),
        notes=_notes(test, row, oracle),
    )


def grouped_intervals(
    scores: Scores,
    dev: Scores | None,
    threshold: float,
    draws: int,
    statistics: Mapping[str, Statistic] = STATISTICS,
) -> dict[str, Interval]:
    """Bootstrap over subjects: strata are species, or classes where a species has one subject.

    Args:
        scores: that are judged.
        dev: resampled too and its EER threshold taken anew in every draw; None = fixed threshold.
        threshold: the fixed one.
        draws: wanted; see `WORK`.
        statistics: by name.

    Returns:
        By name; empty where there is nothing to resample or it would cost too much.
    """
    draws = min(draws, WORK // max(1, len(scores) + (len(dev) if dev is not None else 0)))
    if draws < FEWEST_DRAWS or not (scores.n_live and scores.n_attack):
        return {}
    for strata in ("species", "class"):
        try:
            sampled = resample(
                scores,
                statistics,
                threshold=threshold if dev is None else None,
                dev=dev,
                draws=draws,
                strata=strata,
            )
        except InputError:  # a stratum has one group
            continue
        return {name: interval(one) for name, one in sampled.items()}
    return {}


def _split(table: ScoreTable) -> tuple[ScoreTable, ScoreTable | None]:
    splits = table.splits()
    if "test" not in splits and len(splits) > 1:
        note = (
            f"Rows of {' and '.join(sorted(splits))} were judged together: none is of split test."
        )
        return replace(table, notes=(*table.notes, note)), None
    if len(splits) < 2:
        return table, None
    test = table.of_split("test", note="Only the rows of split test were judged.")
    return test, table.of_split("dev") if "dev" in splits else None


def _threshold(
    scores: Scores, test: ScoreTable, dev: ScoreTable | None, given: float | None
) -> Threshold:
    if given is not None:
        return Threshold(given, "given")
    source = dev if dev is not None else test
    of = source.scores()
    if not (of.n_live and of.n_attack):
        raise DataError(
            f"{source.source} has {of.n_live} live and {of.n_attack} attack presentations, and a "
            "threshold is chosen on both. Give --threshold X, or --dev with both classes."
        )
    if dev is None:
        return Threshold(eer(scores).threshold, f"{ORACLE} (test EER)")
    return Threshold(eer(of).threshold, f"dev EER ({Path(dev.source).name}, n = {len(of)})")


def _parts(table: ScoreTable, scores: Scores, threshold: float) -> dict[str, list[Part]]:
    columns = {"subject": table.subject, **table.extra}
    wrong = (scores.score > threshold) != scores.live
    parts: dict[str, list[Part]] = {}
    for name in PARTS:
        cells = columns.get(name, [])
        if any(cells):
            known = name == "subject" and all(cells)  # then they are the groups
            codes = scores.groups if known else encode(np.array(cells, np.str_))
            parts[name] = _by(*codes, scores.live, wrong)
    return parts


def _by(
    names: NDArray[np.str_],
    which: NDArray[np.intp],
    live: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
) -> list[Part]:
    size = len(names)

    def counts(of: NDArray[np.bool_]) -> list[tuple[int, int]]:
        n = np.bincount(which[of], minlength=size)
        k = np.bincount(which[of & wrong], minlength=size)
        return list(zip(k.tolist(), n.tolist(), strict=True))

    return [
        Part(name or "(none)", make_rate(*a) if a[1] else None, make_rate(*b) if b[1] else None)
        for name, a, b in zip(names.tolist(), counts(~live), counts(live), strict=True)
    ]


def _folds(
    table: ScoreTable, scores: Scores, overall: Threshold, dev: ScoreTable | None
) -> list[Row]:
    folds = np.array(table.extra.get("fold", ()), np.str_)
    dev_folds = np.array(dev.extra.get("fold", ()) if dev is not None else (), np.str_)
    rows: list[Row] = []
    for fold in np.unique(folds).tolist():
        limit, mine = overall, dev_folds == fold
        if dev is not None and mine.any():
            of_fold = select(dev.scores(), mine)
            if of_fold.n_live and of_fold.n_attack:
                limit = Threshold(eer(of_fold).threshold, f"dev EER of fold {fold}")
        rows.append(evaluation_row(fold or "(none)", select(scores, folds == fold), limit, draws=0))
    return rows


def _notes(table: ScoreTable, row: Row, oracle: bool) -> tuple[str, ...]:
    notes = list(table.notes)
    if oracle:
        notes.append(
            "The threshold was chosen on the scores that it is judged on (oracle): rates at it are "
            "optimistic and no headline. Give --dev or --threshold."
        )
    if not any(table.subject):
        notes.append("No subjects in this file: clips are taken as independent of each other.")
    elif min(row.live_groups or 99, row.attack_groups or 99) < 10:
        notes.append(
            f"Only {row.live_groups} live and {row.attack_groups} attack subjects: intervals over "
            "subjects are too narrow below about ten."
        )
    return tuple(notes)
