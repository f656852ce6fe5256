"""The texture classifier as a system: one forward pass to a score and a map of evidence.

A classifier knows no genuine face. One that is shipped is joined with a trained decomposer, which
finds the genuine face and the noise and has no say in the score.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from despoof.core.types import Decomposition
from despoof.systems.face_despoofing.system import FaceDespoofing
from despoof.systems.inputs import check_faces
from despoof.systems.pair_unet.config import PairUnetConfig
from despoof.systems.pair_unet.system import PairUnet
from despoof.systems.texture.config import TextureConfig
from despoof.systems.texture.network import Logits, TextureNetwork

EVIDENCE_SIDE = 32


class Texture(nn.Module):
    """The network behind the contract `core.types.System`."""

    def __init__(self, config: TextureConfig | None = None) -> None:
        super().__init__()
        self.config = config or TextureConfig()
        self.network = TextureNetwork(self.config)
        self.decomposer = _decomposer(self.config)

    def forward(self, faces: Tensor) -> Logits:
        """(B, 3, S, S) in [-1, 1] to logits of "live", averaged over `config.zooms`.

        The cells are those of the first zoom, moved so that their mean is that of all zooms.
        """
        config = self.config
        views = [zoomed(faces, zoom, config.seen) for zoom in config.zooms]
        if len(views) == 1:
            return self.network(views[0])
        found: Logits = self.network(torch.cat(views))
        face = found.face.unflatten(0, (len(views), -1)).mean(dim=0)
        cells = found.cells.unflatten(0, (len(views), -1))
        means = cells.mean(dim=(2, 3))
        return Logits(face, cells[0] + (means.mean(dim=0) - means[0])[:, None, None])

    @torch.no_grad()
    def decompose(self, faces: Tensor) -> Decomposition:
        """Score faces; the genuine face is the decomposer's, without one the face itself.

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
        genuine = (faces - self._noise(faces)).clamp(-1, 1)
        return Decomposition(
            genuine=genuine,
            noise=faces - genuine,
            evidence=torch.sigmoid(-cells[:, 0]),
            score=self._mixed(logits),
        )

    @torch.no_grad()
    def score(self, faces: Tensor) -> Tensor:
        """Return `decompose(faces).score`: (B,) logits of "live"."""
        check_faces(faces, self.config.crop.size)
        return self.logit(faces)

    def logit(self, faces: Tensor) -> Tensor:
        """Return the score without its checks, (B,) float32: for graphs and for training."""
        return self._mixed(self(faces))

    def _noise(self, faces: Tensor) -> Tensor:
        """Find the noise at the decomposer's resolution and enlarge it to the faces'."""
        if self.decomposer is None:
            return torch.zeros_like(faces)
        side = self.decomposer.config.crop.size
        small = F.interpolate(faces, (side, side), mode="bilinear", antialias=True).clamp(-1, 1)
        noise = self.decomposer.decompose(small).noise
        return F.interpolate(noise, faces.shape[-2:], mode="bilinear")

    def _mixed(self, logits: Logits) -> Tensor:
        mix = self.config.mix
        cells = logits.cells.float().mean(dim=(1, 2))
        return mix * logits.face.float() + (1 - mix) * cells


def zoomed(faces: Tensor, share: float, side: int) -> Tensor:
    """Return the middle of faces (B, 3, S, S), `share` of their side, as (B, 3, side, side).

    Plain bilinear: engines differ in how they smooth first, and an export must say the same. Sides
    are to be chosen so that little is made smaller.
    """
    size = faces.shape[-1]
    kept = round(size * share)
    start = (size - kept) // 2
    middle = faces[..., start : start + kept, start : start + kept]
    if kept == side:
        return middle
    return F.interpolate(middle, (side, side), mode="bilinear")


def _decomposer(config: TextureConfig) -> FaceDespoofing | PairUnet | None:
    joined = config.decomposer
    if joined is None:
        return None
    return PairUnet(joined) if isinstance(joined, PairUnetConfig) else FaceDespoofing(joined)
