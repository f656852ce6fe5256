"""What is checked: a system with faces, and its bridge between any two domains."""

from dataclasses import dataclass

import torch
from torch import Tensor

from despoof.core.errors import InputError, WeightsError
from despoof.diffusion.bridge import BridgeConfig, bridge
from despoof.diffusion.network import Domain, eps_function
from despoof.evaluation.bridge_checks.faces import BridgeFaces
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion

LEAST = 2
"""Faces of each class, below which there is nothing to compare."""


@dataclass(frozen=True)
class Crossed:
    """What a bridge made of all faces, on the CPU.

    Attributes:
        noise: (N, 3, S, S) float32, signed.
        latent: (N, 3, S, S) float32, the state at the bridge's end.
        nfe: evaluations of both fields together for one batch.
    """

    noise: Tensor
    latent: Tensor
    nfe: int


@dataclass(frozen=True)
class Subject:
    """A system and the faces that it is checked on; build it with `make_subject`.

    Attributes:
        system: trained, in eval mode, on its device.
        faces: N faces.
        pixels: (N, 3, S, S) float32 in [-1, 1], on the CPU.
        chunk: faces a call.
    """

    system: DespoofingDiffusion
    faces: BridgeFaces
    pixels: Tensor
    chunk: int

    @property
    def live(self) -> Tensor:
        """Return (N,) bool."""
        return torch.from_numpy(self.faces.live)

    @property
    def device(self) -> torch.device:
        """Return where the system is."""
        return next(self.system.parameters()).device

    def cross(
        self,
        source: Domain = "all",
        target: Domain = "live",
        config: BridgeConfig | None = None,
        *,
        count: int | None = None,
        bf16: bool | None = None,
    ) -> Crossed:
        """Bridge the faces from one domain to another.

        Args:
            source: whose field leads up.
            target: whose field leads down.
            config: of the bridge; the system's own if None.
            count: only so many faces, spread evenly; all if None.
            bf16: of the networks; as the system has it if None.
        """
        own = self.system.config
        half = own.precision == "bf16" if bf16 is None else bf16
        up, down = (
            eps_function(self.system.fields, domain, own.schedule, bf16=half)
            for domain in (source, target)
        )
        made = [
            bridge(part.to(self.device), up, down, own.schedule, config or own.bridge)
            for part in self.pixels[self.spread(count)].split(self.chunk)
        ]
        return Crossed(
            noise=torch.cat([one.noise.float().cpu() for one in made]),
            latent=torch.cat([one.latent[0].float().cpu() for one in made]),
            nfe=made[0].nfe,
        )

    def spread(self, count: int | None) -> Tensor:
        """Return the places of `count` faces, spread evenly; of all for None or a larger one."""
        total = len(self.pixels)
        return torch.arange(min(count or total, total)) * total // min(count or total, total)


def as_bridge(system: object) -> DespoofingDiffusion:
    """Return a system under its own type.

    Raises:
        WeightsError: it has no bridge.
    """
    if isinstance(system, DespoofingDiffusion):
        return system
    raise WeightsError(
        f"These weights are of a {type(system).__name__}, which has no bridge; expected "
        "despoofing-diffusion. Name such weights."
    )


def make_subject(system: DespoofingDiffusion, faces: BridgeFaces, chunk: int = 16) -> Subject:
    """Put a system and faces together.

    Args:
        system: in eval mode, on its device.
        faces: of people whom its training has not seen, cut as its configuration says.
        chunk: faces a call.

    Raises:
        InputError: fewer than two faces of a class, or crops of another size.
    """
    attacks = int((~faces.live).sum())
    if min(len(faces) - attacks, attacks) < LEAST:
        raise InputError(
            f"{len(faces) - attacks} live faces and {attacks} attacks; expected at least {LEAST} "
            "of each. Raise --count, or name other pictures."
        )
    size = system.config.crop.size
    if faces.images.shape[1:] != (size, size, 3):
        raise InputError(
            f"The faces are {faces.images.shape[1:]}; expected ({size}, {size}, 3), as these "
            "weights see them. Cut them with the system's own crop settings."
        )
    pixels = torch.from_numpy(faces.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    return Subject(system, faces, pixels.contiguous(), chunk)
