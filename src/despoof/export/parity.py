"""Does an exported scorer say what torch says? The bounds, and the measurement against them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.export.record import Parity, Precision

MIN_FACES = 200
ROUNDING = 1e-5
"""Absolute difference that is always allowed: float32 sums in another order."""


@dataclass(frozen=True)
class Bounds:
    """What the gate asks.

    Attributes:
        difference: greatest |Δscore|, as a share of the spread of torch's scores.
        agreement: least share of equal verdicts.
    """

    difference: float
    agreement: float


BOUNDS: dict[Precision, Bounds] = {
    "fp32": Bounds(difference=1e-3, agreement=0.995),
    "fp16": Bounds(difference=0.02, agreement=0.99),
    "bf16": Bounds(difference=0.05, agreement=0.98),
    "int8": Bounds(difference=0.25, agreement=0.95),
}
"""Per precision. The spread is that between the 5th and the 95th percentile."""


def measure(
    torch_scores: NDArray[np.floating],
    exported: NDArray[np.floating],
    threshold: float | None,
    bounds: Bounds,
    faces: str,
) -> Parity:
    """Compare two sets of scores of the same faces.

    Args:
        torch_scores: (N,) of the system itself.
        exported: (N,) of the file.
        threshold: of the verdicts; None compares at torch's median score, where a change of
            verdict is likeliest.
        bounds: what is asked.
        faces: where they come from, for the record.

    Raises:
        InputError: fewer than 200 faces, other counts, or a score of torch that is not finite.
    """
    ours = np.asarray(torch_scores, np.float64)
    theirs = np.asarray(exported, np.float64)
    if ours.ndim != 1 or theirs.shape != ours.shape or len(ours) < MIN_FACES:
        raise InputError(
            f"Scores of shapes {ours.shape} and {theirs.shape}; expected the same {MIN_FACES} or "
            "more faces in both. Give more pictures."
        )
    if not np.isfinite(ours).all():
        raise InputError("torch's own scores hold NaN or Inf: these weights are broken.")
    low, middle, high = (float(q) for q in np.quantile(ours, (0.05, 0.5, 0.95)))
    difference = np.where(np.isfinite(theirs), np.abs(theirs - ours), np.finfo(np.float64).max)
    limit = middle if threshold is None else threshold
    live, exported_live = ours > limit, theirs > limit
    return Parity(
        faces=faces,
        count=len(ours),
        spread=high - low,
        max_difference=float(difference.max()),
        mean_difference=float(np.mean(np.minimum(difference, 1e300))),
        correlation=_correlation(ours, theirs),
        compared_at=limit,
        agreement=float(np.mean(live == exported_live)),
        to_live=int(np.sum(exported_live & ~live)),
        to_spoof=int(np.sum(live & ~exported_live)),
        max_allowed=ROUNDING + bounds.difference * (high - low),
        min_agreement=bounds.agreement,
    )


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    if not np.isfinite(b).all() or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])
