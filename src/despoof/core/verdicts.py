"""No verdict on a face; several faces or frames to one verdict."""

import math
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
        colour=frame.colour,
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


def clip_score(scores: Sequence[float]) -> float:
    """Sum the scores of a clip's frames up: the mean of the worst tenth, at least of one frame.

    A film is as bad as its attack part. The mean over all frames is not: three frames of a genuine
    face outweigh five of an attack, and whoever makes the film chooses how many there are and how
    live they look. Here, where a tenth of the frames show an attack, nothing else counts: no other
    frame has a say, however many there are and however high they score. (The mean of the worst
    third, or of two frames of eight, still lets very live frames outweigh a short attack.) A single
    frame decides alone below twenty; of more it does not, so that one dip does not end a long film.

    The price: the score of a live film falls below the mean of its frames, by about 1.4 of their
    standard deviations for 8 frames, 1.8 for 16, 1.7 for 32. Frames of one film differ little
    beside live and attack, so only films near the threshold fall under it, or those with a frame
    that is far off and that the quality gate lets pass. A second try mends that error; the other
    one nothing mends.

    >>> clip_score([3.0, 3.0, 3.0, -2.0, 3.0, 3.0, 3.0, 3.0]), clip_score([1.0] * 19 + [0.0])
    (-2.0, 0.5)

    Args:
        scores: of the frames, at least one, higher = more live.
    """
    worst = sorted(scores)[: max(1, len(scores) // 10)]
    return math.fsum(worst) / len(worst)


def whole_clip(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of a video: the `clip_score` of its frames' worst faces, against the threshold.

    Frames whose worst face is undecided are left out; when they are more than half, the clip is
    undecided with the first of their reasons. One frame is a picture: `worst_face`.
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
    score = clip_score(scores)
    threshold = judged[0].threshold
    label = "live" if threshold is not None and score > threshold else "spoof"
    return replace(first, label=label, score=score, threshold=threshold, reason="")
