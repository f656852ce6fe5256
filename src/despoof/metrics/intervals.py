"""Intervals of a proportion k/n of independent trials."""

from statistics import NormalDist

from scipy.special import betaincinv

from despoof.core.errors import InputError


def wilson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval; close to the stated coverage on average, also for small n.

    Args:
        k: number of errors, 0 to n.
        n: number of independent trials, at least 1. Frames of one clip are not independent.
        confidence: two-sided, in (0, 1).

    Returns:
        Low and high as fractions in [0, 1]; low is exactly 0 for k = 0, high exactly 1 for k = n.

    Raises:
        InputError: n < 1, k outside 0…n, or confidence outside (0, 1).

    Source: Wilson 1927, JASA 22:209; Brown, Cai and DasGupta 2001, Statistical Science 16:101.

    >>> [round(100 * x, 1) for x in wilson(1, 20)]
    [0.9, 23.6]
    """
    _check(k, n, confidence)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p = k / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5 / scale
    return (
        0.0 if k == 0 else max(0.0, centre - half),
        1.0 if k == n else min(1.0, centre + half),
    )


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact interval: covers at least as often as stated, so it is wider than Wilson's.

    Arguments, result and errors as in `wilson`.

    Source: Clopper and Pearson 1934, Biometrika 26:404; as quantiles of the beta distribution.

    >>> round(clopper_pearson(0, 20)[1], 4)  # 1 - 0.025 ** (1 / 20)
    0.1684
    """
    _check(k, n, confidence)
    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return low, high


def upper_bound(k: int, n: int, confidence: float = 0.95) -> float:
    """One-sided exact bound: the true rate lies below it with this confidence.

    With k = 0 it is 1 - (1 - confidence) ** (1 / n), near 3 / n at 95 %: the rule of three.

    Args:
        k: number of errors, 0 to n.
        n: number of independent trials, at least 1.
        confidence: one-sided, in (0, 1).

    Returns:
        A fraction; 1 for k = n.

    Raises:
        InputError: n < 1, k outside 0…n, or confidence outside (0, 1).

    Source: Clopper and Pearson 1934; ISO/IEC 19795-1 (rule of three).

    >>> round(upper_bound(0, 100), 4)
    0.0295
    """
    _check(k, n, confidence)
    return 1.0 if k == n else float(betaincinv(k + 1, n - k, confidence))


def rule_of_three(n: int) -> float:
    """The 95 % upper bound after no error in n trials, in one's head: 3 / n, at most 1.

    Always above the exact `upper_bound(0, n)`: by 0.1 % of it for large n, 1.6 % at n = 100.

    Raises:
        InputError: n < 1.

    Source: Hanley and Lippman-Hand 1983, JAMA 249:1743; ISO/IEC 19795-1.
    """
    _check(0, n, 0.95)
    return min(1.0, 3 / n)


def trials_needed(rate: float, errors: int = 0, confidence: float = 0.95) -> int:
    """Return the fewest trials with which `errors` errors still show the rate to be at most `rate`.

    Args:
        rate: the bound to be shown, a fraction in (0, 1).
        errors: how many are expected to happen, at least 0.
        confidence: one-sided, in (0, 1).

    Raises:
        InputError: rate or confidence outside (0, 1), or errors < 0.

    >>> trials_needed(0.01), trials_needed(0.01, errors=1)
    (299, 473)
    """
    if not 0 < rate < 1 or errors < 0:
        raise InputError(f"rate {rate}, errors {errors}: expected 0 < rate < 1 and errors >= 0.")
    _check(errors, errors + 1, confidence)
    low, high = errors, errors + 1  # low: too few; high: enough once the loop has ended
    while upper_bound(errors, high, confidence) > rate:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = upper_bound(errors, middle, confidence) <= rate
        low, high = (low, middle) if enough else (middle, high)
    return high


def _check(k: int, n: int, confidence: float) -> None:
    if n < 1 or not 0 <= k <= n:
        raise InputError(f"{k} errors of {n} is not a proportion; expected n >= 1 and 0 <= k <= n.")
    if not 0 < confidence < 1:
        raise InputError(f"Confidence {confidence} must lie between 0 and 1, e.g. 0.95.")
