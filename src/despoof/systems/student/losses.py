"""The student's loss: pixels, octaves, and options (SPEC §8.4, level 4)."""

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from despoof.core.config import StrictConfig
from despoof.core.errors import InputError
from despoof.nets.spectrum import band_energy, octave_error

FLOOR = 1e-5
"""Added to band energies, [-1, 1] units squared, as `nets.spectrum` does."""
TINY = 1e-12


class NoiseLossConfig(StrictConfig):
    """What counts how much. The terms have about the size of the mean |noise| or of 1."""

    huber: float = Field(default=10.0, ge=0, description="weight of the Huber error, over `delta`")
    delta: float = Field(
        default=0.05, gt=0, description="where Huber turns from square to straight, [-1, 1] units"
    )
    spectrum: float = Field(default=1.0, ge=0, description="weight of the whitened-octave error")
    correlation: float = Field(
        default=0.0,
        ge=0,
        description="weight of 1 − the mean correlation, face by face: faces with little noise "
        "count as much as others, and octaves by their energy",
    )
    energy: float = Field(
        default=0.0,
        ge=0,
        description="weight of the squared log ratio of band energies: a regressor says too little "
        "of what it is unsure of, and the band gate asks for the right amount",
    )


def noise_loss(
    noise: Tensor, truth: Tensor, unit: Tensor, config: NoiseLossConfig
) -> tuple[Tensor, dict[str, Tensor | float]]:
    """Return the loss of predicted noise, in float32, and its terms unweighted.

    Args:
        noise: (B, 3, S, S) predicted.
        truth: the same shape; what it should be.
        unit: (bands,) mean energy of the octaves of the truth over the training set
            (`nets.spectrum.band_energy`): each octave counts alike, however weak it is.
        config: weights.
    """
    noise, truth = noise.float(), truth.float()
    huber = F.smooth_l1_loss(noise, truth, beta=config.delta)
    octave = octave_error(noise - truth, unit, FLOOR).mean()
    total = config.huber * huber + config.spectrum * octave
    logs: dict[str, Tensor | float] = {"huber": huber.detach(), "spectrum": octave.detach()}
    if config.correlation:
        away = 1 - correlations(noise, truth).mean()
        total = total + config.correlation * away
        logs["away"] = away.detach()
    if config.energy:
        energy = energy_error(noise, truth)
        total = total + config.energy * energy
        logs["energy"] = energy.detach()
    return total, logs


def correlations(noise: Tensor, truth: Tensor) -> Tensor:
    """Return (B,) Pearson's correlation of each (3, S, S); 0 where one does not vary.

    >>> x = torch.randn(2, 3, 8, 8)
    >>> correlations(-2 * x + 1, x).round(decimals=4).tolist()
    [-1.0, -1.0]

    Raises:
        InputError: the shapes differ.
    """
    if noise.shape != truth.shape:
        raise InputError(
            f"Noise {tuple(noise.shape)} and truth {tuple(truth.shape)} differ in shape."
        )
    a, b = (x.double().flatten(1) for x in (noise, truth))
    a, b = (x - x.mean(dim=1, keepdim=True) for x in (a, b))
    return (a * b).sum(dim=1) / (a.norm(dim=1) * b.norm(dim=1)).clamp(min=TINY)


def energy_error(noise: Tensor, truth: Tensor) -> Tensor:
    """Mean over octaves of (log of the batch's band energy / the truth's)², a scalar; 0 = equal."""
    own, wanted = (band_energy(x).mean(dim=0) + FLOOR for x in (noise, truth))
    return torch.log(own / wanted).square().mean()
