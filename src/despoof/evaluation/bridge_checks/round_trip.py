"""Check 1: up and down with the same field must come back to where it began."""

from despoof.diffusion.solvers.registry import INVERTIBLE
from despoof.evaluation.bridge_checks.check import Check, not_finite, rms
from despoof.evaluation.bridge_checks.subject import Crossed, Subject

GREY_LEVEL = 2 / 255
"""One of 255 steps of grey, in [-1, 1] units: .0078 as SPEC §8.5 has it."""
EXACT = 1e-4
EXACT_FACES = 4


def round_trip_check(subject: Subject, own: Crossed) -> Check:
    """Measure the round trip of each field against a grey level and against live noise.

    Args:
        subject: what is checked.
        own: the system's own bridge; 10 % of its live noise is a limit.
    """
    target = "RMS ≤ 1/255 and ≤ 10 % of the live noise"
    config = subject.system.config.bridge.model_copy(update={"against": "input"})
    by_all, by_live = (subject.cross(domain, domain, config).noise for domain in ("all", "live"))
    for noise in (by_all, by_live, own.noise):
        if (broken := not_finite("round trip", target, noise)) is not None:
            return broken
    worst, of_live = max(rms(by_all), rms(by_live)), rms(own.noise[subject.live])
    figures = {
        "rms_all": rms(by_all),
        "rms_live": rms(by_live),
        "largest": max(float(by_all.abs().max()), float(by_live.abs().max())),
        "share_of_live_noise": worst / max(of_live, 1e-12),
    }
    passed = worst <= GREY_LEVEL and worst <= 0.1 * of_live
    words = "Up and down with the field of all faces, and with that of live ones; the worse counts."
    if config.solver in INVERTIBLE:
        # In bf16 the network answers in jumps, which no algebra undoes: fp32 is asked.
        exact = subject.cross("all", "all", config, count=EXACT_FACES, bf16=False).noise
        figures["rms_fp32"] = rms(exact)
        passed = passed and rms(exact) <= EXACT
        target = f"{target}; {config.solver} in fp32 ≤ 1e-4"
    return Check("round trip", passed, target, figures, words)
