"""Choose a threshold so that a criterion holds on *new* data, with a stated confidence.

Every guarantee here is about presentations like those that were scored (same cameras, same light,
same instruments, drawn independently), and none needs the scores to follow any distribution.
"""

import math
from dataclasses import dataclass

import numpy as np

from despoof.core.errors import DataError, InputError
from despoof.evaluation.calibration_bounds import (
    Bound,
    By,
    Criterion,
    attack_scores,
    bounds_at,
    rank_limit,
    units,
    worst_scores,
)
from despoof.metrics.curves import eer
from despoof.metrics.rates import apcer, bpcer
from despoof.metrics.scores import Scores

EER_MARGIN = 0.2
"""An EER threshold is refused where the sample leaves an error rate open by more than this."""


@dataclass(frozen=True)
class Calibration:
    """A threshold and what may be promised about it.

    Attributes:
        threshold: live iff score > threshold.
        criterion: what was asked for.
        method: how it was chosen, in a word: "order statistic", "split conformal", "eer".
        confidence: that was asked for.
        attained: probability, over draws of the calibration scores, that the criterion holds on
            new data; None for "eer", which promises no rate, and for "split conformal", whose
            guarantee is an average over such draws.
        bounds: of the rate that the criterion is about first, then of the other, as far as the
            scores have its class. Each holds by itself with `confidence`.
        guarantee: in sentences, what holds on new data.
        limits: in sentences, what is not promised.
        n_live: presentations that were used.
        n_attack: attacks that were used.
        by: the unit that was taken as independent.
    """

    threshold: float
    criterion: Criterion
    method: str
    confidence: float
    attained: float | None
    bounds: tuple[Bound, ...]
    guarantee: str
    limits: tuple[str, ...]
    n_live: int
    n_attack: int
    by: By


def calibrate(
    scores: Scores,
    criterion: Criterion,
    *,
    confidence: float = 0.95,
    pooled: bool = False,
    by: By = "presentation",
) -> Calibration:
    """Choose the threshold that loses least while the criterion still holds on new data.

    For apcer=X the threshold is an order statistic of the attack scores: with j − 1 of n attacks
    above it, the true rate is at most Beta(j, n − j + 1) distributed, whatever the scores'
    distribution; j is the largest for which it stays below X with `confidence`. That holds for
    every species by itself, so the highest of their thresholds keeps the APCER of the worst one
    below X. For bpcer=X it is the mirror image on the live scores. For eer it is the EER threshold
    of these scores, with bounds that hold for any threshold chosen on them.

    Args:
        scores: both classes for eer; for a rate its own class is enough.
        criterion: see `parse_criterion`.
        confidence: one-sided, in (0, 1).
        pooled: apcer=X for all attacks in one pool instead of for the worst species.
        by: "subject" reduces a subject to the worst of the scores first (the highest attack, the
            lowest live), and so also holds where presentations of one subject are alike.

    Raises:
        InputError: confidence outside (0, 1).
        DataError: the sample cannot support the criterion; the message says how many would.

    Source: Wilks 1941, Annals of Mathematical Statistics 12:91; for eer the inequality of
    Dvoretzky, Kiefer and Wolfowitz with Massart's constant (1990, Annals of Probability 18:1269).
    """
    _check(confidence)
    if criterion.rate is None:
        return _at_eer(scores, confidence, by)
    if criterion.kind == "apcer":
        parts = attack_scores(scores, pooled=pooled, by=by)
        found = [
            rank_limit(-values, criterion, confidence, f"{name} attacks", by)
            for name, values in parts.items()
        ]
        threshold = max(-value for value, _ in found)
    else:
        parts = {"live": worst_scores(scores.score, scores.group, scores.live, by, highest=False)}
        found = [rank_limit(parts["live"], criterion, confidence, "live presentations", by)]
        threshold = _below(found[0][0])
    bounds = bounds_at(scores, parts, threshold, confidence, criterion.kind)
    # The other class had no say in the threshold, so its bound is Clopper and Pearson's, exactly.
    if criterion.kind == "apcer" and scores.n_live:
        live = {"live": worst_scores(scores.score, scores.group, scores.live, by, highest=False)}
        bounds += bounds_at(scores, live, threshold, confidence, "bpcer")
    elif criterion.kind == "bpcer" and scores.n_attack:
        attacks = attack_scores(scores, pooled=pooled, by=by)
        bounds += bounds_at(scores, attacks, threshold, confidence, "apcer")
    attained = min(confident for _, confident in found)
    what = (
        "BPCER" if criterion.kind == "bpcer" else "APCER" + ("" if pooled else " of each species")
    )
    return Calibration(
        threshold=threshold,
        criterion=criterion,
        method="order statistic",
        confidence=confidence,
        attained=attained,
        bounds=bounds,
        guarantee=(
            f"With {100 * attained:.1f} % confidence the {what} on new data like these is at most "
            f"{100 * criterion.rate:g} %, whatever the distribution of the scores."
        ),
        limits=_limits(scores, by, criterion.kind),
        n_live=scores.n_live,
        n_attack=scores.n_attack,
        by=by,
    )


def calibrate_live_only(
    scores: Scores, criterion: Criterion, *, confidence: float = 0.95, by: By = "presentation"
) -> Calibration:
    """Choose a threshold from live scores alone by split conformal prediction.

    With n live scores and j = floor(X · (n + 1)) the threshold lies just below the j-th lowest. A
    new live presentation that is exchangeable with them is rejected with probability at most
    j / (n + 1) <= X: exactly that without ties, on average over sets of n. Attacks in `scores` are
    not looked at. Given the set, the rate is Beta(j, n − j + 1) distributed; `bounds` has its
    upper quantile.

    Raises:
        InputError: the criterion is not bpcer=X; confidence outside (0, 1).
        DataError: there are fewer than 1 / X − 1 live presentations.

    Source: Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World, ch. 2; the
    Beta law: Vovk 2012, arXiv:1209.2673.
    """
    _check(confidence)
    if criterion.kind != "bpcer" or criterion.rate is None:
        raise InputError(
            f"Live scores alone cannot support {criterion}: they say nothing about attacks. Use "
            "--criterion bpcer=X, or add attacks and leave --live-only out."
        )
    live = np.sort(worst_scores(scores.score, scores.group, scores.live, by, highest=False))
    rank = math.floor(criterion.rate * (len(live) + 1) + 1e-9)
    if rank < 1:
        enough = math.ceil(1 / criterion.rate - 1 - 1e-9)
        raise DataError(
            f"{len(live)} live {units(by, len(live))} cannot support {criterion}: the rarest "
            f"rejection that they resolve is 1 in {len(live) + 1}. Collect {enough} or more, or "
            "ask for a larger rate."
        )
    threshold = _below(float(live[rank - 1]))
    bounds = bounds_at(scores, {"live": live}, threshold, confidence, "bpcer")
    like = "like these" if by == "presentation" else "of a subject like these"
    return Calibration(
        threshold=threshold,
        criterion=criterion,
        method="split conformal",
        confidence=confidence,
        attained=None,
        bounds=bounds,
        guarantee=(
            f"A new live presentation {like} {len(live)} is rejected with probability at most "
            f"{rank}/{len(live) + 1} = {100 * rank / (len(live) + 1):.2f} % <= "
            f"{100 * criterion.rate:g} %, on average over such samples; for this very sample the "
            f"BPCER is at most {100 * bounds[0].upper:.1f} % with {100 * confidence:g} % "
            "confidence."
        ),
        limits=(
            "Nothing is promised about APCER: no attack was looked at. Measure it with attacks on "
            "the same camera before relying on the threshold.",
            *_limits(scores, by, "bpcer"),
        ),
        n_live=scores.n_live,
        n_attack=0,
        by=by,
    )


def _at_eer(scores: Scores, confidence: float, by: By) -> Calibration:
    found = eer(scores)
    attacks = len(np.unique(scores.group[~scores.live])) if by == "subject" else scores.n_attack
    live = len(np.unique(scores.group[scores.live])) if by == "subject" else scores.n_live
    # Two one-sided bands share the error probability; each holds for every threshold at once.
    miss = math.log(2 / (1 - confidence)) / 2
    enough = math.ceil(miss / EER_MARGIN**2)
    if min(live, attacks) < enough:
        raise DataError(
            f"{live} live and {attacks} attack {units(by, 2)} cannot support an EER threshold: "
            f"an error rate on new data could be more than {100 * EER_MARGIN:.0f} points above "
            f"what is seen. Collect at least {enough} of each."
        )
    margins = {"apcer": math.sqrt(miss / attacks), "bpcer": math.sqrt(miss / live)}
    bounds = (
        Bound(
            "apcer", "all attacks", r := apcer(scores, found.threshold), r.value + margins["apcer"]
        ),
        Bound("bpcer", "live", r := bpcer(scores, found.threshold), r.value + margins["bpcer"]),
    )
    capped = tuple(Bound(b.rate, b.of, b.observed, min(1.0, b.upper)) for b in bounds)
    return Calibration(
        threshold=found.threshold,
        criterion=Criterion("eer"),
        method="eer",
        confidence=confidence,
        attained=None,
        bounds=capped,
        guarantee=(
            f"EER {100 * found.value:.2f} % on these scores. With {100 * confidence:g} % "
            f"confidence, on new data like these the pooled APCER is at most "
            f"{100 * capped[0].upper:.1f} % and "
            f"the BPCER at most {100 * capped[1].upper:.1f} %, both at once, and although the "
            "threshold was chosen on the same scores."
        ),
        limits=_limits(scores, by, "eer"),
        n_live=scores.n_live,
        n_attack=scores.n_attack,
        by=by,
    )


def _limits(scores: Scores, by: By, kind: str) -> tuple[str, ...]:
    lines = [
        "Other cameras, light, people or instruments than in these scores are not covered: "
        "calibrate again for each."
    ]
    used = (
        scores.live if kind == "bpcer" else ~scores.live if kind == "apcer" else scores.live | True
    )
    groups = len(np.unique(scores.group[used]))
    if by == "presentation" and groups < int(np.count_nonzero(used)):
        lines.append(
            f"Presentations are taken as independent, but {int(np.count_nonzero(used))} come from "
            f"{groups} subjects: the true confidence is lower. `--by subject` counts subjects."
        )
    return tuple(lines)


def _below(value: float) -> float:
    return float(np.nextafter(value, -np.inf))


def _check(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InputError(f"Confidence {confidence} must lie between 0 and 1, e.g. 0.95.")
