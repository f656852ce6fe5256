"""Gate 4: what one face costs, the student's beside its teacher's in one run."""

import statistics
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from despoof.diffusion.bridge import PAPER, BridgeConfig
from despoof.evaluation.bridge_checks.check import Check
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.student.system import Student

RATIO, RATE = 100.0, 30.0
TARGET = "paper mode takes ≥ 100 times as long; ≥ 30 faces/s one at a time"
EXACT = BridgeConfig()
"""The quick and exact one, O-BELM 10 + 10."""


def latency_gate(
    student: Student, teacher: DespoofingDiffusion, faces: Tensor, repeats: int = 20
) -> Check:
    """Time one face: the whole student beside the teacher's bridge, without the teacher's detector.

    Calls alternate, so that whatever else the machine does falls on both.

    Args:
        student: in eval mode; its detector is folded, as in use.
        teacher: in eval mode; its fields run as its configuration says.
        faces: (N ≥ 1, 3, S, S) in [-1, 1]; the first is timed.
        repeats: calls of the student; of O-BELM 10 + 10 a quarter, of the paper's DDIM 50 + 50 an
            eighth, at least two.
    """
    one, half = faces[:1], student.for_inference()
    device, far = (next(m.parameters()).device for m in (student, teacher))
    paper, exact = teacher.with_bridge(PAPER), teacher.with_bridge(EXACT)

    def in_bf16() -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return half.decompose(one.to(device)).score

    works: dict[str, tuple[Callable[[], Tensor], int]] = {
        "student": (lambda: half.decompose(one.to(device)).score, repeats),
        "student_bf16": (in_bf16, repeats),
        "exact": (lambda: exact.bridged(one.to(far)).noise, max(2, repeats // 4)),
        "paper": (lambda: paper.bridged(one.to(far)).noise, max(2, repeats // 8)),
    }
    found = {name: 1000 * s for name, s in medians(works).items()}
    figures = {f"ms_{name}": value for name, value in found.items()}
    figures |= {
        "ratio_paper": found["paper"] / found["student"],
        "ratio_exact": found["exact"] / found["student"],
        "faces_per_second": 1000 / found["student"],
    }
    passed = figures["ratio_paper"] >= RATIO and figures["faces_per_second"] >= RATE
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    words = (
        f"Medians, {tuple(one.shape[-2:])} pixels on {device}{threads}. Student: noise, genuine "
        f"face, evidence and score, fp32. Teacher: its bridge alone, fields in "
        f"{teacher.config.precision}; exact: O-BELM 10 + 10, paper: DDIM 50 + 50."
    )
    return Check("latency", passed, TARGET, figures, words)


def medians(works: Mapping[str, tuple[Callable[[], object], int]]) -> dict[str, float]:
    """Return the median seconds of each work, called so often, in turns, after one call untimed.

    A tensor that comes back counts when it is on the CPU.
    """
    for work, _ in works.values():
        _done(work)
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(max(count for _, count in works.values())):
        for name, (work, count) in works.items():
            if turn < count:
                start = time.perf_counter()
                _done(work)
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def _done(work: Callable[[], object]) -> None:
    made = work()
    if isinstance(made, Tensor):
        made.cpu()
