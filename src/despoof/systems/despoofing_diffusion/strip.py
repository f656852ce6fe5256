"""What the fields see, as pictures: samples of both domains, and faces on their way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from torch import Tensor

from despoof.core.errors import InputError
from despoof.diffusion.grids import time_grid
from despoof.diffusion.network import DOMAINS, DomainNetwork, eps_function
from despoof.diffusion.solvers.dpm_solver import dpm_solver
from despoof.systems.despoofing_diffusion.system import bridged_faces
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig

SIDE, GAP, LINE = 144, 6, 18
"""Of a panel, between panels, and of a line of writing; pixels."""

SAMPLE_STEPS = 20
LATENT_REACH = 3.0
"""The latent is standard noise, if all is well: grey is 0, black and white are this far from it."""


@dataclass(frozen=True)
class Steps:
    """Faces, their latent, their genuine counterparts and the noise; (N, 3, S, S) on the CPU."""

    faces: Tensor
    latent: Tensor
    genuine: Tensor
    noise: Tensor


def sample_domains(
    fields: DomainNetwork, config: DespoofingDiffusionConfig, count: int, seed: int = 0
) -> dict[str, Tensor]:
    """Draw faces from each domain, from the same latents, so that the domains can be compared.

    Args:
        fields: trained, in eval mode.
        config: crop and schedule.
        count: faces a domain.
        seed: of the latents.

    Returns:
        By domain: (count, 3, S, S) on the CPU, not clipped.
    """
    device, size = next(fields.parameters()).device, config.crop.size
    generator = torch.Generator().manual_seed(seed)
    latent = torch.randn(count, 3, size, size, generator=generator).to(device)
    times = time_grid(config.schedule, "log-snr", SAMPLE_STEPS, t_min=1.0)[::-1]
    found: dict[str, Tensor] = {}
    for domain in DOMAINS:
        eps = eps_function(fields, domain, config.schedule, bf16=config.precision == "bf16")
        found[domain] = dpm_solver(eps, latent, times, config.schedule).float().cpu()
    return found


def carry(fields: DomainNetwork, config: DespoofingDiffusionConfig, faces: Tensor) -> Steps:
    """Carry (N, 3, S, S) faces over the system's own bridge and keep what lies on the way.

    A bridge without a latent shows the face itself in its place.
    """
    made = bridged_faces(fields, config, faces.to(next(fields.parameters()).device))
    latent = made.latent[0].float().cpu() if made.latent else faces
    return Steps(faces.cpu(), latent, made.genuine.float().cpu(), made.noise.float().cpu())


def strip_picture(steps: Steps, names: Sequence[str]) -> Pillow.Image:
    """Draw a row for each face: face, latent, genuine, noise (signed; grey is none).

    One scale for the noise of all rows, so that they can be compared: its 99.5th percentile.

    Raises:
        InputError: as many names as faces are needed.
    """
    if len(names) != len(steps.faces):
        raise InputError(f"{len(names)} names for {len(steps.faces)} faces; expected one for each.")
    reach = float(np.percentile(steps.noise.abs().numpy(), 99.5)) or 1.0
    titles = ("face", "latent", "genuine", f"noise, ±{reach:.2f}")
    rows = {
        name: [face, latent / LATENT_REACH, genuine, noise / reach]
        for name, face, latent, genuine, noise in zip(
            names, steps.faces, steps.latent, steps.genuine, steps.noise, strict=True
        )
    }
    return panels(rows, titles)


def sample_picture(samples: Mapping[str, Tensor]) -> Pillow.Image:
    """Draw the samples of each domain in a row; a column has one latent."""
    rows = {f"field of {name}": list(faces) for name, faces in samples.items()}
    return panels(rows, [f"latent {i + 1}" for i in range(max(map(len, rows.values())))])


def panels(rows: Mapping[str, Sequence[Tensor]], titles: Sequence[str]) -> Pillow.Image:
    """Put (3, S, S) pictures in [-1, 1] into a table with a name a row and a title a column."""
    font = ImageFont.load_default(size=12)
    width = GAP + len(titles) * (SIDE + GAP)
    height = LINE + len(rows) * (LINE + SIDE + GAP)
    canvas = Pillow.new("RGB", (width, height), (255, 255, 255))
    draw = ImageDraw.Draw(canvas)
    for column, title in enumerate(titles):
        draw.text((GAP + column * (SIDE + GAP), 3), title, (90, 96, 104), font)
    for row, (name, pictures) in enumerate(rows.items()):
        top = LINE + row * (LINE + SIDE + GAP)
        draw.text((GAP, top + 3), name, (20, 24, 30), font)
        for column, picture in enumerate(pictures):
            place = (GAP + column * (SIDE + GAP), top + LINE)
            canvas.paste(_panel(picture), place)
    return canvas


def _panel(picture: Tensor) -> Pillow.Image:
    levels: NDArray[np.uint8] = (
        ((picture + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    )
    kind = Pillow.Resampling.NEAREST if levels.shape[0] <= SIDE else Pillow.Resampling.BOX
    return Pillow.fromarray(np.ascontiguousarray(levels)).resize((SIDE, SIDE), kind)
