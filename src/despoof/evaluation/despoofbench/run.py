"""Run every method over every pair; one pair is in memory at a time."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.evaluation.despoofbench.figures import PairFigures, compare
from despoof.evaluation.despoofbench.methods import Method
from despoof.evaluation.despoofbench.pairs import BenchPair, Crops, cut
from despoof.face.crop import CropConfig


@dataclass(frozen=True)
class PairResult:
    """One method on one pair.

    Attributes:
        person: who is seen.
        species: `family/instrument`.
        figures: of the noise of the recapture.
        residual: mean |noise| of the live control, [-1, 1] units; 0 is right.
        attack_size: mean |noise| of the recapture, as estimated.
        ms: wall time of the recapture's answer, batch 1.
        attack_score: of the recapture, higher = more live; None for a method that does not judge.
        live_score: of the live control.
    """

    person: str
    species: str
    figures: PairFigures
    residual: float
    attack_size: float
    ms: float
    attack_score: float | None
    live_score: float | None


def measure(
    pairs: Iterable[BenchPair],
    methods: Sequence[Method],
    show: Callable[[str], None] = lambda name: None,
) -> dict[str, list[PairResult]]:
    """Return every method's results, in the order of the pairs.

    A pair with nothing to see in a crop (no noise at all, or nothing but padding) is left out.

    Args:
        pairs: from `make_pairs`.
        methods: the rows; each sees its own crop of every pair.
        show: told each pair before it is worked on.
    """
    found: dict[str, list[PairResult]] = {method.name: [] for method in methods}
    warm: set[str] = set()
    for pair in pairs:
        show(f"{pair.species} {pair.name}")
        views: dict[CropConfig, Crops] = {}
        for method in methods:
            if method.crop not in views:
                views[method.crop] = cut(pair, method.crop)
            view = views[method.crop]
            if not (view.noise.any() and view.live_valid.any()):
                continue
            if method.name not in warm:  # the first call pays for what is loaded late
                method.answer(view.attack)
                warm.add(method.name)
            found[method.name].append(_result(pair, view, method))
    return found


def _result(pair: BenchPair, view: Crops, method: Method) -> PairResult:
    start = time.perf_counter()
    attack = method.answer(view.attack)
    ms = 1000 * (time.perf_counter() - start)
    live = method.answer(view.live)
    # What was padded is not part of the picture: nobody is blamed for it.
    estimate = np.where(view.valid[..., None], attack.noise, np.float32(0))
    return PairResult(
        person=pair.person,
        species=pair.species,
        figures=compare(view.attack, view.noise, estimate),
        residual=_size(live.noise, view.live_valid),
        attack_size=_size(attack.noise, view.valid),
        ms=ms,
        attack_score=attack.score,
        live_score=live.score,
    )


def _size(noise: NDArray[np.float32], valid: NDArray[np.bool_]) -> float:
    return float(np.abs(noise[valid]).mean())
