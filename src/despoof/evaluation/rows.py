"""One evaluation row: everything a results table says about one system on one set of scores."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.metrics import weighted
from despoof.metrics.bootstrap import Interval, bootstrap
from despoof.metrics.curves import Eer, auc, eer
from despoof.metrics.rates import (
    MeanRate,
    Rate,
    acer_max,
    acer_pooled,
    apcer,
    apcer_by_species,
    apcer_max,
    bpcer,
    hter,
)
from despoof.metrics.resample import interval
from despoof.metrics.resample import resample as resampled
from despoof.metrics.scores import Scores, select


@dataclass(frozen=True)
class Threshold:
    """A threshold and how it was chosen; one never goes without the other.

    Attributes:
        value: finite; live iff score > value.
        chosen: in words, e.g. "dev EER"; "oracle" in it means the test scores themselves decided.

    Raises:
        InputError: the value is not finite.
    """

    value: float
    chosen: str

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise InputError(f"Threshold {self.value} is not finite; give a number like 0.5.")


@dataclass(frozen=True)
class Row:
    """Results of one system on one set of scores; None where a class is missing.

    Attributes:
        name: what was measured, e.g. "ag-fas on nuaa/test".
        n_live: live presentations.
        n_attack: attack presentations.
        live_groups: independent groups (subjects or clips) among the live ones.
        attack_groups: the same among the attacks.
        threshold: live iff score > threshold.value; fixed before these scores were seen, unless
            `chosen` says oracle.
        auc: area under the ROC; 1 is best.
        auc_interval: 95 % bootstrap over groups; None also where a class has only one group.
        eer: equal error rate of these very scores, so its own threshold is an oracle.
        eer_interval: 95 % bootstrap over groups, the oracle threshold chosen anew in each draw.
        hter: half total error rate at `threshold`.
        hter_interval: 95 % bootstrap over groups at the fixed threshold.
        apcer_pooled: all attacks in one pool, at `threshold`.
        apcer_max: the worst species.
        apcer_by_species: every species.
        bpcer: rejected live presentations.
        acer_pooled: mean of apcer_pooled and bpcer (the same number as hter).
        acer_max: mean of apcer_max and bpcer.

    The intervals inside rates are Wilson's and take presentations as independent: where there are
    far fewer groups than presentations, trust the bootstrap.
    """

    name: str
    n_live: int
    n_attack: int
    live_groups: int
    attack_groups: int
    threshold: Threshold
    auc: float | None
    auc_interval: Interval | None
    eer: Eer | None
    eer_interval: Interval | None
    hter: MeanRate | None
    hter_interval: Interval | None
    apcer_pooled: Rate | None
    apcer_max: Rate | None
    apcer_by_species: dict[str, Rate]
    bpcer: Rate | None
    acer_pooled: MeanRate | None
    acer_max: MeanRate | None


def eer_threshold(dev: Scores, chosen: str = "dev EER") -> Threshold:
    """Return the threshold at the equal error rate of development scores.

    Raises:
        InputError: a class is missing.
    """
    return Threshold(eer(dev).threshold, chosen)


def evaluation_row(
    name: str,
    test: Scores,
    dev: Scores | Threshold | None = None,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> Row:
    """Measure test scores at a threshold from elsewhere.

    Args:
        name: what was measured, for the table.
        test: the scores to be judged; one class may be missing if `dev` is given.
        dev: where the threshold comes from: development scores (their EER), a threshold that was
            fixed before, or None for the EER of `test` itself, labelled "oracle (test EER)".
        draws: bootstrap draws; 0 leaves the bootstrap intervals out.
        seed: of the bootstrap.

    Raises:
        InputError: test is empty, or the scores that the threshold comes from lack a class.
    """
    if len(test) == 0:
        raise InputError(f"{name}: there are no test scores. Check the selection.")
    threshold = _threshold(test, dev)
    at = threshold.value
    live_groups, attack_groups = test.n_groups()
    some_live, some_attack = test.n_live > 0, test.n_attack > 0
    both = some_live and some_attack
    resample = both and draws > 0 and min(live_groups, attack_groups) > 1
    return Row(
        name=name,
        n_live=test.n_live,
        n_attack=test.n_attack,
        live_groups=live_groups,
        attack_groups=attack_groups,
        threshold=threshold,
        auc=auc(test) if both else None,
        auc_interval=bootstrap(test, auc, draws=draws, seed=seed) if resample else None,
        eer=eer(test) if both else None,
        eer_interval=_eer_interval(test, draws, seed) if resample else None,
        hter=hter(test, at) if both else None,
        hter_interval=(
            bootstrap(test, lambda drawn: hter(drawn, at).value, draws=draws, seed=seed)
            if resample
            else None
        ),
        apcer_pooled=apcer(test, at) if some_attack else None,
        apcer_max=apcer_max(test, at) if some_attack else None,
        apcer_by_species=apcer_by_species(test, at) if some_attack else {},
        bpcer=bpcer(test, at) if some_live else None,
        acer_pooled=acer_pooled(test, at) if both else None,
        acer_max=acer_max(test, at) if both else None,
    )


def breakdown(
    name: str,
    test: Scores,
    keys: NDArray[np.str_],
    dev: Scores | Threshold | None = None,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> list[Row]:
    """Measure each part of the test scores at the one threshold of the whole.

    Args:
        name: prefix of the rows' names: "name [key]".
        test: the scores to be judged.
        keys: (N,) str, which part each score belongs to: session, subject, camera …
        dev: as in `evaluation_row`; None takes the EER of all of `test`.
        draws: bootstrap draws per part.
        seed: of the bootstrap.

    Returns:
        One row per distinct key, sorted by key; a part may lack a class.

    Raises:
        InputError: keys and scores differ in length, or see `evaluation_row`.
    """
    if keys.shape != test.score.shape:
        raise InputError(f"{keys.shape} keys for {test.score.shape} scores; give one key a score.")
    threshold = _threshold(test, dev)
    return [
        evaluation_row(
            f"{name} [{key}]", select(test, keys == key), threshold, draws=draws, seed=seed
        )
        for key in np.unique(keys)
    ]


def _eer_interval(test: Scores, draws: int, seed: int) -> Interval:
    """The vectorised bootstrap: an EER is a search, and a thousand searches take their time."""
    drawn = resampled(test, {"eer": weighted.eer}, draws=draws, seed=seed, strata="class")
    return interval(drawn["eer"])


def _threshold(test: Scores, dev: Scores | Threshold | None) -> Threshold:
    if isinstance(dev, Threshold):
        return dev
    return eer_threshold(test, "oracle (test EER)") if dev is None else eer_threshold(dev)
