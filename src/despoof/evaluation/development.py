"""The threshold that fresh weights have on their own development faces: shown, never written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from despoof.core.errors import DataError
from despoof.data.manifest import Clip
from despoof.data.samples import Sample, find_data_root, read_samples, select
from despoof.data.views import DataConfig, thinned
from despoof.detector import Detector
from despoof.evaluation.clip_scoring import BulkSettings, score_clips
from despoof.metrics.curves import eer
from despoof.metrics.scores import make_scores

MOST = 200
"""Faces of each class and development set that are scored."""
MOST_BRIDGED = 25
"""The same where every face is taken across a bridge, seconds each."""


@dataclass(frozen=True)
class DevelopmentThreshold:
    """Where the two kinds of error are equal, over all development sets together.

    Attributes:
        value: live iff score > value.
        rate: the equal error rate there, in [0, 1].
        n_live, n_attack: faces that had a score.
        sets: names of the development sets.
    """

    value: float
    rate: float
    n_live: int
    n_attack: int
    sets: tuple[str, ...]


def development_threshold(
    detector: Detector, data: DataConfig, most: int | None = None
) -> DevelopmentThreshold:
    """Score development faces as `despoof score` does, and take the threshold of their EER.

    It was chosen on what chose the weights, and on few faces: enough to look at verdicts, no
    substitute for `despoof calibrate`.

    Args:
        detector: of the weights; its threshold plays no part.
        data: of the experiment.
        most: faces of each class and set, evenly spread over the table; None = `MOST`, or
            `MOST_BRIDGED` of a system with a bridge.

    Raises:
        DataError: a table is missing, or the scores are not of both classes.
    """
    root = find_data_root(data.root)
    if most is None:
        most = MOST if detector.bridge is None else MOST_BRIDGED
    clips = [clip for name in data.dev for clip in _clips(root, name, most)]
    judge = replace(detector, threshold=None)
    scored = [
        (outcome.score, clip.live)
        for batch in score_clips(judge, clips, BulkSettings())
        for clip, outcome in batch
        if outcome.score is not None
    ]
    live = [is_live for _, is_live in scored]
    if not 0 < sum(live) < len(live):
        raise DataError(
            f"{', '.join(data.dev)}: {sum(live)} live and {len(live) - sum(live)} attack faces of "
            "split dev have a score, and a threshold is chosen on both."
        )
    found = eer(make_scores([score for score, _ in scored], live))
    return DevelopmentThreshold(
        found.threshold, found.value, sum(live), len(live) - sum(live), tuple(data.dev)
    )


def _clips(root: Path, name: str, most: int) -> list[Clip]:
    samples = select(read_samples(root, name), "dev")
    kept: Sequence[Sample] = [
        sample
        for label in ("live", "attack")
        for sample in thinned(select(samples, label=label), most)
    ]
    return [
        Clip(
            path=sample.path,
            name=f"{name}/{sample.name}",
            label=sample.label,
            box=sample.box,
            landmarks=sample.landmarks,
        )
        for sample in kept
    ]
