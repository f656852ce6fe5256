"""Presentations that got no score (no face found): counted, and read by a policy that is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from despoof.core.errors import InputError
from despoof.metrics.codes import encode
from despoof.metrics.rates import Rate, make_rate
from despoof.metrics.scores import Scores, make_scores, select

Policy = Literal["rejected", "excluded", "worst"]

REJECTED, ACCEPTED = -1e308, 1e308
"""Scores that stand for a refusal and a pass at every threshold between them."""


@dataclass(frozen=True, eq=False)
class Attempts:
    """N presentations, some of them without a response; build it with `make_attempts`.

    Attributes:
        scores: all N; where `answered` is False the score is a placeholder that means nothing.
        answered: (N,) bool.
    """

    scores: Scores
    answered: NDArray[np.bool_]


def make_attempts(
    score: ArrayLike,
    live: ArrayLike,
    species: Sequence[str] | NDArray[np.str_] | None = None,
    group: Sequence[str] | NDArray[np.str_] | None = None,
) -> Attempts:
    """Take scores in which NaN means "no response"; otherwise as `scores.make_scores`.

    Raises:
        InputError: a score is infinite or beyond ±1e308, or see `make_scores`.
    """
    values = np.array(score, dtype=np.float64)
    answered = ~np.isnan(values)
    if (np.abs(values[answered]) >= ACCEPTED).any():
        raise InputError("A score is infinite or beyond ±1e308. Use NaN for no response.")
    placed = np.where(answered, values, REJECTED)
    return Attempts(make_scores(placed, live, species, group), answered)


def apnrr_by_species(attempts: Attempts) -> dict[str, Rate]:
    """Share of attacks of each species that got no response (APNRR), in alphabetical order.

    A property of the attack and the face detector together: neither an error nor a success.

    Raises:
        InputError: there is no attack.

    Source: ISO/IEC 30107-3, attack presentation non-response rate.
    """
    attack = ~attempts.scores.live
    if not attack.any():
        raise InputError("APNRR needs at least one attack presentation, got none. Add some.")
    names, place = encode(attempts.scores.species[attack])
    silent = np.bincount(place, ~attempts.answered[attack])
    return {
        str(name): make_rate(int(k), int(n))
        for name, k, n in zip(names, silent, np.bincount(place), strict=True)
    }


def bpnrr(attempts: Attempts) -> Rate:
    """Share of live presentations that got no response (BPNRR).

    Raises:
        InputError: there is no live presentation.

    Source: ISO/IEC 30107-3, bona fide presentation non-response rate.
    """
    live = attempts.scores.live
    if not live.any():
        raise InputError("BPNRR needs at least one live presentation, got none. Add some.")
    return make_rate(int(np.count_nonzero(~attempts.answered[live])), int(np.count_nonzero(live)))


def by_policy(attempts: Attempts, policy: Policy) -> Scores:
    """Turn attempts into scores that every other metric reads. There is no default: name it.

    Args:
        attempts: see `make_attempts`.
        policy: "rejected": no response is no access, so an attack counts as stopped and a live
            presentation as a BPCER error. "excluded": dropped from numerator and denominator;
            report APNRR and BPNRR beside it, for a system that answers only when sure looks good.
            "worst": an attack counts as passed, a live presentation as rejected; the bound on what
            the true rates can be if silence means anything at all.

    Returns:
        Scores with `REJECTED` or `ACCEPTED` in place of a missing score: right for everything that
        reads only the order of scores and thresholds; not for means or histograms.

    Raises:
        InputError: the policy is another word.
    """
    scores, answered = attempts.scores, attempts.answered
    if policy == "excluded":
        return select(scores, answered)
    if policy == "rejected":
        return scores
    if policy == "worst":
        passed = ~answered & ~scores.live
        score = np.where(passed, ACCEPTED, scores.score)
        return Scores(score, scores.live, scores.species, scores.group)
    raise InputError(f"Policy {policy!r} is unknown; expected rejected, excluded or worst.")
