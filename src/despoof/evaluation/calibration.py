"""Choose a threshold so that a criterion holds on *new* data, with a stated confidence.

Every guarantee here is about presentations like those that were scored (same cameras, same light,
same instruments, drawn independently), and none needs the scores to follow any distribution.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv

from despoof.core.errors import DataError, InputError
from despoof.metrics.curves import eer
from despoof.metrics.rates import Rate, apcer, apcer_by_species, bpcer
from despoof.metrics.scores import Scores

EER_MARGIN = 0.2
"""An EER threshold is refused where the sample leaves an error rate open by more than this."""
By = Literal["presentation", "subject"]


@dataclass(frozen=True)
class Criterion:
    """What a threshold shall fulfil: `kind` "eer", "apcer" or "bpcer"; `rate` the allowed share."""

    kind: Literal["eer", "apcer", "bpcer"]
    rate: float | None = None

    def __str__(self) -> str:
        return self.kind if self.rate is None else f"{self.kind}={self.rate:g}"


@dataclass(frozen=True)
class Bound:
    """What one group of presentations says about one error rate at the threshold.

    Attributes:
        rate: "apcer" or "bpcer".
        of: the species, "all attacks" or "live".
        observed: errors on the very scores that chose the threshold.
        upper: with the calibration's confidence, the rate on new data is at most this.
    """

    rate: Literal["apcer", "bpcer"]
    of: str
    observed: Rate
    upper: float


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


def parse_criterion(text: str) -> Criterion:
    """Read "eer", "apcer=0.01" or "bpcer=0.05".

    Raises:
        InputError: it is none of these, or the rate is not strictly between 0 and 1.
    """
    kind, equals, number = text.strip().lower().partition("=")
    if kind == "eer" and not equals:
        return Criterion("eer")
    try:
        rate = float(number)
    except ValueError:
        rate = math.nan
    if kind not in ("apcer", "bpcer") or not 0 < rate < 1:
        raise InputError(
            f"Criterion {text!r} is unknown. Expected eer, apcer=X or bpcer=X with X strictly "
            "between 0 and 1, e.g. apcer=0.01 for 1 %."
        )
    return Criterion(kind, rate)


def needed(rate: float, confidence: float = 0.95) -> int:
    """Return the fewest presentations that can support "at most `rate`" with this confidence.

    That many without a single error: the smallest n with 1 − (1 − rate)ⁿ >= confidence, about
    3 / rate at 95 % (the rule of three).

    >>> needed(0.01), needed(0.05)
    (299, 59)
    """
    return math.ceil(math.log1p(-confidence) / math.log1p(-rate) - 1e-12)


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
        parts = _attack_scores(scores, pooled=pooled, by=by)
        found = [
            _limit(-values, criterion, confidence, f"{name} attacks", by)
            for name, values in parts.items()
        ]
        threshold = max(-value for value, _ in found)
    else:
        parts = {"live": _worst(scores.score, scores.group, scores.live, by, highest=False)}
        found = [_limit(parts["live"], criterion, confidence, "live presentations", by)]
        threshold = _below(found[0][0])
    bounds = _bounds(scores, parts, threshold, confidence, criterion.kind)
    # The other class had no say in the threshold, so its bound is Clopper and Pearson's, exactly.
    if criterion.kind == "apcer" and scores.n_live:
        live = {"live": _worst(scores.score, scores.group, scores.live, by, highest=False)}
        bounds += _bounds(scores, live, threshold, confidence, "bpcer")
    elif criterion.kind == "bpcer" and scores.n_attack:
        attacks = _attack_scores(scores, pooled=pooled, by=by)
        bounds += _bounds(scores, attacks, threshold, confidence, "apcer")
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
    live = np.sort(_worst(scores.score, scores.group, scores.live, by, highest=False))
    rank = math.floor(criterion.rate * (len(live) + 1) + 1e-9)
    if rank < 1:
        enough = math.ceil(1 / criterion.rate - 1 - 1e-9)
        raise DataError(
            f"{len(live)} live {_units(by, len(live))} cannot support {criterion}: the rarest "
            f"rejection that they resolve is 1 in {len(live) + 1}. Collect {enough} or more, or "
            "ask for a larger rate."
        )
    threshold = _below(float(live[rank - 1]))
    bounds = _bounds(scores, {"live": live}, threshold, confidence, "bpcer")
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
            f"{live} live and {attacks} attack {_units(by, 2)} cannot support an EER threshold: "
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


def _limit(
    values: NDArray[np.float64], criterion: Criterion, confidence: float, what: str, by: By
) -> tuple[float, float]:
    """The highest order statistic with, confidently, at most the rate below it; its confidence."""
    n, rate = len(values), criterion.rate or 0.0
    ranks = np.arange(1, n + 1)
    attained = betainc(ranks, n - ranks + 1, rate)  # P(Beta(j, n - j + 1) <= rate), falls with j
    held = int(np.count_nonzero(attained >= confidence - 1e-12))
    if held == 0:
        of = f" ({_units(by, 2)} are the unit)" if by == "subject" else ""
        loosest = 1 - (1 - confidence) ** (1 / n) if n else 1.0
        hint = f", or ask for {criterion.kind}={math.ceil(1e3 * loosest) / 1e3:g}" if n > 3 else ""
        raise DataError(
            f"{n} {what}{of} cannot support {criterion} with {100 * confidence:g} % confidence: "
            f"even without a single error the rate could be {100 * loosest:.1f} %. "
            f"Collect {needed(rate, confidence)} or more{hint}."
        )
    return float(np.sort(values)[held - 1]), float(attained[held - 1])


def _bounds(
    scores: Scores,
    parts: Mapping[str, NDArray[np.float64]],
    threshold: float,
    confidence: float,
    kind: Literal["eer", "apcer", "bpcer"],
) -> tuple[Bound, ...]:
    if kind == "bpcer":
        seen = {"live": bpcer(scores, threshold)}
    elif list(parts) == ["all"]:
        seen = {"all": apcer(scores, threshold)}
    else:
        seen = apcer_by_species(scores, threshold)
    bounds: list[Bound] = []
    for name, values in parts.items():
        wrong = values <= threshold if kind == "bpcer" else values > threshold
        rank, n = int(np.count_nonzero(wrong)) + 1, len(values)
        upper = float(betaincinv(rank, n - rank + 1, confidence)) if rank <= n else 1.0
        rate = "bpcer" if kind == "bpcer" else "apcer"
        bounds.append(Bound(rate, "all attacks" if name == "all" else name, seen[name], upper))
    return tuple(bounds)


def _attack_scores(scores: Scores, *, pooled: bool, by: By) -> dict[str, NDArray[np.float64]]:
    if scores.n_attack == 0:
        raise DataError(
            "There is no attack among these scores, and APCER is about attacks. Add some."
        )
    if pooled:
        return {"all": _worst(scores.score, scores.group, ~scores.live, by, highest=True)}
    return {
        str(name): _worst(
            scores.score, scores.group, ~scores.live & (scores.species == name), by, highest=True
        )
        for name in np.unique(scores.species[~scores.live])
    }


def _worst(
    score: NDArray[np.float64],
    group: NDArray[np.str_],
    of: NDArray[np.bool_],
    by: By,
    *,
    highest: bool,
) -> NDArray[np.float64]:
    values = score[of]
    if by == "presentation" or not len(values):
        return values
    sign = -1.0 if highest else 1.0
    _, which = np.unique(group[of], return_inverse=True)
    worst = np.full(int(which.max()) + 1, np.inf)
    np.minimum.at(worst, which, sign * values)
    return sign * worst


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


def _units(by: By, count: int) -> str:
    return by if count == 1 else f"{by}s"


def _check(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InputError(f"Confidence {confidence} must lie between 0 and 1, e.g. 0.95.")
