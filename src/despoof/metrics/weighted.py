"""Metrics of many resampled sets at once; each equals its plain namesake on the resampled rows.

All have the form `statistic(draws) -> (B,)`, so that `resample` can take any of them, or yours.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.metrics.curves import allowed_errors, check_fraction
from despoof.metrics.weights import Counts, Draws, first_true

Values = NDArray[np.float64]
Statistic = Callable[[Draws], Values]


def auc(draws: Draws) -> Values:
    """AUC of every draw, exact with ties; see `curves.auc`."""
    live, attack = draws.live, draws.attack
    below = np.searchsorted(attack.score, live.score, side="left")
    upto = np.searchsorted(attack.score, live.score, side="right")
    twice = (
        2 * attack.running[below]
        if (below == upto).all()
        else (attack.running[below] + attack.running[upto])
    )
    pairs = np.einsum("nb,nb->b", live.weight, twice)
    return pairs / (2 * live.total * attack.total)


def eer(draws: Draws) -> Values:
    """EER of every draw, convention and ties as in `curves.eer`."""
    accepted, rejected = draws.errors(_eer_point(draws))
    return (accepted / draws.attack.total + rejected / draws.live.total) / 2


def eer_threshold(draws: Draws) -> Values:
    """The threshold of `curves.eer` of every draw."""
    return _midway(draws, draws.layout.thresholds[_eer_point(draws)])


def far_threshold(bound: float) -> Statistic:
    """Return the statistic `curves.threshold_at_far` at this bound.

    Raises:
        InputError: the bound is outside [0, 1].
    """
    check_fraction(bound, "FAR")
    return lambda draws: _midway(draws, _lowest(draws.attack, bound))


def apcer_threshold(bound: float) -> Statistic:
    """Return the statistic `operating.threshold_at_apcer` (every species keeps the bound).

    Raises:
        InputError: the bound is outside [0, 1].
    """
    check_fraction(bound, "APCER")

    def statistic(draws: Draws) -> Values:
        lows = [_lowest(counts, bound) for counts in draws.species]
        return _midway(draws, np.max(lows, axis=0))

    return statistic


def apcer(draws: Draws) -> Values:
    """Pooled APCER at the threshold of every draw."""
    return 1 - draws.attack.rejected(_threshold(draws)) / draws.attack.total


def apcer_max(draws: Draws) -> Values:
    """APCER of the worst species at the threshold of every draw; absent species do not count.

    The maximum of noisy rates lies too high on average, and in draws more so: see
    `species.apcer_simultaneous` for a bound that allows for it.
    """
    threshold = _threshold(draws)
    worst = np.zeros(len(draws))
    for counts in draws.species:
        passed = counts.total - counts.rejected(threshold)
        np.maximum(worst, passed / np.maximum(counts.total, 1), out=worst)
    return worst


def bpcer(draws: Draws) -> Values:
    """BPCER at the threshold of every draw."""
    return draws.live.rejected(_threshold(draws)) / draws.live.total


def hter(draws: Draws) -> Values:
    """Mean of pooled APCER and BPCER at the threshold of every draw; also the pooled ACER."""
    return (apcer(draws) + bpcer(draws)) / 2


def acer_max(draws: Draws) -> Values:
    """Mean of APCER_max and BPCER at the threshold of every draw."""
    return (apcer_max(draws) + bpcer(draws)) / 2


def bpcer_at(bound: float) -> Statistic:
    """Return the statistic BPCER at APCER_max <= bound, its threshold chosen in every draw.

    Where the sample cannot resolve the bound (see `operating.bpcer_at`) this is the BPCER with no
    attack passed.

    Raises:
        InputError: the bound is outside [0, 1].
    """
    threshold = apcer_threshold(bound)
    return lambda draws: draws.live.rejected(threshold(draws)) / draws.live.total


def tpr_at(bound: float) -> Statistic:
    """Return the statistic TPR at FPR <= bound, attacks pooled; see `operating.tpr_at_fpr`.

    Raises:
        InputError: the bound is outside [0, 1].
    """
    threshold = far_threshold(bound)
    return lambda draws: 1 - draws.live.rejected(threshold(draws)) / draws.live.total


def _threshold(draws: Draws) -> Values:
    if draws.threshold is None:
        raise InputError("This statistic needs a threshold; give `threshold=` or `dev=`.")
    return draws.threshold


def _eer_point(draws: Draws) -> NDArray[np.intp]:
    n_live, n_attack = draws.live.total, draws.attack.total

    def gap(point: NDArray[np.intp]) -> NDArray[np.int64]:
        accepted, rejected = draws.errors(point)
        return accepted * n_live - rejected * n_attack

    right = draws.first(lambda point: gap(point) <= 0)
    left = right - 1
    a, r = draws.errors(right)
    b, s = draws.errors(left)
    gap_right, gap_left = np.abs(gap(right)), np.abs(gap(left))
    both_right, both_left = a * n_live + r * n_attack, b * n_live + s * n_attack
    # At a tie the smaller mean, then the higher threshold.
    take_left = (gap_left < gap_right) | ((gap_left == gap_right) & (both_left < both_right))
    return np.where(take_left, left, right)


def _lowest(counts: Counts, bound: float) -> Values:
    """(B,) the lowest score, or -inf, above which at most `bound` of the drawn attacks lie."""
    total = counts.total
    sizes, where = np.unique(total, return_inverse=True)
    allowed = np.array([allowed_errors(int(n), bound) if n else 0 for n in sizes])[where]
    each = np.arange(len(total))
    # Of the lowest k presentations rejected, k = 0…n: the first k that leaves few enough.
    k = first_true(
        len(counts.score) + 1,
        len(total),
        lambda at: total - counts.running[at, each] <= allowed,
    )
    return np.where(k == 0, -np.inf, counts.score[np.maximum(k, 1) - 1])


def _midway(draws: Draws, low: Values) -> Values:
    """(B,) `sides.midway` among the scores that were drawn."""
    thresholds = draws.layout.thresholds
    each = np.arange(len(draws))

    def seen(point: NDArray[np.intp]) -> NDArray[np.int64]:
        live = draws.live.running[draws.layout.live_at[point], each]
        return live + draws.attack.running[draws.layout.attack_at[point], each]

    upto = seen(np.searchsorted(thresholds, low, side="right") - 1)
    start = thresholds[draws.first(lambda point: seen(point) >= upto)]
    above = draws.first(lambda point: seen(point) > upto)
    none = above == len(thresholds)
    high = thresholds[np.minimum(above, len(thresholds) - 1)]
    with np.errstate(invalid="ignore", over="ignore"):
        middle = start / 2 + high / 2
    middle = np.where((start <= middle) & (middle < high), middle, start)
    middle = np.where(start == -np.inf, np.nextafter(high, -np.inf), middle)
    return np.where(none, start, middle)
