"""Gate 3: the student must tell attacks as its teacher tells them."""

import numpy as np
import torch
from numpy.typing import NDArray

from despoof.diffusion.bridge import BridgeConfig
from despoof.evaluation.bridge_checks.check import Check
from despoof.evaluation.bridge_checks.scores import labelled, too_few_groups
from despoof.evaluation.bridge_checks.task import noise_scores
from despoof.evaluation.student_gates.subject import Compared
from despoof.metrics import weighted
from despoof.metrics.compare import paired_bootstrap

LIMIT = 0.005
DRAWS = 2000
TARGET = "AUC within 0.5 points of the teacher's"


def task_gate(seen: Compared, name: str) -> Check:
    """Compare both systems' scores on the same faces.

    The teacher judges with its own bridge, which its detector learnt from.

    Args:
        seen: one set.
        name: of the set.
    """
    title = f"task, {name}"
    detector = seen.subject.system.config.detector
    if detector.needs_noise and detector.noise_scale is None:
        return Check(title, None, TARGET, {}, "Not measured: the teacher's detector is untrained.")
    if reason := too_few_groups(seen.faces):
        return Check(title, None, TARGET, {}, f"Not measured: {reason}")
    both = {"teacher": _teacher(seen), "student": _student(seen)}
    for whose, scores in both.items():
        if not np.isfinite(scores).all():
            return Check(title, False, TARGET, {}, f"The {whose}'s scores are not all finite.")
    first, second = (labelled(seen.faces, scores) for scores in both.values())
    found = paired_bootstrap(first, second, weighted.auc, draws=DRAWS, strata="class")
    change = found.difference
    figures = {
        "auc": found.second,
        "auc_teacher": found.first,
        "auc_change": change.value,
        "auc_change_low": change.low,
        "auc_change_high": change.high,
    }
    live, attack = first.n_groups()
    words = (
        f"Student − teacher; paired bootstrap over people ({live} live, {attack} attack), {DRAWS} "
        "draws, 95 %. The interval says how much the figure is worth; it is no part of the gate."
    )
    return Check(title, abs(change.value) <= LIMIT, TARGET, figures, words)


def _teacher(seen: Compared) -> NDArray[np.float64]:
    """Score with the teacher's own bridge; the reference's noise is taken if it is the same."""
    subject = seen.subject
    config = subject.system.config
    same: BridgeConfig | None = seen.bridge if config.precision == "fp32" else None
    made = seen.reference if config.bridge == same else subject.cross()
    return noise_scores(subject.system, subject.pixels, made.noise, subject.chunk)


def _student(seen: Compared) -> NDArray[np.float64]:
    device = next(seen.student.parameters()).device
    parts = [
        seen.student.score(x.to(device)).cpu()
        for x in seen.subject.pixels.split(seen.subject.chunk)
    ]
    return torch.cat(parts).double().numpy()
