"""Check 3: the noise must be that of the reference, picture by picture and band by band."""

import math

import numpy as np
from torch import Tensor

from despoof.diffusion.bridge import BridgeConfig
from despoof.evaluation.bridge_checks.check import Check, not_finite
from despoof.evaluation.bridge_checks.subject import Crossed, Subject
from despoof.evaluation.despoofbench.peaks import peak_kept
from despoof.nets.spectrum import FIRST_EDGE, band_energy

BAND_SLACK = 0.15
REFERENCE_FACES = 4
TARGET = "correlation: median ≥ 0.98, 5th percentile ≥ 0.90; energy of each octave ± 15 %"
TINY = 1e-30


def fidelity_check(
    subject: Subject, own: Crossed, exact: Crossed, reference: BridgeConfig
) -> Check:
    """Compare the system's noise with level 0's.

    The reference itself is doubted, too: half its steps on a few faces.

    Args:
        subject: what is checked.
        own: the system's own bridge.
        exact: the reference's.
        reference: how it was integrated.
    """
    for crossed in (own, exact):
        if (broken := not_finite("fidelity", TARGET, crossed.noise)) is not None:
            return broken
    figures = noise_fidelity(own.noise, exact.noise)
    peaks = _peaks(own.noise, exact.noise)
    if peaks:
        figures["peak_kept_db"] = float(np.median(peaks))
    halved = reference.model_copy(update={"steps": max(2, reference.steps // 2)})
    few = subject.cross(config=halved, count=REFERENCE_FACES, bf16=False).noise
    fine = exact.noise[subject.spread(REFERENCE_FACES)]
    figures["reference_doubt"] = float((few - fine).norm() / fine.norm().clamp(min=TINY))
    bands = [value for name, value in figures.items() if name.startswith("band_")]
    passed = (
        figures["correlation_median"] >= 0.98
        and figures["correlation_5th"] >= 0.90
        and all(abs(band - 1) <= BAND_SLACK for band in bands)
    )
    moire = f"{len(peaks)} with a spectral peak" if peaks else "no spectral peak in any: not judged"
    words = (
        f"Against {reference.solver}, {reference.grid}, {reference.steps} + {reference.steps} in "
        f"fp32; {len(own.noise)} faces, {moire}. reference_doubt: the relative change of the "
        f"reference itself ({len(fine)} faces) with half its steps."
    )
    return Check("fidelity", passed, TARGET, figures, words)


def noise_fidelity(noise: Tensor, exact: Tensor) -> dict[str, float]:
    """Compare signed noise (N, C, S, S) with a reference of the same shape.

    Returns:
        `correlation_median`, `correlation_5th` (Pearson, per picture; 0 where one does not vary),
        `relative_l2` (‖noise − exact‖ / ‖exact‖ over all), `sign_agreement` (share of values), and
        `band_<low>_<high>`: energy / the reference's in cycles a picture, octaves from 0–4 up.
    """
    a, b = (x.double().flatten(1) for x in (noise, exact))
    centred, other = (x - x.mean(dim=1, keepdim=True) for x in (a, b))
    size = (centred.norm(dim=1) * other.norm(dim=1)).clamp(min=TINY)
    correlation = (centred * other).sum(dim=1) / size
    figures = {
        "correlation_median": float(correlation.quantile(0.5)),
        "correlation_5th": float(correlation.quantile(0.05)),
        "relative_l2": float((a - b).norm() / b.norm().clamp(min=TINY)),
        "sign_agreement": float((a.sign() == b.sign()).double().mean()),
    }
    own, wanted = (band_energy(x).double().mean(dim=0) for x in (noise, exact))
    edges = [0, *(int(FIRST_EDGE) * 2**i for i in range(len(own)))]
    for i, ratio in enumerate((own / wanted.clamp(min=TINY)).tolist()):
        figures[f"band_{edges[i]}_{edges[i + 1]}"] = ratio
    return figures


def _peaks(noise: Tensor, exact: Tensor) -> list[float]:
    """Return `peak_kept` in dB of every picture whose reference noise has a peak."""
    pairs = zip(*(x.permute(0, 2, 3, 1).double().numpy() for x in (exact, noise)), strict=True)
    kept = [peak_kept(true, found) for true, found in pairs]
    return [value for value in kept if not math.isnan(value)]
