"""Check 5: with the live field both ways, what is left must not tell attacks from live faces."""

from despoof.evaluation.bridge_checks.check import Check, not_finite, rms
from despoof.evaluation.bridge_checks.scores import labelled, too_few_groups
from despoof.evaluation.bridge_checks.subject import Subject
from despoof.metrics.delong import auc_interval

TARGET = "AUC of the null noise's size: 0.5 within its 95 % interval"


def null_check(subject: Subject) -> Check:
    """Send every face up and down with the live field; how large is what does not come back?

    If that told attacks, "noise" would in part be the solver's error (SPEC §8.5).
    """
    left = subject.cross("live", "live").noise
    if (broken := not_finite("null test", TARGET, left)) is not None:
        return broken
    if reason := too_few_groups(subject.faces):
        return Check("null test", None, TARGET, {"rms": rms(left)}, f"Not measured: {reason}")
    size = left.double().square().mean(dim=(1, 2, 3)).sqrt()
    found = auc_interval(labelled(subject.faces, -size.numpy()))
    figures = {
        "auc": found.value,
        "auc_low": found.low,
        "auc_high": found.high,
        "rms": rms(left),
        "rms_live": rms(left[subject.live]),
        "rms_attack": rms(left[~subject.live]),
    }
    words = (
        f"Score: minus the RMS of what is left; {found.live_groups} live and "
        f"{found.attack_groups} attack people. A wide interval passes easily."
    )
    return Check("null test", found.low <= 0.5 <= found.high, TARGET, figures, words)
