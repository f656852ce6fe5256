"""One run of `despoof watch`: frame after frame, and what it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from despoof.core.types import Frame, Verdict, VerdictLabel

if TYPE_CHECKING:
    from despoof.detector import Detector
    from despoof.detector.live.config import LiveConfig
    from despoof.detector.live.following import Followed
    from despoof.detector.live.totals import Total


@dataclass(frozen=True)
class Event:
    """A face came, its decision changed, or it left.

    Attributes:
        name: began, changed or ended.
        face: after it; of one that ended, as it was last known.
        was: the decision before; None for a face that began.
    """

    name: str
    face: "Followed"
    was: VerdictLabel | None = None


@dataclass(frozen=True)
class Step:
    """What one frame brought.

    Attributes:
        frame: the picture.
        verdict: of the whole frame: its worst face.
        faces: every face that is followed.
        events: of this frame, those that ended first.
        dropped: how many frames of the source were passed over just before this one.
    """

    frame: Frame
    verdict: Verdict
    faces: "Sequence[Followed]"
    events: Sequence[Event]
    dropped: int


class Course:
    """Carries the state from frame to frame and keeps the totals.

    Attributes:
        frames: how many there were.
        dropped: how many were passed over.
        seconds: time of the latest frame.
        colour: what was done to the frames' colours, see `core.types.Frame`.
    """

    def __init__(self, detector: "Detector", config: "LiveConfig", source: str) -> None:
        from despoof.detector.live.following import State, judge_with

        self.frames = 0
        self.dropped = 0
        self.seconds = 0.0
        self.colour = ""
        self._source = source
        self._detector = detector
        self._judge = judge_with(detector)
        self._config = config
        self._state = State()
        self._totals: dict[int, Total] = {}
        self._next_index: int | None = None

    def __call__(self, frame: Frame) -> Step:
        """Take the next frame."""
        from despoof.detector.live.following import step
        from despoof.detector.live.totals import tally

        before = {face.track.number: face for face in self._state.faces}
        find = self._detector.face_detector
        self._state = step(self._state, frame, find, self._judge, self._config)
        self.seconds = frame.time or 0.0
        self.colour = frame.colour
        for face in self._state.faces:
            number = face.track.number
            self._totals[number] = tally(self._totals.get(number), face, self.seconds)
        due = frame.index if self._next_index is None else self._next_index
        dropped = max(0, frame.index - due)
        self._next_index = frame.index + 1
        self.frames += 1
        self.dropped += dropped
        verdict = self._state.verdict(frame, self._detector.threshold)
        return Step(frame, verdict, self._state.faces, _events(before, self._state.faces), dropped)

    def totals(self) -> "list[Total]":
        """Return the faces that were seen for long enough to count, in the order they came."""
        confirm = self._config.tracking.confirm
        return [total for total in self._totals.values() if total.hits >= confirm]

    def whole(self, error: str = "") -> Verdict:
        """Sum up; with an error it is a spoof or undecided."""
        from despoof.detector.live.totals import whole

        every = list(self._totals.values())
        threshold = self._detector.threshold
        summed = whole(every, self._source, threshold, self._config.tracking, error)
        return replace(summed, sealed=self._detector.sealed)


def _events(before: "dict[int, Followed]", faces: "Sequence[Followed]") -> list[Event]:
    now = {face.track.number for face in faces}
    found = [Event("ended", face, face.label) for n, face in before.items() if n not in now]
    for face in faces:
        old = before.get(face.track.number)
        if old is None:
            found.append(Event("began", face))
        elif old.label != face.label:
            found.append(Event("changed", face, old.label))
    return found
