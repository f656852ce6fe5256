"""Shortcut audit: do trivial cues already tell live from attack in this set?

A set in which sharpness or file size alone separates the classes cannot rank systems: a system may
see just that. The audit says so with numbers; `cue_comparison` tests a system against the best cue.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import DataError, DespoofError, InputError
from despoof.core.types import FaceDetector, Label
from despoof.data.manifest import Clip
from despoof.evaluation.clip_scoring import BulkSettings, known_faces
from despoof.evaluation.cues import border_share, cues, outside_share
from despoof.media.files import is_image
from despoof.media.sources import read_frames
from despoof.metrics.bootstrap import bootstrap
from despoof.metrics.curves import auc
from despoof.metrics.scores import Scores, make_scores

LIMIT = 0.9
"""A cue whose AUC exceeds this in one of the two directions makes a set unfit to rank systems."""


@dataclass(frozen=True)
class CueRow:
    """The cues of one clip.

    Attributes:
        path: as the manifest gives it.
        label: live or attack.
        group: the unit of independence (subject, or the clip).
        values: cue name → finite number.
    """

    path: str
    label: Label
    group: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class CueResult:
    """How well one cue tells live from attack.

    Attributes:
        name: of the cue.
        auc: P(cue of a live clip > cue of an attack), ties half; in the other direction 1 - auc.
        low, high: 95 % bootstrap over groups; None where a class has one group only.
        n_live, n_attack: clips that have this cue.
    """

    name: str
    auc: float
    low: float | None
    high: float | None
    n_live: int
    n_attack: int

    @property
    def sign(self) -> int:
        """1 where more of the cue means live, -1 where it means attack."""
        return 1 if self.auc >= 0.5 else -1

    @property
    def strength(self) -> float:
        """AUC in the better of the two directions, in [0.5, 1]."""
        return max(self.auc, 1 - self.auc)

    @property
    def strength_ci95(self) -> tuple[float, float] | None:
        """The interval in that direction; it may reach below 0.5."""
        if self.low is None or self.high is None:
            return None
        return (self.low, self.high) if self.sign > 0 else (1 - self.high, 1 - self.low)


@dataclass(frozen=True)
class AuditReport:
    """What trivial cues tell about a set.

    Attributes:
        cues: strongest first.
        n_live, n_attack: clips.
        live_groups, attack_groups: independent groups among them.
        limit: AUC above which a cue disqualifies the set.
        draws: of the bootstrap.
    """

    cues: tuple[CueResult, ...]
    n_live: int
    n_attack: int
    live_groups: int
    attack_groups: int
    limit: float
    draws: int

    @property
    def flagged(self) -> tuple[str, ...]:
        """Names of the cues whose AUC exceeds the limit in one of the directions."""
        return tuple(cue.name for cue in self.cues if cue.strength > self.limit)

    @property
    def can_rank(self) -> bool:
        """False where a trivial cue alone all but solves the set."""
        return not self.flagged

    @property
    def verdict(self) -> str:
        """The finding in one sentence."""
        best = self.cues[0]
        if self.can_rank:
            return (
                f"No trivial cue exceeds AUC {self.limit:g}; the best is {best.name} with "
                f"{best.strength:.3f}. A system must beat it to have shown anything."
            )
        return (
            f"This set cannot rank systems: {', '.join(self.flagged)} alone "
            f"exceed{'s' if len(self.flagged) == 1 else ''} AUC {self.limit:g} "
            f"({best.name}: {best.strength:.3f}). A high AUC here does not show that spoofing is "
            "seen; test a system against the best cue in pairs, and on another set."
        )

    def plain(self) -> dict[str, object]:
        """Return JSON values."""
        return {
            "n_live": self.n_live,
            "n_attack": self.n_attack,
            "live_groups": self.live_groups,
            "attack_groups": self.attack_groups,
            "limit": self.limit,
            "draws": self.draws,
            "can_rank": self.can_rank,
            "flagged": list(self.flagged),
            "verdict": self.verdict,
            "cues": [
                {
                    "name": cue.name,
                    "auc": cue.auc,
                    "auc_ci95": None if cue.low is None else [cue.low, cue.high],
                    "higher_means": "live" if cue.sign > 0 else "attack",
                    "strength": cue.strength,
                    "strength_ci95": list(cue.strength_ci95) if cue.strength_ci95 else None,
                    "flagged": cue.name in self.flagged,
                    "n_live": cue.n_live,
                    "n_attack": cue.n_attack,
                }
                for cue in self.cues
            ],
        }


def measure(
    clip: Clip, settings: BulkSettings | None = None, detector: FaceDetector | None = None
) -> CueRow:
    """Measure the cues of a clip: of its picture, or of the middle frame of its video.

    Args:
        clip: from a manifest.
        settings: `cropped` and `detect`, as in scoring.
        detector: finds the face where the manifest has no box; the largest face is taken.

    Returns:
        What `evaluation.cues.cues` measures (bytes per pixel of pictures only), `border_share` and
        `outside_share`.

    Raises:
        MediaError: the file cannot be read.
        DataError: no face is known or found.
        InputError: the manifest's box lies outside the picture.
    """
    frames = read_frames(str(clip.path), 1)
    image = frames[0].image
    faces = known_faces(clip, frames, settings or BulkSettings())
    if faces is None:
        faces = detector(image) if detector is not None else []
    if not faces:
        raise DataError(f"{clip.name}: no face found. Give its box in the manifest, or --cropped.")
    box = faces[0].box
    size = clip.path.stat().st_size if is_image(clip.path) else None
    values = cues(image, box, size)
    values |= {"border_share": border_share(image), "outside_share": outside_share(image, box)}
    return CueRow(clip.name, clip.label, clip.group, values)


def measure_all(
    clips: Iterable[Clip],
    settings: BulkSettings | None = None,
    detector: FaceDetector | None = None,
    show: Callable[[str], None] = lambda name: None,
) -> tuple[list[CueRow], list[tuple[str, str]]]:
    """Measure many clips; return their cues, and (name, reason) of what could not be measured.

    Args:
        clips: from a manifest.
        settings: as in `measure`.
        detector: as in `measure`.
        show: called with each clip's name when its turn comes.
    """
    rows: list[CueRow] = []
    failed: list[tuple[str, str]] = []
    for clip in clips:
        show(clip.name)
        try:
            rows.append(measure(clip, settings, detector))
        except DespoofError as error:
            failed.append((clip.name, str(error)))
    return rows, failed


def audit(
    rows: Sequence[CueRow], *, limit: float = LIMIT, draws: int = 1000, seed: int = 0
) -> AuditReport:
    """Measure how well each cue alone tells live from attack.

    Args:
        rows: clips with their cues; a cue may be missing from some rows.
        limit: see `AuditReport.flagged`.
        draws: of the group bootstrap; 0 leaves the intervals out.
        seed: of the bootstrap.

    Raises:
        InputError: a class is missing, or no cue is there for both classes.
    """
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    found = [_result(rows, name, draws, seed) for name in names]
    kept = [result for result in found if result is not None]
    live = [row for row in rows if row.label == "live"]
    attack = [row for row in rows if row.label == "attack"]
    if not kept:
        raise InputError(
            f"{len(live)} live and {len(attack)} attack clips: an audit needs both classes, and a "
            "cue that was measured on both."
        )
    return AuditReport(
        cues=tuple(sorted(kept, key=lambda cue: -cue.strength)),
        n_live=len(live),
        n_attack=len(attack),
        live_groups=len({row.group for row in live}),
        attack_groups=len({row.group for row in attack}),
        limit=limit,
        draws=draws,
    )


def cue_scores(rows: Sequence[CueRow], values: NDArray[np.float64]) -> Scores:
    """Return any numbers of rows as the metrics read them; the rows' groups are resampled."""
    return make_scores(
        values, [row.label == "live" for row in rows], None, [row.group for row in rows]
    )


def _result(rows: Sequence[CueRow], name: str, draws: int, seed: int) -> CueResult | None:
    used = [row for row in rows if name in row.values]
    scores = cue_scores(used, np.array([row.values[name] for row in used]))
    if not (scores.n_live and scores.n_attack):
        return None
    groups = [
        len({row.group for row in used if row.label == label}) for label in ("live", "attack")
    ]
    if draws < 1 or min(groups) < 2:
        return CueResult(name, auc(scores), None, None, scores.n_live, scores.n_attack)
    interval = bootstrap(scores, auc, draws=draws, seed=seed)
    return CueResult(
        name, interval.value, interval.low, interval.high, scores.n_live, scores.n_attack
    )
