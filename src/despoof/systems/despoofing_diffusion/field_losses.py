"""What the fields are asked: the noise in a noised face, and how well they say it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from despoof.core.device import seed_of
from despoof.data.views import DevSet
from despoof.diffusion.field import EpsFunction
from despoof.diffusion.network import DOMAINS, Domain, DomainNetwork, eps_function
from despoof.diffusion.noising import add_noise, training_target
from despoof.diffusion.schedule import NoiseSchedule
from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores

Loss = tuple[Tensor, dict[str, Tensor | float]]


def denoising_errors(
    fields: DomainNetwork,
    schedule: NoiseSchedule,
    *,
    faces: Tensor,
    noise: Tensor,
    t: Tensor,
    domain: Domain | Tensor,
    place: Tensor | None = None,
) -> Tensor:
    """Return the (B,) mean squared errors of what the network is taught to say, eps or v.

    Args:
        fields: the network.
        schedule: of the times.
        faces: (B, 3, H, W) in [-1, 1].
        noise: like the faces, standard normal.
        t: (B,) times.
        domain: a name, or (B,) positions in `DOMAINS` (tied networks).
        place: (B, 2, H, W) where the network needs it.
    """
    said = fields(add_noise(schedule, faces, noise, t), t, domain, place).float()
    wanted = training_target(schedule, faces, noise, t, fields.config.prediction)
    return (said - wanted).square().mean(dim=(1, 2, 3))


def share_mean(errors: Tensor, live: Tensor, live_share: float | None) -> Tensor:
    """Average errors as if `live_share` of the faces were live; None = as they are.

    A class that is missing counts nothing.
    """
    if live_share is None:
        return errors.mean()
    weight = live.float() * live_share / live.sum().clamp(min=1)
    weight = weight + (~live).float() * (1 - live_share) / (~live).sum().clamp(min=1)
    return (weight * errors).sum()


def tied_loss(
    fields: DomainNetwork,
    schedule: NoiseSchedule,
    batch: dict[str, Tensor],
    live_share: float | None,
) -> Loss:
    """Both domains' errors, in one pass: every face as `all`, live ones once more as `live`.

    Twice the same noise: what the two fields have in common is learnt from the same examples. A
    batch of live faces alone cannot tell the domains apart: each face is asked once, every other
    one as `live`.
    """
    live = batch["live"]
    count = len(live)
    if bool(live.all()):
        rows = {name: batch[name] for name in ("faces", "noise", "t", "place") if name in batch}
        second = torch.arange(count, device=live.device) % 2
        errors = denoising_errors(fields, schedule, domain=second, **rows)
        return errors.mean(), {"live": errors.detach().mean()}
    index = torch.cat([torch.arange(count, device=live.device), live.nonzero()[:, 0]])
    second = torch.arange(len(index), device=live.device) >= count
    rows = {name: batch[name][index] for name in ("faces", "noise", "t", "place") if name in batch}
    errors = denoising_errors(fields, schedule, domain=second.long(), **rows)
    of_all = share_mean(errors[:count], live, live_share)
    of_live = errors[count:].sum() / max(1, len(index) - count)
    return of_all + of_live, {"all": of_all.detach(), "live": of_live.detach()}


def mixed_loss(
    fields: DomainNetwork,
    schedule: NoiseSchedule,
    batch: dict[str, Tensor],
    live_share: float | None,
) -> Loss:
    """Error of the field of all faces."""
    rows = {name: batch[name] for name in ("faces", "noise", "t", "place") if name in batch}
    errors = denoising_errors(fields, schedule, domain="all", **rows)
    loss = share_mean(errors, batch["live"], live_share)
    return loss, {"all": loss.detach()}


def live_loss(fields: DomainNetwork, schedule: NoiseSchedule, batch: dict[str, Tensor]) -> Loss:
    """Error of the field of live faces, on the live faces of the batch (at least one)."""
    live = batch["live"]
    loss = denoising_errors(
        fields,
        schedule,
        faces=batch["faces"][live],
        noise=batch["noise_live"][live],
        t=batch["t_live"][live],
        domain="live",
        place=batch["place"][live] if "place" in batch else None,
    ).mean()
    return loss, {"live": loss.detach()}


@torch.no_grad()
def measure_fields(
    fields: DomainNetwork,
    schedule: NoiseSchedule,
    sets: Sequence[DevSet],
    *,
    times: int,
    live_share: float | None = None,
    chunk: int = 32,
) -> dict[str, float]:
    """Return errors of the noise in fp32, on fixed noise: comparable between steps and runs.

    Args:
        fields: in eval mode.
        schedule: of the times.
        sets: development faces.
        times: how many noise levels, spread evenly over the schedule.
        live_share: as in training.
        chunk: faces a call.

    Returns:
        `eps_all` and `eps_live`, mean squared errors of the field of all faces and, on live faces,
        of the field of live ones; `eps`, their mean; `auc/<set>` of the two fields' difference, and
        their mean `auc`.
    """
    errors: dict[Domain, list[Tensor]] = {"all": [], "live": []}
    found: dict[str, float] = {}
    for dev in sets:
        made = field_errors(fields, schedule, dev.faces, name=dev.name, times=times, chunk=chunk)
        for domain, kept in errors.items():
            kept.append(made[domain])
        advantage = (made["all"] - made["live"]).double().numpy()
        found[f"auc/{dev.name}"] = auc(make_scores(advantage, dev.live.numpy()))
    live = torch.cat([dev.live for dev in sets])
    of_all = float(share_mean(torch.cat(errors["all"]), live, live_share))
    of_live = float(torch.cat(errors["live"])[live].mean())
    mean = sum(found.values()) / len(found)
    return {
        "eps": (of_all + of_live) / 2,
        "eps_all": of_all,
        "eps_live": of_live,
        "auc": mean,
        **found,
    }


@torch.no_grad()
def field_errors(
    fields: DomainNetwork,
    schedule: NoiseSchedule,
    faces: Tensor,
    *,
    name: str,
    times: int,
    chunk: int = 32,
) -> dict[Domain, Tensor]:
    """Return how well each field tells the noise that was put on faces, face by face.

    Error of all minus error of live is higher for live faces: without any bridge, what the two
    fields say of a face as a classifier (Li et al. 2023, arXiv:2303.16203).

    Args:
        fields: in eval mode.
        schedule: of the times.
        faces: (N, 3, S, S) in [-1, 1].
        name: decides the noise, with the place of the chunk; both fields are given the same.
        times: how many noise levels, spread evenly over the schedule.
        chunk: faces a call.

    Returns:
        (N,) mean squared errors, fp32, by domain.
    """
    device = next(fields.parameters()).device
    found: dict[Domain, Tensor] = {}
    for domain in DOMAINS:
        eps = eps_function(fields, domain, schedule, bf16=False)
        parts = [
            _noise_errors(eps, schedule, part, name=f"{name}/{i}", times=times, device=device)
            for i, part in enumerate(faces.split(chunk))
        ]
        found[domain] = torch.cat(parts)
    return found


def _noise_errors(
    eps: EpsFunction,
    schedule: NoiseSchedule,
    faces: Tensor,
    *,
    name: str,
    times: int,
    device: torch.device,
) -> Tensor:
    """(N,) mean squared errors of the noise, averaged over noise levels."""
    generator = torch.Generator().manual_seed(seed_of("field errors", name))
    total = torch.zeros(len(faces))
    for k in range(times):
        t = torch.tensor((k + 0.5) / times * schedule.length, dtype=torch.float64)
        noise = torch.randn(faces.shape, generator=generator)
        said = eps(add_noise(schedule, faces, noise, t).to(device), t).cpu()
        total += (said - noise).square().mean(dim=(1, 2, 3)) / times
    return total
