"""Choosing the score rule of System 3 on development faces (SPEC §3.6)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores
from despoof.systems.face_despoofing.config import ScoreConfig

Parts = Mapping[str, NDArray[np.float64]]
"""`map`, `depth`, `magnitude`: (N,) each, as `FaceDespoofing.score_parts` gives them."""

CANDIDATES = (
    ScoreConfig(map=1, depth=0, magnitude=0),
    ScoreConfig(map=0, depth=1, magnitude=0),
    ScoreConfig(map=0, depth=0, magnitude=1),
    *(ScoreConfig(map=1, depth=depth, magnitude=0) for depth in (0.5, 1, 2, 4)),
    *(ScoreConfig(map=1, depth=depth, magnitude=a) for depth in (0, 1, 2) for a in (1, 4)),
)
"""Each part alone, the default fusion with other depth weights, and fusions with the magnitude."""


def fused(parts: Parts, rule: ScoreConfig) -> NDArray[np.float64]:
    """Apply a score rule to parts; higher = more live."""
    return (
        rule.depth * parts["depth"] - rule.map * parts["map"] - rule.magnitude * parts["magnitude"]
    )


def rank_rules(
    sets: Sequence[tuple[Parts, NDArray[np.bool_]]], rules: Sequence[ScoreConfig] = CANDIDATES
) -> list[tuple[float, ScoreConfig]]:
    """Return (mean AUC over the sets, rule), best first; ties go to the earlier, simpler rule.

    Args:
        sets: parts and (N,) live flags of each development set (plain, stressed, …).
        rules: what to choose from.
    """
    ranked = [
        (float(np.mean([auc(make_scores(fused(p, rule), live)) for p, live in sets])), rule)
        for rule in rules
    ]
    return sorted(ranked, key=lambda item: -item[0])
