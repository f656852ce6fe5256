"""Scores of the checked faces as the metrics want them."""

import numpy as np
from numpy.typing import NDArray

from despoof.evaluation.bridge_checks.faces import BridgeFaces
from despoof.metrics.scores import Scores, make_scores

LEAST_GROUPS = 2


def labelled(faces: BridgeFaces, scores: NDArray[np.float64]) -> Scores:
    """Join faces and (N,) scores, higher = more live; the person is the unit of independence."""
    return make_scores(scores, faces.live, group=list(faces.groups))


def too_few_groups(faces: BridgeFaces) -> str:
    """Return why no interval over people can be had; "" where it can."""
    live, attack = labelled(faces, np.zeros(len(faces))).n_groups()
    if min(live, attack) >= LEAST_GROUPS:
        return ""
    return (
        f"{live} live and {attack} attack people have no interval; expected at least "
        f"{LEAST_GROUPS} of each. Name more pictures."
    )
