"""What a whole video or a stretch of a camera comes to, face by face."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from despoof.core.types import Box, Verdict, VerdictLabel
from despoof.core.verdicts import worst_face
from despoof.detector.live.config import TrackingConfig
from despoof.detector.live.following import NO_FACE, Followed


@dataclass(frozen=True)
class Total:
    """One face from its first frame to its last.

    Attributes:
        number: of the track.
        begin: seconds, its first frame.
        end: seconds, the last frame in which it was found.
        box: where it was last found.
        threshold: of the latest look that had one.
        reason: the latest why it was undecided.
        settled: the latest decision; undecided before the first one, after an error, and
            where a look that said spoof ended it.
        spoofed: whether it ever was decided a spoof.
        looks: how many looks there were.
        judged: how many of them were live or spoof.
        mean: plain mean of their scores; None without any.
        hits: how often it was found.
    """

    number: int
    begin: float
    end: float
    box: Box
    threshold: float | None = None
    reason: str = ""
    settled: VerdictLabel = "undecided"
    spoofed: bool = False
    looks: int = 0
    judged: int = 0
    mean: float | None = None
    hits: int = 0

    def verdict(self, source: str) -> Verdict:
        """Sum the face up.

        Spoof if it ever was decided a spoof. Live if it was decided live, nothing failed
        thereafter, and at least half of its looks could be judged. Else undecided.
        """
        label, reason = self._summed_up()
        return Verdict(label, self.mean, self.threshold, reason, self.box, source, time=self.begin)

    def _summed_up(self) -> tuple[VerdictLabel, str]:
        if self.spoofed:
            return "spoof", ""
        if self.settled != "live":
            return "undecided", self.reason or "never decided"
        if 2 * self.judged < self.looks:
            missing = self.looks - self.judged
            return "undecided", (
                f"{missing} of {self.looks} looks could not be judged: {self.reason}"
            )
        return "live", ""


def tally(total: Total | None, face: Followed, time: float) -> Total:
    """Add a frame to a face's total; None begins one.

    Args:
        total: of the same track.
        face: after the frame.
        time: of the frame, seconds.
    """
    track, evidence, verdict = face.track, face.evidence, face.verdict
    total = total or Total(track.number, time, time, track.face.box)
    # After an error nothing from before it counts; nor does a decision that a look contradicts.
    contradicted = verdict is not None and verdict.label == "spoof"
    forgotten = evidence.since is None or contradicted
    settled = face.label if face.label != "undecided" or forgotten else total.settled
    made = replace(
        total,
        end=track.seen,
        box=track.face.box,
        threshold=total.threshold if evidence.threshold is None else evidence.threshold,
        reason=face.reason or total.reason,
        settled=settled,
        spoofed=total.spoofed or face.label == "spoof",
        hits=track.hits,
    )
    if verdict is None:
        return made
    made = replace(made, looks=total.looks + 1)
    if verdict.label == "undecided" or verdict.score is None:
        return made
    mean = total.mean or 0.0
    judged = total.judged + 1
    return replace(made, judged=judged, mean=mean + (verdict.score - mean) / judged)


def whole(
    totals: Sequence[Total],
    source: str,
    threshold: float | None,
    config: TrackingConfig,
    error: str = "",
) -> Verdict:
    """Sum all faces up: the worst one; undecided without any, and after an error.

    Tracks that were found less than `config.confirm` times are false alarms and do not count.
    """
    counted = [total for total in totals if total.hits >= config.confirm]
    reason = NO_FACE if not totals else "no face was seen for long enough"
    worst = Verdict("undecided", None, threshold, reason, source=source)
    if counted:
        worst = worst_face([total.verdict(source) for total in counted])
    if error and worst.label != "spoof":
        worst = replace(worst, label="undecided", reason=error)
    return replace(worst, box=None, time=None)
