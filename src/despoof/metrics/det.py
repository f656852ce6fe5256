"""Detection error trade-off: the steps of the ROC, species by species, on normal-deviate axes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from despoof.metrics.curves import roc
from despoof.metrics.scores import Scores
from despoof.metrics.sides import sort_sides
from despoof.metrics.species import sides_by_species


@dataclass(frozen=True, eq=False)
class Det:
    """BPCER against APCER as an exact step function of the threshold.

    Attributes:
        thresholds: (M + 1,) float64, ascending, -inf first; point i holds up to the next one.
        apcer: (M + 1,) fractions, falling from 1 to 0.
        bpcer: (M + 1,) fractions, rising from 0 to 1.
    """

    thresholds: NDArray[np.float64]
    apcer: NDArray[np.float64]
    bpcer: NDArray[np.float64]

    @property
    def deviates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(M + 1,) normal deviates of apcer and bpcer; rates of 0 and 1 are -inf and +inf.

        A plot must clip them, e.g. at 1 / (2 n), and say so.

        Source: Martin et al. 1997, Eurospeech, "The DET curve".
        """
        return ndtri(self.apcer), ndtri(self.bpcer)


def det(scores: Scores) -> Det:
    """DET curve of all attacks pooled.

    Raises:
        InputError: a class is missing.
    """
    curve = roc(scores)
    return Det(curve.thresholds, curve.far, curve.frr)


def det_by_species(scores: Scores) -> dict[str, Det]:
    """One curve per species, each against all live presentations, in alphabetical order.

    For families give `species.by_family(scores)`.

    Raises:
        InputError: a class is missing.
    """
    return {
        name: _curve(_distinct(sides.live, sides.attack), sides.live, [sides.attack])
        for name, sides in sides_by_species(scores).items()
    }


def det_worst(scores: Scores) -> Det:
    """The envelope: at every threshold the APCER of the species that is worst there, and BPCER.

    Never below the pooled curve. This is the trade-off that APCER_max and BPCER move along.

    Raises:
        InputError: a class is missing.
    """
    parts = [sides.attack for sides in sides_by_species(scores).values()]
    whole = sort_sides(scores)
    return _curve(_distinct(whole.live, whole.attack), whole.live, parts)


def _distinct(live: NDArray[np.float64], attack: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([[-np.inf], np.unique(np.concatenate([live, attack]))])


def _curve(
    thresholds: NDArray[np.float64],
    live: NDArray[np.float64],
    parts: list[NDArray[np.float64]],
) -> Det:
    worst = np.zeros(len(thresholds))
    for part in parts:
        accepted = len(part) - np.searchsorted(part, thresholds, side="right")
        np.maximum(worst, accepted / len(part), out=worst)
    return Det(thresholds, worst, np.searchsorted(live, thresholds, side="right") / len(live))
