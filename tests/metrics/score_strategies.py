"""Made-up scores: few distinct values, so ties are common and sit on thresholds."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from despoof.metrics.scores import Scores, make_scores

calm = settings(deadline=None)  # a busy machine is no failure
SPECIES = ("mask/silicone", "print/a4", "replay/phone")


@st.composite
def tied_scores(draw, max_size=30):
    """Both classes, scores from a grid of eighths (exact in floating point)."""
    n_live = draw(st.integers(1, max_size))
    n_attack = draw(st.integers(1, max_size))
    n = n_live + n_attack
    score = draw(st.lists(st.integers(-8, 8), min_size=n, max_size=n))
    species = draw(st.lists(st.sampled_from(SPECIES), min_size=n_attack, max_size=n_attack))
    live = [True] * n_live + [False] * n_attack
    return make_scores(np.array(score) / 8, live, ["live"] * n_live + species)


def random_scores(seed: int, n: int = 200, levels: int = 20) -> Scores:
    rng = np.random.default_rng(seed)
    live = rng.random(n) < 0.4
    score = np.round(rng.normal(live * 1.0, 1.0) * levels) / levels
    species = np.where(live, "live", rng.choice(SPECIES, n))
    return make_scores(score, live, species)
