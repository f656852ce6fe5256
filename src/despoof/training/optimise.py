"""One update: forward, backward, clip, step, with every other parameter standing still."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from despoof.core.device import bf16_autocast
from despoof.core.errors import TrainingError
from despoof.training.config import TrainConfig
from despoof.training.stage import Batch, Update


@dataclass(frozen=True)
class Trained:
    """An update with its parameters (those that require gradients) and its optimiser."""

    update: Update
    parameters: list[nn.Parameter]
    optimizer: torch.optim.Optimizer


def prepare_updates(updates: Sequence[Update], module: nn.Module) -> list[Trained]:
    """Make the optimisers.

    Raises:
        TrainingError: no update, a name twice, nothing to train, or parameters that no checkpoint
            would hold because they are outside the stage's module.
    """
    names = [update.name for update in updates]
    if not names or len(set(names)) != len(names):
        raise TrainingError(f"Updates are named {names}; a stage needs one or more, all different.")
    held = {id(parameter) for parameter in module.parameters()}
    trained: list[Trained] = []
    for update in updates:
        parameters = [p for p in update.module.parameters() if p.requires_grad]
        if not parameters:
            raise TrainingError(f"Update {update.name!r} has no parameter that requires gradients.")
        outside = sum(id(parameter) not in held for parameter in parameters)
        if outside:
            raise TrainingError(
                f"Update {update.name!r} trains {outside} parameters that are not in the stage's "
                "module, so no checkpoint would hold them. Make its module a part of stage.module."
            )
        trained.append(Trained(update, parameters, _optimizer(update, parameters)))
    return trained


def run_update(
    current: Trained,
    module: nn.Module,
    batch: Batch,
    config: TrainConfig,
    *,
    factor: float,
    step: int,
) -> dict[str, Tensor | float]:
    """Run one optimiser step; parameters outside the update neither move nor gather gradients.

    Args:
        current: the update.
        module: the stage's whole module.
        batch: on the module's device.
        config: precision and gradient clip.
        factor: on the update's learning rate.
        step: 1 for the first; named in errors.

    Returns:
        loss, gradient_norm (L2, before clipping), learning_rate, and the update's own logs.

    Raises:
        TrainingError: the loss is not a finite scalar, or the gradient is not finite.
    """
    update = current.update
    own = {id(parameter) for parameter in current.parameters}
    wanted = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    device = current.parameters[0].device.type
    module.zero_grad(set_to_none=True)
    try:
        for parameter, _ in wanted:
            parameter.requires_grad_(id(parameter) in own)
        with bf16_autocast(device, config.precision == "bf16"):
            loss, logs = update.loss(batch)
        value = loss.item() if loss.numel() == 1 else math.nan
        if not math.isfinite(value):
            raise TrainingError(
                f"Update {update.name!r} at step {step}: the loss is {loss.detach().tolist()}, "
                "expected one finite number. Lower the learning rate, set precision=fp32, or look "
                "at this batch; the weights of the last checkpoint are sound."
            )
        loss.backward()
    finally:
        for parameter, flag in wanted:
            parameter.requires_grad_(flag)
    limit = config.gradient_clip or math.inf
    norm = float(nn.utils.clip_grad_norm_(current.parameters, limit))
    if not math.isfinite(norm):
        raise TrainingError(
            f"Update {update.name!r} at step {step}: the loss is {value:.6g} but its gradient's "
            f"norm is {norm}, expected a finite one. Look for a division or root of zero in it."
        )
    rate = update.learning_rate * factor
    for group in current.optimizer.param_groups:
        group["lr"] = rate
    current.optimizer.step()
    current.optimizer.zero_grad(set_to_none=True)
    return {"loss": value, "gradient_norm": norm, "learning_rate": rate, **logs}


def _optimizer(update: Update, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    rate, decay = update.learning_rate, update.weight_decay
    if update.optimizer == "adam":
        return torch.optim.Adam(parameters, rate, update.betas, weight_decay=decay)
    if update.optimizer == "adamw":
        return torch.optim.AdamW(parameters, rate, update.betas, weight_decay=decay)
    return torch.optim.SGD(parameters, rate, momentum=update.betas[0], weight_decay=decay)
