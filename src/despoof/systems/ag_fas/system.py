"""System 2: AG-FAS (arXiv 2401.09006)."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.types import Decomposition
from despoof.systems.ag_fas.config import AgFasConfig
from despoof.systems.ag_fas.cue import standardised
from despoof.systems.ag_fas.cue_network import CueNetwork
from despoof.systems.ag_fas.generator import Generator
from despoof.systems.ag_fas.generator_config import ReconstructConfig
from despoof.systems.inputs import check_faces

EVIDENCE_SIDE = 32


class AgFas(nn.Module):
    """A generator of live faces, and a network that judges what it changed."""

    def __init__(
        self,
        config: AgFasConfig | None = None,
        generator: Generator | None = None,
        network: CueNetwork | None = None,
    ) -> None:
        """Build the networks; `generator` and `network` are taken as they are where given."""
        super().__init__()
        self.config = config or AgFasConfig()
        self.generator = generator or Generator(self.config.generator)
        self.network = network or CueNetwork(self.config.cue)

    def with_reconstruction(self, settings: ReconstructConfig) -> "AgFas":
        """Return the same system, weights shared, whose generator walks in another way.

        Its scores are no longer those that a recorded threshold was chosen on.
        """
        other = copy.copy(self)
        generator = self.config.generator.model_copy(update={"reconstruct": settings})
        other.config = self.config.model_copy(update={"generator": generator})
        return other

    def decompose(self, faces: Tensor) -> Decomposition:
        """Find the genuine face, the noise, where it lies, and the score.

        Genuine is the generator's reconstruction (with `cue.kind: vae` the autoencoder's).
        Evidence, 1 = spoof-like, is how much had to change there: m / (m + `evidence_scale`) with
        m the mean |noise| of a cell. The score is the logit of P(live), and comes from the cue
        network, not from the evidence.

        Args:
            faces: (B, 3, S, S) float32 RGB in [-1, 1], S = config.crop.size.

        Raises:
            InputError: wrong shape or type, or a value that is not finite.
        """
        check_faces(faces, self.config.crop.size)
        genuine = self._genuine(faces)
        noise = faces - genuine
        return Decomposition(
            genuine=genuine,
            noise=noise,
            evidence=changed(noise, self.config.evidence_scale),
            score=self._judged(faces, noise),
        )

    @torch.no_grad()
    def score(self, faces: Tensor) -> Tensor:
        """Return `decompose(faces).score`; without the generator where there is no cue."""
        check_faces(faces, self.config.crop.size)
        needed = self.config.cue.needs_cue
        return self._judged(faces, faces - self._genuine(faces) if needed else None)

    def _genuine(self, faces: Tensor) -> Tensor:
        return subtracted(self.generator, self.config, faces).float().clamp(-1, 1)

    @torch.no_grad()
    def _judged(self, faces: Tensor, noise: Tensor | None) -> Tensor:
        # Cached noise was rounded to half precision. Not so here: the last bit of a face's
        # reconstruction would be blown up by a thousand.
        cue = None if noise is None or not self.config.cue.needs_cue else standardised(noise)
        return self.network(faces, cue).score


@torch.no_grad()
def subtracted(generator: Generator, config: AgFasConfig, faces: Tensor) -> Tensor:
    """Return (B, 3, S, S) what the cue is the difference to, as `config.cue.kind` says."""
    if config.cue.kind == "vae":
        return generator.autoencoded(faces)
    return generator.reconstruct(faces, config.generator.reconstruct)


def changed(noise: Tensor, scale: float) -> Tensor:
    """Return (B, 32, 32) in [0, 1): m / (m + scale), m the mean |noise| of each cell."""
    size = (EVIDENCE_SIDE, EVIDENCE_SIDE)
    mean = F.adaptive_avg_pool2d(noise.abs().mean(dim=1, keepdim=True), size)[:, 0]
    return mean / (mean + scale)
