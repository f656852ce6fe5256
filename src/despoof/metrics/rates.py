"""Error rates at one threshold. Live iff `score > threshold`, strictly, everywhere.

Source of the names: ISO/IEC 30107-3. The intervals take presentations as independent; where several
share a subject or clip they are too narrow, and `bootstrap` over groups is the honest one.
"""

import math
from dataclasses import dataclass

import numpy as np

from despoof.core.errors import InputError
from despoof.metrics.intervals import wilson
from despoof.metrics.scores import Scores


@dataclass(frozen=True)
class Rate:
    """A share of errors: value = k / n, with its Wilson 95 % interval; fractions, 0 is best."""

    value: float
    k: int
    n: int
    low: float
    high: float


@dataclass(frozen=True)
class MeanRate:
    """The mean of an attack rate and a live rate, each weighted by one half.

    Attributes:
        value: (attack.value + live.value) / 2, a fraction; 0 is best.
        low: lower end of the 95 % interval, from the two Wilson intervals by the MOVER rule.
        high: its upper end.
        attack: the APCER in it.
        live: the BPCER in it.

    Source of the interval: Zou and Donner 2008, Statistics in Medicine 27:1693.
    """

    value: float
    low: float
    high: float
    attack: Rate
    live: Rate


@dataclass(frozen=True)
class Confusion:
    """Counts of presentations by class and decision."""

    live_accepted: int
    live_rejected: int
    attack_accepted: int
    attack_rejected: int


def make_rate(k: int, n: int) -> Rate:
    """Return k errors of n trials as a `Rate`.

    Raises:
        InputError: n < 1 or k outside 0…n.
    """
    low, high = wilson(k, n)
    return Rate(k / n, k, n, low, high)


def confusion(scores: Scores, threshold: float) -> Confusion:
    """Count decisions; a score equal to the threshold is rejected.

    A class without presentations gives zeros. The threshold may be infinite.

    Raises:
        InputError: the threshold is NaN.

    >>> from despoof.metrics.scores import make_scores
    >>> confusion(make_scores([0.5, 0.9, 0.1, 0.7], [1, 1, 0, 0]), 0.5)
    Confusion(live_accepted=1, live_rejected=1, attack_accepted=1, attack_rejected=1)
    """
    if math.isnan(threshold):
        raise InputError("The threshold is NaN; give a number that scores are compared with.")
    accepted = scores.score > threshold
    live_accepted = int(np.count_nonzero(accepted & scores.live))
    attack_accepted = int(np.count_nonzero(accepted)) - live_accepted
    return Confusion(
        live_accepted,
        scores.n_live - live_accepted,
        attack_accepted,
        scores.n_attack - attack_accepted,
    )


def apcer(scores: Scores, threshold: float) -> Rate:
    """Share of all attacks called live, species pooled (FAR of the academic papers).

    Raises:
        InputError: there is no attack, or the threshold is NaN.
    """
    _need(scores.n_attack, "APCER", "attack")
    return make_rate(confusion(scores, threshold).attack_accepted, scores.n_attack)


def apcer_by_species(scores: Scores, threshold: float) -> dict[str, Rate]:
    """Share of attacks called live for each species, in the species' alphabetical order.

    Raises:
        InputError: there is no attack, or the threshold is NaN.
    """
    _need(scores.n_attack, "APCER", "attack")
    if math.isnan(threshold):
        raise InputError("The threshold is NaN; give a number that scores are compared with.")
    names, which = scores.attack_species
    missed = np.bincount(which, scores.score[~scores.live] > threshold)
    return {
        str(name): make_rate(int(k), int(n))
        for name, k, n in zip(names, missed, np.bincount(which), strict=True)
    }


def apcer_max(scores: Scores, threshold: float) -> Rate:
    """APCER of the species that gets through most, the headline of ISO/IEC 30107-3.

    k and n are that species' own. Among equals the one with the widest interval upwards is taken,
    that is, the fewest presentations. The interval is not corrected for having picked the worst.

    Raises:
        InputError: there is no attack, or the threshold is NaN.
    """
    rates = apcer_by_species(scores, threshold).values()
    return max(rates, key=lambda rate: (rate.value, -rate.n))


def bpcer(scores: Scores, threshold: float) -> Rate:
    """Share of live presentations that are rejected (FRR of the academic papers).

    Raises:
        InputError: there is no live presentation, or the threshold is NaN.
    """
    _need(scores.n_live, "BPCER", "live")
    return make_rate(confusion(scores, threshold).live_rejected, scores.n_live)


def acer_max(scores: Scores, threshold: float) -> MeanRate:
    """Mean of `apcer_max` and `bpcer`: the ACER of ISO/IEC 30107-3:2017 and OULU-NPU.

    Raises:
        InputError: a class is missing, or the threshold is NaN.
    """
    return mean_rate(apcer_max(scores, threshold), bpcer(scores, threshold))


def acer_pooled(scores: Scores, threshold: float) -> MeanRate:
    """Mean of the pooled `apcer` and `bpcer`: what much academic code prints as ACER.

    Raises:
        InputError: a class is missing, or the threshold is NaN.
    """
    return mean_rate(apcer(scores, threshold), bpcer(scores, threshold))


def hter(scores: Scores, threshold: float) -> MeanRate:
    """Half total error rate, (FAR + FRR) / 2 at a threshold that was fixed on other data.

    The same number as `acer_pooled`; the name promises where the threshold came from.

    Raises:
        InputError: a class is missing, or the threshold is NaN.
    """
    return acer_pooled(scores, threshold)


def mean_rate(attack: Rate, live: Rate) -> MeanRate:
    """Return the mean of an attack and a live rate, with the interval of `MeanRate`."""
    value = (attack.value + live.value) / 2
    down = math.hypot(attack.value - attack.low, live.value - live.low) / 2
    up = math.hypot(attack.high - attack.value, live.high - live.value) / 2
    return MeanRate(value, max(0.0, value - down), min(1.0, value + up), attack, live)


def _need(n: int, what: str, label: str) -> None:
    if n == 0:
        raise InputError(f"{what} needs at least one {label} presentation, got none. Add some.")
