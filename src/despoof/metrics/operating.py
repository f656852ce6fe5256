"""Operating points: the threshold that keeps a bound, and what the other error is there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from despoof.core.errors import InputError
from despoof.metrics.curves import allowed_errors, check_fraction, eer, lowest_threshold
from despoof.metrics.rates import MeanRate, Rate, hter, make_rate
from despoof.metrics.scores import Scores, need_both
from despoof.metrics.sides import Sides, midway, sort_sides
from despoof.metrics.species import by_family, sides_by_species

Attacks = Literal["max", "family", "pooled"]


@dataclass(frozen=True)
class OperatingPoint:
    """BPCER where the APCER keeps a bound.

    Attributes:
        bound: the largest APCER allowed, a fraction.
        attacks: what keeps it: every species ("max"), every family, or all attacks pooled.
        threshold: the middle of the lowest step that keeps the bound; finite.
        apcer: the worst species' or family's, or the pooled APCER at the threshold.
        bpcer: rejected live there. Where `resolved` is False no attack of the smallest species may
            pass, so this is what BPCER is at most, for these scores.
        resolved: every species has at least `needed` attacks, so one of them may pass.
        smallest: attacks in the smallest species (family, pool).
        needed: the fewest attacks with 1 / n <= bound.
    """

    bound: float
    attacks: Attacks
    threshold: float
    apcer: Rate
    bpcer: Rate
    resolved: bool
    smallest: int
    needed: int

    @property
    def value(self) -> float | None:
        """BPCER as a fraction, or None where the sample cannot resolve it; then see `bpcer`."""
        return self.bpcer.value if self.resolved else None


@dataclass(frozen=True)
class TprPoint:
    """Live accepted where the share of attacks accepted keeps a bound.

    Attributes:
        bound: the largest FPR allowed, a fraction.
        threshold: as in `OperatingPoint`.
        tpr: live accepted, k of n; here 1 is best. A lower bound where `resolved` is False.
        fpr: attacks accepted, pooled.
        resolved: there are at least `needed` attacks.
        needed: the fewest attacks with 1 / n <= bound.
    """

    bound: float
    threshold: float
    tpr: Rate
    fpr: Rate
    resolved: bool
    needed: int

    @property
    def value(self) -> float | None:
        """TPR as a fraction, or None where the sample cannot resolve it; then see `tpr`."""
        return self.tpr.value if self.resolved else None


@dataclass(frozen=True)
class DevHter:
    """HTER as published protocols define it: threshold from dev, rates from test."""

    threshold: float
    dev: MeanRate
    test: MeanRate


def threshold_at_apcer(scores: Scores, bound: float, attacks: Attacks = "max") -> float:
    """Return the threshold where APCER <= bound on these scores and no more live are lost.

    With "max" the bound holds for each species, so it is the strictest of their thresholds; with
    "pooled" this is `curves.threshold_at_far`. Nothing is promised for new scores.

    Raises:
        InputError: a class is missing, bound outside [0, 1], or `attacks` is another word.
    """
    check_fraction(bound, "APCER")
    need_both(scores, "A threshold")
    lows = [lowest_threshold(part.attack, bound) for part in _parts(scores, attacks)]
    return midway(sort_sides(scores), max(lows))


def bpcer_at(scores: Scores, bound: float, attacks: Attacks = "max") -> OperatingPoint:
    """BPCER at APCER <= bound: BPCER10, 20 and 100 are bound = 0.1, 0.05 and 0.01.

    Args:
        scores: N presentations of both classes.
        bound: the largest APCER allowed, in (0, 1).
        attacks: "max" for the strict reading of the standard (every species keeps the bound).

    Raises:
        InputError: a class is missing, bound outside (0, 1), or `attacks` is another word.

    Source: ISO/IEC 30107-3 (BPCER at a fixed APCER); BPCER10/20/100 as the PAD literature uses it.
    """
    need_both(scores, "BPCER at a fixed APCER")
    return _point(sort_sides(scores), _parts(scores, attacks), bound, attacks)


def bpcer_10_20_100(scores: Scores, attacks: Attacks = "max") -> dict[str, OperatingPoint]:
    """BPCER at APCER <= 10 %, 5 % and 1 %, as "bpcer10", "bpcer20" and "bpcer100".

    Raises:
        InputError: see `bpcer_at`.
    """
    need_both(scores, "BPCER at a fixed APCER")
    sides, parts = sort_sides(scores), _parts(scores, attacks)  # sorted once
    return {f"bpcer{n}": _point(sides, parts, 1 / n, attacks) for n in (10, 20, 100)}


def tpr_at_fpr(scores: Scores, bound: float) -> TprPoint:
    """The largest TPR with FPR <= bound, attacks pooled: live is the positive class.

    Some code takes the ROC point whose FPR is nearest instead; that may break the bound.

    Raises:
        InputError: a class is missing, or bound outside (0, 1).

    >>> from despoof.metrics.scores import make_scores
    >>> tpr_at_fpr(make_scores([0.9, 0.7, 0.8, 0.1], [1, 1, 0, 0]), 0.5).value
    1.0
    """
    point = bpcer_at(scores, bound, "pooled")
    tpr = make_rate(point.bpcer.n - point.bpcer.k, point.bpcer.n)
    return TprPoint(bound, point.threshold, tpr, point.apcer, point.resolved, point.needed)


def hter_from_dev(
    dev: Scores, test: Scores, choose: Callable[[Scores], float] | None = None
) -> DevHter:
    """HTER on test at a threshold that only dev decided.

    Args:
        dev: development scores of both classes.
        test: the scores to be judged, of both classes.
        choose: from dev scores to a threshold; None takes the EER threshold.

    Raises:
        InputError: a class is missing in either set, or the threshold is NaN.
    """
    need_both(dev, "A dev threshold")
    threshold = eer(dev).threshold if choose is None else choose(dev)
    return DevHter(threshold, hter(dev, threshold), hter(test, threshold))


def _point(sides: Sides, parts: list[Sides], bound: float, attacks: Attacks) -> OperatingPoint:
    needed = _needed(bound)
    threshold = midway(sides, max(lowest_threshold(part.attack, bound) for part in parts))
    errors = [make_rate(part.errors(threshold)[0], len(part.attack)) for part in parts]
    smallest = min(len(part.attack) for part in parts)
    return OperatingPoint(
        bound=bound,
        attacks=attacks,
        threshold=threshold,
        apcer=max(errors, key=lambda rate: (rate.value, -rate.n)),
        bpcer=make_rate(sides.errors(threshold)[1], len(sides.live)),
        resolved=smallest >= needed,
        smallest=smallest,
        needed=needed,
    )


def _parts(scores: Scores, attacks: Attacks) -> list[Sides]:
    if attacks == "pooled":
        return [sort_sides(scores)]
    if attacks == "max":
        return list(sides_by_species(scores).values())
    if attacks == "family":
        return list(sides_by_species(by_family(scores)).values())
    raise InputError(f"attacks={attacks!r} is unknown; expected max, family or pooled.")


def _needed(bound: float) -> int:
    if not 0 < bound < 1:
        raise InputError(f"APCER bound {bound} must lie between 0 and 1, e.g. 0.01 for BPCER100.")
    needed = max(1, int(1 / bound) - 1)
    while allowed_errors(needed, bound) < 1:
        needed += 1
    return needed
