"""The texture classifier as a system: one forward pass to a score and a map of evidence."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.types import Decomposition
from despoof.systems.inputs import check_faces
from despoof.systems.texture.config import TextureConfig
from despoof.systems.texture.network import Logits, TextureNetwork

EVIDENCE_SIDE = 32


class Texture(nn.Module):
    """The network behind the contract `core.types.System`."""

    def __init__(self, config: TextureConfig | None = None) -> None:
        super().__init__()
        self.config = config or TextureConfig()
        self.network = TextureNetwork(self.config)

    def forward(self, faces: Tensor) -> Logits:
        """(B, 3, S, S) in [-1, 1] to logits of "live"."""
        return self.network(faces)

    @torch.no_grad()
    def decompose(self, faces: Tensor) -> Decomposition:
        """Score faces; a classifier knows no genuine face, so its noise is zero everywhere.

        Evidence is P(spoof) of the cells, their logits enlarged bilinearly.

        Args:
            faces: (B, 3, S, S) float32 RGB in [−1, 1], S = config.crop.size.

        Raises:
            InputError: wrong shape or type, or a value that is not finite.
        """
        check_faces(faces, self.config.crop.size)
        logits: Logits = self(faces)
        cells = F.interpolate(
            logits.cells.float()[:, None], (EVIDENCE_SIDE, EVIDENCE_SIDE), mode="bilinear"
        )
        return Decomposition(
            genuine=faces.clone(),
            noise=torch.zeros_like(faces),
            evidence=torch.sigmoid(-cells[:, 0]),
            score=self._mixed(logits),
        )

    @torch.no_grad()
    def score(self, faces: Tensor) -> Tensor:
        """Return `decompose(faces).score`: (B,) P(live) in [0, 1]."""
        check_faces(faces, self.config.crop.size)
        return self._mixed(self(faces))

    def _mixed(self, logits: Logits) -> Tensor:
        mix = self.config.mix
        cells = logits.cells.float().mean(dim=(1, 2))
        return torch.sigmoid(mix * logits.face.float() + (1 - mix) * cells)
