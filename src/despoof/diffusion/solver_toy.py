"""The question that solvers are judged by: an analytic recapture, and its exact noise."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from despoof.diffusion.analytic import (
    ToySpectra,
    analytic_eps,
    exact_bridge,
    exact_encoding,
    toy_spectra,
)
from despoof.diffusion.field import EpsFunction
from despoof.diffusion.schedule import Float64s, NoiseSchedule


@dataclass(frozen=True)
class ToyBridge:
    """The exact answer, and the question: a recapture with every coefficient at its RMS."""

    spectra: ToySpectra
    schedule: NoiseSchedule
    source: EpsFunction
    target: EpsFunction

    @property
    def picture(self) -> Tensor:
        """Return [1, 1, size, size] float64."""
        return torch.as_tensor(np.sqrt(self.spectra.attack))[None, None]

    def noise(self) -> Float64s:
        """Return the exact noise of the picture."""
        gain = exact_bridge(self.spectra.all, self.spectra.live, self.schedule)
        return self.picture.numpy() * (1 - gain)

    def latent(self) -> Float64s:
        """Return the exact latent of the picture at the schedule's end."""
        return self.picture.numpy() * exact_encoding(self.spectra.all, self.schedule)


def toy_bridge(size: int = 128) -> ToyBridge:
    """Return the toy of SPEC §8.3 on DDPM's schedule."""
    schedule, spectra = NoiseSchedule(), toy_spectra(size)
    fields = (analytic_eps(spectrum, schedule) for spectrum in (spectra.all, spectra.live))
    return ToyBridge(spectra, schedule, *fields)
