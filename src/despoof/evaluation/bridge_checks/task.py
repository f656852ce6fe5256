"""Check 4: a detector must judge the fast noise as it judges the reference's."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from despoof.core.errors import WeightsError
from despoof.evaluation.bridge_checks.check import Check, not_finite
from despoof.evaluation.bridge_checks.scores import labelled, too_few_groups
from despoof.evaluation.bridge_checks.subject import Crossed, Subject
from despoof.metrics import weighted
from despoof.metrics.compare import paired_bootstrap
from despoof.metrics.curves import eer
from despoof.systems.despoofing_diffusion.scoring import map_score
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion, as_cached
from despoof.systems.residuals import weights_hash

LIMIT = 0.003
DRAWS = 2000
TARGET = "change of AUC at most 0.003; change of ACER: 0 within its 95 % interval"


def task_check(
    subject: Subject, own: Crossed, exact: Crossed, other: DespoofingDiffusion | None = None
) -> Check:
    """Judge both noises with the system's own detector, and with one that learnt the reference's.

    Args:
        subject: what is checked; its detector learnt from its own bridge's noise.
        own: that bridge.
        exact: the reference's.
        other: the same fields with a detector that learnt from the reference's noise, for the
            reverse.

    Raises:
        WeightsError: the other system has other fields.
    """
    if reason := _unfit(subject.system) or too_few_groups(subject.faces):
        return Check("task fidelity", None, TARGET, {}, f"Not measured: {reason}")
    for crossed in (own, exact):
        if (broken := not_finite("task fidelity", TARGET, crossed.noise)) is not None:
            return broken
    figures, passed = _compared(subject, subject.system, own.noise, exact.noise)
    words = "Second − first: the own noise beside the reference's, by the system's own detector"
    if other is None:
        words += "; the reverse is not measured (--reference-weights)."
    else:
        _same_fields(subject.system, other)
        if reason := _unfit(other):
            raise WeightsError(f"The reference's weights cannot be compared: {reason}")
        reverse, too = _compared(subject, other, own.noise, exact.noise)
        figures |= {f"reverse_{name}": value for name, value in reverse.items()}
        passed = passed and too
        words += ", and the reverse by one that learnt the reference's."
    words += f" Paired bootstrap over people, {DRAWS} draws; ACER at the reference's EER threshold."
    return Check("task fidelity", passed, TARGET, figures, words)


def noise_scores(
    system: DespoofingDiffusion, faces: Tensor, noise: Tensor, chunk: int = 32
) -> NDArray[np.float64]:
    """Return (N,) scores of faces with noise that was found before.

    Args:
        system: whose detector is asked.
        faces: (N, 3, S, S) in [-1, 1].
        noise: like the faces, signed, as a bridge gave it.
        chunk: faces a call.
    """
    device = next(system.parameters()).device
    with torch.no_grad():
        parts = [
            map_score(system.detector(x.to(device), as_cached(n).to(device))).cpu()
            for x, n in zip(faces.split(chunk), noise.split(chunk), strict=True)
        ]
    return torch.cat(parts).double().numpy()


def _compared(
    subject: Subject, judge: DespoofingDiffusion, own: Tensor, exact: Tensor
) -> tuple[dict[str, float], bool]:
    second, first = (
        labelled(subject.faces, noise_scores(judge, subject.pixels, noise, subject.chunk))
        for noise in (own, exact)
    )
    by_auc = paired_bootstrap(first, second, weighted.auc, draws=DRAWS, strata="class")
    at = eer(first).threshold
    by_acer = paired_bootstrap(
        first, second, weighted.hter, thresholds=(at, at), draws=DRAWS, strata="class"
    )
    figures = {
        "auc": by_auc.second,
        "auc_reference": by_auc.first,
        "auc_change": by_auc.difference.value,
        "auc_change_low": by_auc.difference.low,
        "auc_change_high": by_auc.difference.high,
        "acer_change": by_acer.difference.value,
        "acer_change_low": by_acer.difference.low,
        "acer_change_high": by_acer.difference.high,
    }
    passed = (
        abs(by_auc.difference.value) <= LIMIT
        and by_acer.difference.low <= 0 <= by_acer.difference.high
    )
    return figures, passed


def _unfit(system: DespoofingDiffusion) -> str:
    config = system.config.detector
    if not config.needs_noise:
        return f"the detector ({config.inputs}) sees no noise."
    if config.noise_scale is None:
        return "the detector on this noise is not trained (noise_scale is not measured)."
    return ""


def _same_fields(system: DespoofingDiffusion, other: DespoofingDiffusion) -> None:
    mine, theirs = (weights_hash(one.fields) for one in (system, other))
    if mine != theirs or system.config.crop != other.config.crop:
        raise WeightsError(
            f"The reference's weights have fields {theirs}, these have {mine}, or they cut faces "
            "in another way. Name a detector that was trained on the same fields' noise."
        )
