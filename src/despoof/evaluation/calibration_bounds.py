"""What a sample says about an error rate on new data: criteria, order statistics, bounds."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv

from despoof.core.errors import DataError, InputError
from despoof.metrics.rates import Rate, apcer, apcer_by_species, bpcer
from despoof.metrics.scores import Scores

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


def rank_limit(
    values: NDArray[np.float64], criterion: Criterion, confidence: float, what: str, by: By
) -> tuple[float, float]:
    """The highest order statistic with, confidently, at most the rate below it; its confidence."""
    n, rate = len(values), criterion.rate or 0.0
    ranks = np.arange(1, n + 1)
    attained = betainc(ranks, n - ranks + 1, rate)  # P(Beta(j, n - j + 1) <= rate), falls with j
    held = int(np.count_nonzero(attained >= confidence - 1e-12))
    if held == 0:
        of = f" ({units(by, 2)} are the unit)" if by == "subject" else ""
        loosest = 1 - (1 - confidence) ** (1 / n) if n else 1.0
        hint = f", or ask for {criterion.kind}={math.ceil(1e3 * loosest) / 1e3:g}" if n > 3 else ""
        raise DataError(
            f"{n} {what}{of} cannot support {criterion} with {100 * confidence:g} % confidence: "
            f"even without a single error the rate could be {100 * loosest:.1f} %. "
            f"Collect {needed(rate, confidence)} or more{hint}."
        )
    return float(np.sort(values)[held - 1]), float(attained[held - 1])


def bounds_at(
    scores: Scores,
    parts: Mapping[str, NDArray[np.float64]],
    threshold: float,
    confidence: float,
    kind: Literal["eer", "apcer", "bpcer"],
) -> tuple[Bound, ...]:
    """Bound the rate of each part at a threshold, with the Beta law of its order statistics.

    Args:
        scores: from which the observed counts are taken.
        parts: their worst scores by unit, by species, "all" or "live"; see `worst_scores`.
        threshold: live iff score > threshold.
        confidence: one-sided.
        kind: of the rate; "bpcer" for live, otherwise APCER.
    """
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


def attack_scores(scores: Scores, *, pooled: bool, by: By) -> dict[str, NDArray[np.float64]]:
    """Return attack scores by species, or all under the name "all".

    Raises:
        DataError: there is no attack.
    """
    if scores.n_attack == 0:
        raise DataError(
            "There is no attack among these scores, and APCER is about attacks. Add some."
        )
    if pooled:
        return {"all": worst_scores(scores.score, scores.group, ~scores.live, by, highest=True)}
    return {
        str(name): worst_scores(
            scores.score, scores.group, ~scores.live & (scores.species == name), by, highest=True
        )
        for name in np.unique(scores.species[~scores.live])
    }


def worst_scores(
    score: NDArray[np.float64],
    group: NDArray[np.str_],
    of: NDArray[np.bool_],
    by: By,
    *,
    highest: bool,
) -> NDArray[np.float64]:
    """Return the scores of a class; by subject, each one's worst: the lowest, or the highest."""
    values = score[of]
    if by == "presentation" or not len(values):
        return values
    sign = -1.0 if highest else 1.0
    _, which = np.unique(group[of], return_inverse=True)
    worst = np.full(int(which.max()) + 1, np.inf)
    np.minimum.at(worst, which, sign * values)
    return sign * worst


def units(by: By, count: int) -> str:
    """Name the independent unit in the right number."""
    return by if count == 1 else f"{by}s"
