"""Attack species one by one, in families, and at their worst."""

from dataclasses import replace

import numpy as np

from despoof.core.errors import InputError
from despoof.metrics.curves import Eer, eer_of_sides
from despoof.metrics.intervals import wilson
from despoof.metrics.rates import MeanRate, Rate, apcer_by_species, apcer_max, bpcer, mean_rate
from despoof.metrics.scores import Scores, need_both
from despoof.metrics.sides import Sides


def family(species: str) -> str:
    """Return the part before the first slash: "print/a4" belongs to "print".

    >>> family("print/a4"), family("mask")
    ('print', 'mask')
    """
    return species.partition("/")[0]


def by_family(scores: Scores) -> Scores:
    """Return the same scores with every attack species replaced by its `family`.

    Every function on species becomes one on families: `apcer_by_species(by_family(scores), t)`.
    """
    names, place = scores.attack_species
    species = np.full(len(scores), "live", np.result_type(names.dtype, np.dtype("U4")))
    species[~scores.live] = np.array([family(str(name)) for name in names], np.str_)[place]
    return replace(scores, species=species)


def apcer_family_max(scores: Scores, threshold: float) -> Rate:
    """APCER of the family that gets through most: OULU-NPU's max over print and replay.

    Between the pooled APCER and `apcer_max`: a family pools its species.

    Raises:
        InputError: there is no attack, or the threshold is NaN.
    """
    return apcer_max(by_family(scores), threshold)


def acer_family_max(scores: Scores, threshold: float) -> MeanRate:
    """Mean of `apcer_family_max` and BPCER.

    Raises:
        InputError: a class is missing, or the threshold is NaN.
    """
    return mean_rate(apcer_family_max(scores, threshold), bpcer(scores, threshold))


def apcer_simultaneous(
    scores: Scores, threshold: float, confidence: float = 0.95
) -> dict[str, Rate]:
    """APCER of each species with intervals that hold for all species at once.

    Wilson's interval at 1 - (1 - confidence) / S for S species (Bonferroni). The highest upper end
    is a bound on the worst species that allows for having looked for the worst; the interval of
    `apcer_max` alone does not.

    Returns:
        Rates by species in alphabetical order; a single species keeps its plain interval.

    Raises:
        InputError: there is no attack, the threshold is NaN, or confidence is outside (0, 1).
    """
    rates = apcer_by_species(scores, threshold)
    if not 0 < confidence < 1:
        raise InputError(f"Confidence {confidence} must lie between 0 and 1, e.g. 0.95.")
    each = 1 - (1 - confidence) / len(rates)
    ends = {name: wilson(rate.k, rate.n, each) for name, rate in rates.items()}
    return {
        name: replace(rate, low=ends[name][0], high=ends[name][1]) for name, rate in rates.items()
    }


def sides_by_species(scores: Scores) -> dict[str, Sides]:
    """Return, for each species, all live scores and that species' attacks, both ascending.

    Sorted once: the live array is the same object in every value. Alphabetical order.

    Raises:
        InputError: a class is missing.
    """
    need_both(scores, "A comparison of species")
    live = np.sort(scores.score[scores.live])
    attack = scores.score[~scores.live]
    names, place = scores.attack_species
    return {str(name): Sides(live, np.sort(attack[place == i])) for i, name in enumerate(names)}


def d_eer_by_species(scores: Scores) -> dict[str, Eer]:
    """Detection EER of each species: its attacks alone against all live presentations.

    Each has its own threshold, chosen on these scores; so no system works at all of them at once.
    Convention as in `curves.eer`.

    Raises:
        InputError: a class is missing.

    Source: ISO/IEC 30107-3 asks for results per species; D-EER as in ISO/IEC 19989-3 and the
    PAD literature.
    """
    return {name: eer_of_sides(sides) for name, sides in sides_by_species(scores).items()}
