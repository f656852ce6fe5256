"""Check 7: what a decomposition costs."""

import statistics
import time

import torch

from despoof.evaluation.bridge_checks.check import Check
from despoof.evaluation.bridge_checks.subject import Crossed, Subject


def latency_check(
    subject: Subject,
    own: Crossed,
    *,
    limit_ms: float | None = None,
    repeats: int = 20,
    batch: int = 8,
) -> Check:
    """Time `decompose` (bridge and detector; there is no VAE) on the system's device.

    Args:
        subject: what is checked.
        own: the system's own bridge; gives the evaluations.
        limit_ms: of the median of one face; None = there is no limit, and nothing to pass.
        repeats: timed calls with one face, after one that is not.
        batch: faces of the call whose throughput is taken.
    """
    target = "no limit was given" if limit_ms is None else f"one face: median ≤ {limit_ms:g} ms"
    if subject.system.config.detector.noise_scale is None:
        words = "Not measured: the detector on this noise is not trained."
        return Check("latency", None, target, {"nfe": float(own.nfe)}, words)
    seconds(subject, 1)
    alone = sorted(seconds(subject, 1) for _ in range(repeats))
    count = min(batch, len(subject.pixels))
    median = 1000 * statistics.median(alone)
    figures = {
        "nfe": float(own.nfe),
        "ms_median": median,
        "ms_p95": 1000 * alone[min(len(alone) - 1, int(0.95 * len(alone)))],
        "faces_per_second": count / min(seconds(subject, count) for _ in range(3)),
    }
    threads = f", {torch.get_num_threads()} threads" if subject.device.type == "cpu" else ""
    words = (
        f"Bridge and detector on {subject.device}{threads}; {repeats} calls with one face, best of "
        f"three with {count}. NFE: of both fields together, a batch counting once."
    )
    return Check(
        "latency", None if limit_ms is None else median <= limit_ms, target, figures, words
    )


def seconds(subject: Subject, count: int) -> float:
    """Return the wall time of one `decompose` of `count` faces, answers brought to the CPU."""
    faces = subject.pixels[:count].to(subject.device)
    start = time.perf_counter()
    subject.system.decompose(faces).score.cpu()
    return time.perf_counter() - start
