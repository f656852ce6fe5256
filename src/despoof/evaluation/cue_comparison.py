"""A system against the best trivial cue of the set that it is judged on."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from despoof.core.errors import InputError
from despoof.core.types import Label
from despoof.evaluation.audit import CueRow, audit, cue_scores
from despoof.evaluation.score_file import ScoreRow
from despoof.metrics import weighted
from despoof.metrics.compare import paired_bootstrap


@dataclass(frozen=True)
class CueComparison:
    """A system against the best trivial cue, on the same clips.

    Attributes:
        cue: the strongest cue on these clips; chosen on them, so the comparison favours the cue.
        higher_means: what more of the cue stands for, "live" or "attack".
        n_live, n_attack: clips that have both a score and the cue.
        system_auc: of the scores.
        cue_auc: of the cue in its better direction.
        difference: system_auc - cue_auc.
        low, high: 95 % paired bootstrap over groups.
        p_value: two-sided, of no difference, from the same draws; at least 2 / (draws + 1).
        draws: resampled sets.
    """

    cue: str
    higher_means: Label
    n_live: int
    n_attack: int
    system_auc: float
    cue_auc: float
    difference: float
    low: float
    high: float
    p_value: float
    draws: int

    @property
    def beaten(self) -> bool:
        """True where the system is better than the cue with 95 % confidence."""
        return self.low > 0


def against_best_cue(
    scores: Iterable[ScoreRow],
    rows: Iterable[CueRow],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> CueComparison:
    """Test whether a system tells live from attack better than the best trivial cue does.

    Both are judged on the clips (by path) that have a score and that cue. The cue and its direction
    are the best on these very clips, which favours the cue; the groups are resampled in pairs.

    Args:
        scores: clip-level rows (see `score_file.clip_means`).
        rows: the same clips with their cues; their groups are the units of resampling.
        draws: resampled sets.
        seed: of the bootstrap.

    Raises:
        InputError: no clip is in both, labels differ, a path comes twice, a class is missing or
            has one group only.
    """
    scored: dict[str, ScoreRow] = {}
    for row in scores:
        if row.path in scored:
            raise InputError(f"{row.path!r} has two scores. Average its frames: clip_means.")
        scored[row.path] = row
    common = [row for row in rows if row.path in scored]
    if not common:
        raise InputError("No clip has both a score and cues. Are the paths of one manifest?")
    for row in common:
        if scored[row.path].label != row.label:
            raise InputError(f"{row.path!r} is {row.label} here, but {scored[row.path].label}.")
    best = audit(common, draws=0).cues[0]
    used = [row for row in common if best.name in row.values]
    system = np.array([scored[row.path].score for row in used])
    cue = best.sign * np.array([row.values[best.name] for row in used])
    of_cue, of_system = cue_scores(used, cue), cue_scores(used, system)
    found = paired_bootstrap(
        of_cue, of_system, weighted.auc, draws=draws, seed=seed, strata="class"
    )
    return CueComparison(
        cue=best.name,
        higher_means="live" if best.sign > 0 else "attack",
        n_live=of_cue.n_live,
        n_attack=of_cue.n_attack,
        system_auc=found.second,
        cue_auc=found.first,
        difference=found.difference.value,
        low=found.difference.low,
        high=found.difference.high,
        p_value=found.p,
        draws=draws,
    )
