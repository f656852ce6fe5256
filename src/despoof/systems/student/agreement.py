"""How near predicted noise comes to what it should be, over development faces."""

import torch
from torch import Tensor, nn

from despoof.core.device import bf16_autocast
from despoof.metrics.curves import auc
from despoof.metrics.scores import make_scores
from despoof.nets.spectrum import octave_error
from despoof.systems.student.lessons import DevPart, known_parts
from despoof.systems.student.losses import correlations


def agreement(
    network: nn.Module, dev: tuple[DevPart, ...], unit: Tensor, chunk: int = 64
) -> dict[str, float]:
    """Measure a noise network on development faces, in bf16: it only ranks checkpoints.

    Returns:
        Over all plain faces whose noise is known and not 0: `correlation` (median),
        `correlation_5th`, `noise_error` (relative L2; 1 = no better than no noise) and `spectrum`
        (whitened by `unit`). `auc/<set>` and their mean `auc`: of minus the size (RMS) of the noise
        that was found, plain and stressed; no detector has a say in it.
    """
    device = next(network.parameters()).device
    found: dict[str, Tensor] = {}
    with torch.no_grad(), bf16_autocast(device.type):
        for part in dev:
            chunks = [network(x.to(device)).float().cpu() for x in part.faces.split(chunk)]
            found[part.name] = torch.cat(chunks)
    figures: dict[str, float] = {}
    for part in dev:
        if bool(part.live.any()) and not bool(part.live.all()):
            size = found[part.name].double().square().mean(dim=(1, 2, 3)).sqrt()
            figures[f"auc/{part.name}"] = auc(make_scores(-size.numpy(), part.live.numpy()))
    mean = {"auc": sum(figures.values()) / len(figures)} if figures else {}
    return mean | figures | _errors(found, dev, unit)


def _errors(found: dict[str, Tensor], dev: tuple[DevPart, ...], unit: Tensor) -> dict[str, float]:
    own: list[Tensor] = []
    wanted: list[Tensor] = []
    for part in known_parts(dev):
        assert part.noise is not None  # that is what is known
        some = part.noise.flatten(1).any(dim=1)
        own.append(found[part.name][some])
        wanted.append(part.noise[some])
    if not own or not sum(map(len, own)):
        return {}
    noise, truth = torch.cat(own), torch.cat(wanted)
    by_face = correlations(noise, truth)
    return {
        "correlation": float(by_face.quantile(0.5)),
        "correlation_5th": float(by_face.quantile(0.05)),
        "noise_error": float((noise - truth).norm() / truth.norm()),
        "spectrum": float(octave_error(noise - truth, unit).mean()),
    }
