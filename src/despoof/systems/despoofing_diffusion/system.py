"""System 1: De-spoofing Diffusion (arXiv 2401.08275)."""

import copy
from typing import Literal, cast

import torch
from torch import Tensor, nn

from despoof.core.device import seed_of
from despoof.core.types import Decomposition
from despoof.diffusion.bridge import BridgeConfig, Bridged, Progress, bridge
from despoof.diffusion.network import DomainNetwork, eps_function
from despoof.diffusion.score_difference import score_difference
from despoof.nets.folding import folded
from despoof.systems.despoofing_diffusion.networks import TwoStreamNet
from despoof.systems.despoofing_diffusion.scoring import map_score
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.systems.inputs import check_faces


def bridged_faces(
    fields: DomainNetwork,
    config: DespoofingDiffusionConfig,
    faces: Tensor,
    progress: Progress | None = None,
) -> Bridged:
    """Carry faces to their genuine counterparts; no gradients, nothing random.

    Args:
        fields: trained, in eval mode.
        config: schedule, bridge and precision.
        faces: (B, 3, S, S) in [-1, 1].
        progress: told the solver's steps, see `diffusion.bridge`.
    """
    bf16 = config.precision == "bf16"
    source, target = (
        eps_function(fields, domain, config.schedule, bf16=bf16) for domain in ("all", "live")
    )
    return bridge(faces, source, target, config.schedule, config.bridge, progress=progress)


@torch.no_grad()
def unbridged_noise(system: "DespoofingDiffusion", faces: Tensor) -> Tensor:
    """Return the noise that the difference of both fields' scores finds; nothing is integrated.

    Every face is noised with the same fixed draw (SPEC §8.2 item 6).

    Args:
        system: whose fields are asked.
        faces: (B, 3, S, S) in [-1, 1].
    """
    schedule = system.config.schedule
    source, target = (eps_function(system.fields, d, schedule) for d in ("all", "live"))
    generator = torch.Generator().manual_seed(seed_of("score difference"))
    noise = torch.randn(1, *faces.shape[1:], generator=generator).to(faces.device)
    return score_difference(faces, source, target, schedule, noise=noise).noise


class DespoofingDiffusion(nn.Module):
    """Two fields, the bridge between them, and a detector that reads what the bridge changed."""

    def __init__(
        self,
        config: DespoofingDiffusionConfig | None = None,
        fields: DomainNetwork | None = None,
        detector: TwoStreamNet | None = None,
    ) -> None:
        """Build the networks; `fields` and `detector` are taken as they are where given."""
        super().__init__()
        self.config = config or DespoofingDiffusionConfig()
        self.fields = fields or DomainNetwork(self.config.fields)
        self.detector = detector or TwoStreamNet(self.config.detector)

    def with_bridge(
        self, bridge_config: BridgeConfig, precision: Literal["fp32", "bf16"] | None = None
    ) -> "DespoofingDiffusion":
        """Return the same system, weights shared, that integrates in another way.

        Its scores are no longer those that a recorded threshold was chosen on.

        Args:
            bridge_config: the other way.
            precision: of the fields' networks (bf16: under autocast); None leaves it.
        """
        other = copy.copy(self)
        changes = {"bridge": bridge_config, "precision": precision or self.config.precision}
        other.config = self.config.model_copy(update=changes)
        return other

    def for_inference(self) -> "DespoofingDiffusion":
        """Return the same system with its detector folded into plain convolutions.

        It shares the fields and answers as before but for rounding: maps of size 1 to 1e-5. Its
        parameters have other names: it is not for training and not for saving.

        Raises:
            InputError: the system is in training mode.
        """
        detector = cast("TwoStreamNet", folded(self.detector))
        return DespoofingDiffusion(self.config, self.fields, detector).eval()

    @torch.no_grad()
    def bridged(self, faces: Tensor, progress: Progress | None = None) -> Bridged:
        """Return what the bridge gives: genuine (not clipped), noise, latent, evaluations.

        Args:
            faces: as `decompose`.
            progress: told the solver's steps.

        Raises:
            InputError: as `decompose`.
        """
        check_faces(faces, self.config.crop.size)
        return bridged_faces(self.fields, self.config, faces, progress)

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
        return self.explain(faces)[0]

    @torch.no_grad()
    def explain(
        self, faces: Tensor, progress: Progress | None = None
    ) -> tuple[Decomposition, Bridged]:
        """Return `decompose(faces)` and what the bridge gave on the way, latent and all.

        Raises:
            InputError: as `decompose`.
        """
        made = self.bridged(faces, progress)
        genuine = made.genuine.float().clamp(-1, 1)
        found = self.detector(faces, as_cached(made.noise)).float()
        parts = Decomposition(
            genuine=genuine,
            noise=faces - genuine,
            evidence=found.clamp(0, 1),
            score=map_score(found),
        )
        return parts, made

    @torch.no_grad()
    def score(self, faces: Tensor, progress: Progress | None = None) -> Tensor:
        """Return `decompose(faces).score`; without a bridge where no stream sees the noise."""
        check_faces(faces, self.config.crop.size)
        needed = self.config.detector.needs_noise
        noise = as_cached(self.bridged(faces, progress).noise) if needed else None
        return map_score(self.detector(faces, noise))


def as_cached(noise: Tensor) -> Tensor:
    """Return noise as the detector learnt it: rounded to half precision, in float32."""
    return noise.half().float()
