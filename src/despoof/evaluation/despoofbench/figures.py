"""How well an estimated noise agrees with the true one: the figures of one pair (SPEC §8.5)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import InputError
from despoof.core.types import Image
from despoof.evaluation.despoofbench.peaks import peak_kept
from despoof.nets.spectrum import octave_count, octaves

Noise = NDArray[np.float32]
"""(S, S, 3) float32, signed, `picture − genuine` with both in [-1, 1]."""


@dataclass(frozen=True)
class PairFigures:
    """One estimate against one truth. NaN where a figure does not exist.

    Attributes:
        correlation: Pearson's, over all pixels and channels; 0 for an estimate without variation.
        relative_l2: ‖estimate − truth‖ / ‖truth‖; 0 is perfect, 1 is what zero noise gives.
        bands: energy of the estimate over energy of the truth, of each octave; 1 is perfect.
        band_correlation: of estimate and truth within each octave: energy in the right place.
        peak_kept: see `peaks.peak_kept`, dB; NaN where the truth has no spectral peak.
        psnr: of the genuine estimate, dB; of the picture itself for zero noise.
        ssim: of the genuine estimate, −1 … 1.
    """

    correlation: float
    relative_l2: float
    bands: tuple[float, ...]
    band_correlation: tuple[float, ...]
    peak_kept: float
    psnr: float
    ssim: float


def compare(attack: Image, truth: Noise, estimate: Noise) -> PairFigures:
    """Measure one estimate.

    Args:
        attack: (S, S, 3) uint8, what the system saw.
        truth: (S, S, 3), the true noise, not zero everywhere.
        estimate: (S, S, 3), finite.

    Raises:
        InputError: shapes differ, the estimate is not finite, or the truth is zero everywhere.
    """
    if not attack.shape == truth.shape == estimate.shape or attack.ndim != 3:
        raise InputError(
            f"Shapes {attack.shape}, {truth.shape}, {estimate.shape}: expected (S, S, 3) each."
        )
    if not np.isfinite(estimate).all():
        raise InputError("The estimated noise holds NaN or Inf; expected finite values.")
    size = float(np.linalg.norm(truth))
    if size == 0:
        raise InputError("The true noise is zero everywhere; nothing can be measured against it.")
    bands, coherence = _by_octave(truth, estimate)
    face = attack.astype(np.float32) / 127.5 - 1
    psnr, ssim = _genuine_quality(face - truth, np.clip(face - estimate, -1, 1))
    return PairFigures(
        correlation=_correlation(truth, estimate),
        relative_l2=float(np.linalg.norm(estimate - truth)) / size,
        bands=bands,
        band_correlation=coherence,
        peak_kept=peak_kept(truth, estimate),
        psnr=psnr,
        ssim=ssim,
    )


def _correlation(a: Noise, b: Noise) -> float:
    a, b = (x.astype(np.float64) - x.mean(dtype=np.float64) for x in (a, b))
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum() / scale) if scale > 1e-9 else 0.0


def _by_octave(truth: Noise, estimate: Noise) -> tuple[tuple[float, ...], tuple[float, ...]]:
    side = truth.shape[0]
    band = octaves(side)
    t, e = (np.fft.rfft2(x, axes=(0, 1)) for x in (truth, estimate))
    # rfft2 keeps half the plane: its other columns stand for two coefficients each.
    twice = np.full(band.shape, 2.0)
    twice[:, 0] = 1.0
    if side % 2 == 0:
        twice[:, -1] = 1.0

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        weighted = (values.sum(axis=2) * twice).ravel()
        sums = np.bincount(band.ravel(), weighted, minlength=octave_count(side))
        return sums.astype(np.float64)

    true, own, cross = total(np.abs(t) ** 2), total(np.abs(e) ** 2), total((t.conj() * e).real)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(true > 0, own / true, math.nan)
        coherence = np.where(true * own > 0, cross / np.sqrt(true * own), 0.0)
    return tuple(map(float, ratio)), tuple(map(float, coherence))


def _genuine_quality(genuine: Noise, estimate: Noise) -> tuple[float, float]:
    from skimage.metrics import structural_similarity

    error = float(np.mean((genuine - estimate) ** 2, dtype=np.float64))
    psnr = 10 * math.log10(4 / max(error, 1e-10))
    # The Gaussian window of the original definition (Wang et al. 2004).
    measure = cast("Callable[..., float]", structural_similarity)  # untyped in scikit-image
    ssim = measure(
        genuine,
        estimate,
        data_range=2.0,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return psnr, float(ssim)
