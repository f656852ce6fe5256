"""Every loss of System 3, each a pure function of tensors (SPEC §3.4)."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from despoof.core.config import StrictConfig

PeakMask = Literal["square", "cross"]


class LossWeights(StrictConfig):
    """Weights of J. Two published sets: `PAPER` (the paper's λ) and `CODE` (its released code)."""

    map: float
    magnitude_live: float
    magnitude_spoof: float
    identity_live: float
    peak_live: float
    peak_spoof: float
    depth_quality: float
    visual_quality: float


# J = Jz + 3 Jm + .005 Jr + .1 JDQ + .016 JVQ (SPEC §3.4).
PAPER = LossWeights(
    map=1, magnitude_live=3, magnitude_spoof=0, identity_live=0,
    peak_live=0.005, peak_spoof=0.005, depth_quality=0.1, visual_quality=0.016,
)  # fmt: skip
# The code's 6000, 500, 30, 45000, 1, 2, 600, 100, all divided by 6000 so that the map term is 1 as
# in the paper: Adam does not see a common factor, gradient clipping would.
CODE = LossWeights(
    map=1, magnitude_live=500 / 6000, magnitude_spoof=30 / 6000, identity_live=7.5,
    peak_live=1 / 6000, peak_spoof=2 / 6000, depth_quality=0.1, visual_quality=100 / 6000,
)  # fmt: skip


def mean_over(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of (B, …) values over the rows where (B,) bool `chosen` is true; 0 when none is."""
    weight = chosen.to(values.dtype).view(-1, *[1] * (values.dim() - 1)).expand_as(values)
    return (values * weight).sum() / weight.sum().clamp(min=1)


def map_loss(spoof_map: Tensor, live: Tensor) -> Tensor:
    """J_z: L1 of the (B, 32, 32) 0/1 map to 0 for live and 1 for spoof."""
    target = (~live).to(spoof_map.dtype).view(-1, 1, 1).expand_as(spoof_map)
    return F.l1_loss(spoof_map, target)


def live_magnitude_loss(noise: Tensor, live: Tensor) -> Tensor:
    """J_m: mean |N| over live faces; (B, 6, H, W) raw noise."""
    return mean_over(noise.abs(), live)


def spoof_magnitude_loss(noise: Tensor, live: Tensor, target: float = 0.2) -> Tensor:
    """| mean|N| − target | per channel of each spoof face; the code's guard against N = 0 and ∞."""
    return mean_over((noise.abs().mean(dim=(2, 3)) - target).abs(), ~live)


def live_identity_loss(genuine: Tensor, faces: Tensor, live: Tensor) -> Tensor:
    """Mean |Î − I| over live faces: what is genuine must not change."""
    return mean_over((genuine - faces).abs(), live)


def peak_mask(height: int, width: int, k: int, shape: PeakMask, device: torch.device) -> Tensor:
    """(H, W) bool over the *unshifted* spectrum: True where a repetitive pattern is looked for.

    `square` zeroes the centred k×k block of low frequencies, so a purely horizontal or vertical
    grating still counts; `cross` is the released code's slice, which drops |fx| < k/2 **or**
    |fy| < k/2 and with it every axis-parallel grating (SPEC §3.4).
    """
    fy = torch.fft.fftfreq(height, device=device).mul(height).abs() < k / 2
    fx = torch.fft.fftfreq(width, device=device).mul(width).abs() < k / 2
    low = fy[:, None] & fx[None, :] if shape == "square" else fy[:, None] | fx[None, :]
    return ~low


def spectral_peaks(noise: Tensor, k: int, shape: PeakMask = "square") -> Tensor:
    """(B, C, H, W) noise -> (B, C): the highest log(1 + |FFT|) outside the low frequencies.

    float32 inside. Gradient flows to the peak alone, as the paper's max does.
    """
    magnitude = torch.fft.fft2(noise.float()).abs().log1p()
    mask = peak_mask(noise.shape[-2], noise.shape[-1], k, shape, noise.device)
    return magnitude.masked_fill(~mask, 0).flatten(2).amax(dim=2)


def repetitive_losses(
    noise: Tensor, live: Tensor, k: int, shape: PeakMask, cap: float
) -> tuple[Tensor, Tensor]:
    """J_r for live (peaks must vanish) and for spoof (peaks must show), separately weighted.

    The published spoof term falls without bound (SPEC §3.8); above `cap` (log unit) a peak earns
    nothing more. `cap=inf` is the published form.
    """
    peaks = spectral_peaks(noise, k, shape)
    return mean_over(peaks, live), mean_over(-peaks.clamp(max=cap), ~live)


def depth_loss(depth: Tensor, target: Tensor) -> Tensor:
    """J_DQ: L1 between (B, 32, 32) maps."""
    return F.l1_loss(depth, target)


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """J_VQ,train: (R, 2) logits of live photographs against (S, 2) of de-spoofed ones.

    0 for an empty side, so a batch of one class trains nothing rather than failing.
    """
    return class_loss(real, 1) + class_loss(fake, 0)


def class_loss(logits: Tensor, label: int) -> Tensor:
    """Cross-entropy of (B, 2) logits to one label; 0 when B = 0. With label 1: J_VQ,test."""
    if logits.shape[0] == 0:
        return logits.sum()
    return F.cross_entropy(logits, torch.full_like(logits[:, 0], label, dtype=torch.long))
