"""One frame after the other: find faces, follow them, look at them, decide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from despoof.core.errors import DespoofError
from despoof.core.types import Face, Frame, Image, Verdict, VerdictLabel
from despoof.core.verdicts import undecided, worst_face
from despoof.detector.checking import Detector
from despoof.detector.live.config import LiveConfig
from despoof.detector.live.evidence import Evidence, Look, weigh
from despoof.detector.live.tracking import Track, ended, follow

NO_FACE = "no face found"
LOST = "face not found in this frame"
_EARLY = 1e-3
"""Seconds that a frame may be early, so that rounded frame times do not skip a turn."""

Find = Callable[[Image], list[Face]]
"""A picture in, faces out, largest first."""
Judge = Callable[[Frame, Sequence[Face]], list[Verdict]]
"""A frame and at least one face of it in, one verdict a face out, in their order."""


@dataclass(frozen=True)
class Followed:
    """One face: where it is, and what is known of it.

    Attributes:
        track: its boxes over time.
        evidence: its looks over time.
        verdict: what this frame alone says; None where the face was not looked at.
    """

    track: Track
    evidence: Evidence = field(default_factory=Evidence)
    verdict: Verdict | None = None

    @property
    def label(self) -> VerdictLabel:
        """The decision; a face that the latest search did not find is never live."""
        lost = self.evidence.label == "live" and not self.track.found
        return "undecided" if lost else self.evidence.label

    @property
    def reason(self) -> str:
        """Why it is undecided; empty for live and spoof."""
        return LOST if self.label != self.evidence.label else self.evidence.reason


@dataclass(frozen=True)
class State:
    """All that is carried from one frame to the next.

    Attributes:
        faces: every face that is being followed, in the order of appearance.
        searched: time of the latest search for faces; None before it.
        empty: why a frame without a face has none.
        first_free: the next track's number.
    """

    faces: tuple[Followed, ...] = ()
    searched: float | None = None
    empty: str = "not looked at yet"
    first_free: int = 1

    def verdict(self, frame: Frame, threshold: float | None) -> Verdict:
        """Return the verdict on the whole frame: its worst face; undecided without any."""
        if not self.faces:
            return undecided(frame, threshold, self.empty)
        return worst_face([self.of_face(face, frame, threshold) for face in self.faces])

    @staticmethod
    def of_face(face: Followed, frame: Frame, threshold: float | None) -> Verdict:
        """Return a followed face's decision as a verdict on this frame."""
        base = undecided(frame, threshold, face.reason, face.track.face)
        return replace(base, label=face.label, score=face.evidence.score)


def step(state: State, frame: Frame, find: Find, judge: Judge, config: LiveConfig) -> State:
    """Carry everything on by one frame.

    Args:
        state: after the frame before; `State()` at the start.
        frame: the next one; its time is in seconds.
        find: asked at most every `detect_every` seconds.
        judge: asked for faces that were found in this frame and whose turn it is.
        config: how often, and what is enough.

    Returns:
        The new state. An error (`DespoofError`) of `find` or `judge` makes the faces concerned
        undecided and forgets their evidence; other exceptions pass through.
    """
    time = frame.time or 0.0
    kept = tuple(
        replace(face, verdict=None)
        for face in state.faces
        if not ended(face.track, time, config.tracking)
    )
    late = None if state.searched is None else time - state.searched
    if late is not None and 0 <= late < config.detect_every - _EARLY:
        return replace(state, faces=kept)
    state = replace(state, faces=kept, searched=time)
    try:
        found = find(frame.image)
    except DespoofError as error:
        broken = [_broken(face, time, str(error), config) for face in kept]
        return replace(state, faces=tuple(broken), empty=f"the search failed: {error}")
    tracks = follow([f.track for f in kept], found, time, state.first_free, config.tracking)
    known = {face.track.number: face for face in kept}
    faces = [replace(known.get(t.number, Followed(t)), track=t) for t in tracks]
    first_free = state.first_free + len(tracks) - len(kept)
    faces = _look(faces, frame, judge, config)
    return replace(state, faces=tuple(faces), empty=NO_FACE, first_free=first_free)


def judge_with(detector: Detector) -> Judge:
    """Return what judges faces as a detector does, without searching for them again."""

    def judge(frame: Frame, faces: Sequence[Face]) -> list[Verdict]:
        return given(detector, faces).check([frame])

    return judge


def given(detector: Detector, faces: Sequence[Face]) -> Detector:
    """Return the same detector, which is told where the faces are."""

    def found(image: Image) -> list[Face]:
        return list(faces)

    return replace(detector, face_detector=found)


def _look(
    faces: Sequence[Followed], frame: Frame, judge: Judge, config: LiveConfig
) -> list[Followed]:
    time = frame.time or 0.0
    turn = [f for f in faces if f.track.found and _is_due(f.evidence, time, config)]
    verdicts: dict[int, Verdict] = {}
    failed: dict[int, str] = {}
    try:
        judged = judge(frame, [face.track.face for face in turn]) if turn else []
        verdicts = {f.track.number: v for f, v in zip(turn, judged, strict=True)}
    except DespoofError as error:
        failed = {face.track.number: str(error) for face in turn}
    after: list[Followed] = []
    for face in faces:
        number = face.track.number
        if number in failed:
            after.append(_broken(face, time, failed[number], config))
        elif number in verdicts:
            verdict = verdicts[number]
            # The gate's undecided faces have a score: without one, the network failed.
            broken = verdict.label == "undecided" and verdict.score is None
            look = Look(
                time, verdict.label, verdict.score, verdict.threshold, verdict.reason, broken
            )
            evidence = weigh(face.evidence, look, config.evidence)
            after.append(replace(face, evidence=evidence, verdict=verdict))
        elif not face.track.found:
            look = Look(time, "undecided", reason=LOST)
            after.append(replace(face, evidence=weigh(face.evidence, look, config.evidence)))
        else:
            after.append(face)
    return after


def _is_due(evidence: Evidence, time: float, config: LiveConfig) -> bool:
    return evidence.since is None or not 0 <= time - evidence.last < config.score_every - _EARLY


def _broken(face: Followed, time: float, reason: str, config: LiveConfig) -> Followed:
    look = Look(time, "undecided", reason=reason, broken=True)
    return replace(face, evidence=weigh(face.evidence, look, config.evidence))
