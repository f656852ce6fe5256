"""The supervised UNet as a system: one forward pass to noise, genuine face and score."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.types import Decomposition
from despoof.systems.inputs import check_faces
from despoof.systems.pair_unet.config import PairUnetConfig
from despoof.systems.pair_unet.network import PairNetwork

EVIDENCE_SIDE = 32


class PairUnet(nn.Module):
    """The network behind the contract `core.types.System`."""

    def __init__(self, config: PairUnetConfig | None = None) -> None:
        super().__init__()
        self.config = config or PairUnetConfig()
        self.network = PairNetwork(self.config.network)

    @torch.no_grad()
    def decompose(self, faces: Tensor) -> Decomposition:
        """Find noise, genuine face, where the noise is, and the score.

        Evidence is the local energy of the noise, 1 − exp(−RMS / `evidence_unit`): 0 where nothing
        had to change.

        Args:
            faces: (B, 3, S, S) float32 RGB in [−1, 1], S = config.crop.size.

        Raises:
            InputError: wrong shape or type, or a value that is not finite.
        """
        check_faces(faces, self.config.crop.size)
        out = self.network(faces)
        genuine = (faces - out.noise.float()).clamp(-1, 1)
        noise = faces - genuine
        power = F.adaptive_avg_pool2d(noise.square().mean(dim=1, keepdim=True), EVIDENCE_SIDE)
        evidence = 1 - torch.exp(-power[:, 0].sqrt() / self.config.evidence_unit)
        return Decomposition(genuine, noise, evidence, out.logit.float())

    @torch.no_grad()
    def score(self, faces: Tensor) -> Tensor:
        """Return `decompose(faces).score`, the logit of live, without the noise."""
        check_faces(faces, self.config.crop.size)
        return self.network.logit(faces).float()
