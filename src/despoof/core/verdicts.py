"""No verdict on a face; several faces or frames to one verdict."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from despoof.core.types import Face, Frame, Verdict


def undecided(
    frame: Frame,
    threshold: float | None,
    reason: str,
    face: Face | None = None,
    quality: dict[str, float] | None = None,
) -> Verdict:
    """The verdict that nothing can be said of a frame, or of a face in it, and why."""
    return Verdict(
        label="undecided",
        score=None,
        threshold=threshold,
        reason=reason,
        box=face.box if face else None,
        source=frame.source,
        index=frame.index,
        time=frame.time,
        quality=quality or {},
    )


def worst_face(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of one picture: spoof before undecided before live, then the lowest score.

    A picture is as trustworthy as its least trustworthy face, so no live bystander can vouch for
    an attack. Faces that are set aside (`Verdict.aside`) have no say beside others.

    >>> live, spoof = Verdict("live", 0.9, 0.5), Verdict("spoof", 0.1, 0.5)
    >>> worst_face([live, spoof]).label
    'spoof'
    """
    order = {"spoof": 0, "undecided": 1, "live": 2}
    verdicts = [v for v in verdicts if not v.aside] or verdicts
    return min(verdicts, key=lambda v: (order[v.label], v.score if v.score is not None else 0.0))


def whole_clip(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of a video: the mean of the frames' worst scores, against the threshold.

    Frames whose worst face is undecided are left out of the mean; when they are more than half,
    the clip is undecided with the first of their reasons. One frame is a picture: `worst_face`.
    """
    frames = [list(group) for _, group in groupby(verdicts, key=lambda v: v.index)]
    if len(frames) == 1:
        return worst_face(verdicts)
    judged = [v for v in map(worst_face, frames) if v.label != "undecided"]
    scores = [v.score for v in judged if v.score is not None]
    first = replace(verdicts[0], box=None, quality={})
    if 2 * len(scores) < len(frames):
        reason = next(v.reason for v in verdicts if v.label == "undecided")
        missing = len(frames) - len(scores)
        return replace(
            first,
            label="undecided",
            score=None,
            reason=f"{missing} of {len(frames)} frames could not be judged: {reason}",
        )
    mean = sum(scores) / len(scores)
    threshold = judged[0].threshold
    label = "live" if threshold is not None and mean > threshold else "spoof"
    return replace(first, label=label, score=mean, threshold=threshold, reason="")
