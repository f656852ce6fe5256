"""System 1: De-spoofing Diffusion (arXiv 2401.08275)."""

import copy

import torch
from torch import Tensor, nn

from despoof.core.types import Decomposition
from despoof.diffusion.bridge import BridgeConfig, Bridged, bridge
from despoof.diffusion.network import DomainNetwork, eps_function
from despoof.systems.despoofing_diffusion.networks import TwoStreamNet
from despoof.systems.despoofing_diffusion.scoring import map_score
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.systems.inputs import check_faces


def bridged_faces(
    fields: DomainNetwork, config: DespoofingDiffusionConfig, faces: Tensor
) -> Bridged:
    """Carry faces to their genuine counterparts; no gradients, nothing random.

    Args:
        fields: trained, in eval mode.
        config: schedule, bridge and precision.
        faces: (B, 3, S, S) in [-1, 1].
    """
    bf16 = config.precision == "bf16"
    source, target = (
        eps_function(fields, domain, config.schedule, bf16=bf16) for domain in ("all", "live")
    )
    return bridge(faces, source, target, config.schedule, config.bridge)


class DespoofingDiffusion(nn.Module):
    """Two fields, the bridge between them, and a detector that reads what the bridge changed."""

    def __init__(
        self,
        config: DespoofingDiffusionConfig | None = None,
        fields: DomainNetwork | None = None,
    ) -> None:
        """Build the networks; `fields` are taken as they are where given."""
        super().__init__()
        self.config = config or DespoofingDiffusionConfig()
        self.fields = fields or DomainNetwork(self.config.fields)
        self.detector = TwoStreamNet(self.config.detector)

    def with_bridge(self, bridge_config: BridgeConfig) -> "DespoofingDiffusion":
        """Return the same system, weights shared, that integrates in another way.

        Its scores are no longer those that a recorded threshold was chosen on.
        """
        other = copy.copy(self)
        other.config = self.config.model_copy(update={"bridge": bridge_config})
        return other

    @torch.no_grad()
    def bridged(self, faces: Tensor) -> Bridged:
        """Return what the bridge gives: genuine (not clipped), noise, latent, evaluations.

        Raises:
            InputError: as `decompose`.
        """
        check_faces(faces, self.config.crop.size)
        return bridged_faces(self.fields, self.config, faces)

    @torch.no_grad()
    def decompose(self, faces: Tensor) -> Decomposition:
        """Find the nearest genuine face, the noise, the relief that was found, and the score.

        Evidence is the detector's map, clipped: 1 = relief as of a live face, 0 = none. The
        genuine face is clipped to [-1, 1]; the detector reads the noise before that.

        Args:
            faces: (B, 3, S, S) float32 RGB in [-1, 1], S = config.crop.size.

        Raises:
            InputError: wrong shape or type, a value that is not finite, or a noise scale that was
                never measured.
        """
        made = self.bridged(faces)
        genuine = made.genuine.float().clamp(-1, 1)
        found = self.detector(faces, as_cached(made.noise)).float()
        return Decomposition(
            genuine=genuine,
            noise=faces - genuine,
            evidence=found.clamp(0, 1),
            score=map_score(found),
        )

    @torch.no_grad()
    def score(self, faces: Tensor) -> Tensor:
        """Return `decompose(faces).score`; without a bridge where no stream sees the noise."""
        check_faces(faces, self.config.crop.size)
        needed = self.config.detector.needs_noise
        noise = as_cached(self.bridged(faces).noise) if needed else None
        return map_score(self.detector(faces, noise))


def as_cached(noise: Tensor) -> Tensor:
    """Return noise as the detector learnt it: rounded to half precision, in float32."""
    return noise.half().float()
