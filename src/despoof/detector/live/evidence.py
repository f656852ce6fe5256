"""Looks at one face, weighed by time, into a decision or the reason why there is none.

Every look stands for the time since the one before it, and fades with a time constant. The shares
of live, spoof and unjudged time decide; they do not depend on how often the face was looked at.
"""

import math
from dataclasses import dataclass, replace

from despoof.core.types import VerdictLabel
from despoof.detector.live.config import EvidenceConfig

_SAME = 1e-6
"""Seconds: looks that are not further apart are not one after the other."""


@dataclass(frozen=True)
class Look:
    """What one frame says of a face.

    Attributes:
        time: seconds.
        label: of this frame alone.
        score: higher = more live; None where none was computed.
        threshold: live iff score > threshold; None where there is none.
        reason: why it is undecided.
        broken: something failed: what was known before does not count any more.
    """

    time: float
    label: VerdictLabel
    score: float | None = None
    threshold: float | None = None
    reason: str = ""
    broken: bool = False


@dataclass(frozen=True)
class Evidence:
    """All that was seen of a face up to now.

    Attributes:
        label: the decision.
        reason: why it is undecided; empty for live and spoof.
        score: faded mean of the judged looks' scores; None without any.
        threshold: of the latest look that had one.
        since: time of the first look that counts; None before it.
        last: time of the latest look.
        looks: how many were judged.
        live: faded weight of the looks that said live; with the next two at most 1.
        spoof: of those that said spoof.
        unjudged: of those that were undecided.
    """

    label: VerdictLabel = "undecided"
    reason: str = "not looked at yet"
    score: float | None = None
    threshold: float | None = None
    since: float | None = None
    last: float = -math.inf
    looks: int = 0
    live: float = 0.0
    spoof: float = 0.0
    unjudged: float = 0.0

    def share(self, label: VerdictLabel) -> float:
        """Return the part of the evidence that says so, in [0, 1]."""
        parts = {"live": self.live, "spoof": self.spoof, "undecided": self.unjudged}
        total = sum(parts.values())
        return parts[label] / total if total > 0 else 0.0


def weigh(before: Evidence, look: Look, config: EvidenceConfig) -> Evidence:
    """Add a look to the evidence and decide.

    A look that is broken, or whose time or score is no number, leaves nothing but its reason. One
    that comes too late, or not after the look before it, begins anew.
    """
    judged = look.label != "undecided"
    if look.broken or not math.isfinite(look.time):
        return Evidence(reason=look.reason or f"the look's time is {look.time}, not a number")
    if judged and (look.score is None or not math.isfinite(look.score)):
        return Evidence(reason=f"the network's score is {look.score}, not a number")
    if not _SAME < look.time - before.last <= config.stale:
        before = Evidence()
    first = before.since is None
    passed = config.min_seconds / config.min_looks if first else look.time - before.last
    new = -math.expm1(-passed / config.time_constant)
    parts = {
        "live": before.live * (1 - new),
        "spoof": before.spoof * (1 - new),
        "undecided": before.unjudged * (1 - new),
    }
    weight = parts["live"] + parts["spoof"] + new
    parts[look.label] += new
    score = before.score
    if judged and look.score is not None:
        mean = look.score if score is None else score
        score = mean + (look.score - mean) * (new / weight)
    made = Evidence(
        label=before.label,
        score=score,
        threshold=before.threshold if look.threshold is None else look.threshold,
        since=look.time if before.since is None else before.since,
        last=look.time,
        looks=before.looks + judged,
        live=parts["live"],
        spoof=parts["spoof"],
        unjudged=parts["undecided"],
    )
    label, reason = _decide(made, look, config)
    return replace(made, label=label, reason=reason)


def _decide(now: Evidence, look: Look, config: EvidenceConfig) -> tuple[VerdictLabel, str]:
    """Decide; `now.label` still is the decision before."""
    seconds = now.last - (now.last if now.since is None else now.since)
    above = now.score is not None and now.threshold is not None and now.score > now.threshold
    if now.looks == 0 or (look.label == "undecided" and now.share("undecided") > 0.5):
        return "undecided", look.reason or "not judged"
    if now.looks < config.min_looks or seconds < config.min_seconds - 1e-9:
        return "undecided", (
            f"too little evidence: {now.looks} looks in {seconds:.1f} s, "
            f"need {config.min_looks} in {config.min_seconds:g} s"
        )
    if _enough(now, "spoof", config):
        return "spoof", ""
    if _enough(now, "live", config):
        if above:
            return "live", ""
        return "undecided", (
            f"looks disagree: {now.share('live'):.0%} say live, but their mean score "
            f"{now.score:.4f} is not above the threshold"
        )
    latest = f"; now {look.reason}" if look.reason else ""
    return "undecided", (
        f"looks disagree: {now.share('live'):.0%} live, {now.share('spoof'):.0%} spoof, "
        f"{now.share('undecided'):.0%} not judged, {config.agree:.0%} must agree{latest}"
    )


def _enough(now: Evidence, label: VerdictLabel, config: EvidenceConfig) -> bool:
    return now.share(label) >= (config.keep if now.label == label else config.agree)
