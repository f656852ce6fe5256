"""System 3: Face De-Spoofing (ECCV 2018, arXiv:1807.09968)."""

import torch
from torch import Tensor, nn

from despoof.core.types import Decomposition
from despoof.systems.face_despoofing.colour import genuine_rgb, to_six_channels
from despoof.systems.face_despoofing.config import FaceDespoofingConfig
from despoof.systems.face_despoofing.networks import DsNet, VqNet, depth_quality_net
from despoof.systems.inputs import check_faces


class FaceDespoofing(nn.Module):
    """The three networks and the score rule. `vq` is used in training only."""

    def __init__(self, config: FaceDespoofingConfig | None = None) -> None:
        super().__init__()
        self.config = config or FaceDespoofingConfig()
        size = self.config.crop.size
        self.ds = DsNet(self.config.network, size)
        self.dq = depth_quality_net(self.config.network)
        self.vq = VqNet(self.config.network, size)

    def six_channels(self, faces: Tensor) -> Tensor:
        """(B, 3, S, S) RGB in [-1, 1] to the (B, 6, S, S) in [0, 1] that the networks read."""
        return to_six_channels(faces, self.config.network.colour)

    @torch.no_grad()
    def decompose(self, faces: Tensor) -> Decomposition:
        """Find the nearest genuine face, the noise, the 0/1 map (1 = spoof) and the score.

        Args:
            faces: (B, 3, S, S) float32 RGB in [-1, 1], S = config.crop.size.

        Raises:
            InputError: wrong shape or type, or a value that is not finite.
        """
        check_faces(faces, self.config.crop.size)
        six = self.six_channels(faces)
        out = self.ds(six)
        genuine = genuine_rgb(out.genuine.float())
        return Decomposition(
            genuine=genuine,
            noise=faces - genuine,
            evidence=out.map.float().clamp(0, 1),
            score=self.fuse(_parts(out.map, self.dq(six), out.noise)),
        )

    @torch.no_grad()
    def score_parts(self, faces: Tensor) -> dict[str, Tensor]:
        """Return the three published scores alone, (B,) each.

        `map` and `magnitude` are higher for spoofs, `depth` for live faces (SPEC §3.6).
        """
        check_faces(faces, self.config.crop.size)
        six = self.six_channels(faces)
        out = self.ds(six)
        return _parts(out.map, self.dq(six), out.noise)

    @torch.no_grad()
    def score(self, faces: Tensor) -> Tensor:
        """Return `decompose(faces).score` without the noise, where the score does not need it."""
        if self.config.score.magnitude:
            return self.decompose(faces).score
        check_faces(faces, self.config.crop.size)
        six = self.six_channels(faces)
        parts = _parts(self.ds.spoof_map(self.ds.encoder(six)), self.dq(six), None)
        return self.fuse(parts)

    def fuse(self, parts: dict[str, Tensor]) -> Tensor:
        """Combine the parts into one score, higher = more live (SPEC §3.6)."""
        w = self.config.score
        score = w.depth * parts["depth"] - w.map * parts["map"]
        return score - w.magnitude * parts["magnitude"] if w.magnitude else score


def _parts(spoof_map: Tensor, depth: Tensor, noise: Tensor | None) -> dict[str, Tensor]:
    parts = {
        "map": spoof_map.float().mean(dim=(1, 2)),
        "depth": depth.float().mean(dim=(1, 2)),
    }
    if noise is not None:
        parts["magnitude"] = noise.float().abs().mean(dim=(1, 2, 3))
    return parts
