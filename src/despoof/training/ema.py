"""Averaged weights: steadier than the last ones, so they are what is validated and kept."""

import contextlib
from collections.abc import Generator, Mapping

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]
"""A module's state by name, as in `state_dict()`."""


def start_average(module: nn.Module) -> Weights:
    """Return a copy of the module's state, floating parameters in fp32."""
    parameters = dict(module.named_parameters(remove_duplicate=False))
    return {
        name: value.detach().to(torch.float32, copy=True)
        if name in parameters and value.is_floating_point()
        else value.detach().clone()
        for name, value in module.state_dict().items()
    }


@torch.no_grad()
def update_average(average: Weights, module: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the module, in place.

    Args:
        average: what `start_average` returned.
        module: the module after its step.
        decay: share of the old average, at most; early on it is (1 + step) / (10 + step), so that
            the untrained weights are soon forgotten.
        step: 0 for the first.

    Buffers are copied: batch-norm statistics are running averages already.
    """
    decay = min(decay, (1 + step) / (10 + step))
    parameters = dict(module.named_parameters(remove_duplicate=False))
    for name, value in module.state_dict().items():
        if name in parameters and value.is_floating_point():
            average[name].lerp_(value.detach().to(torch.float32), 1 - decay)
        else:
            average[name].copy_(value)


@torch.no_grad()
def put_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy weights into a module without changing its dtypes, devices or memory layout.

    Raises:
        RuntimeError: a name or a shape differs (torch's own message lists them).
    """
    module.load_state_dict(dict(weights))


@contextlib.contextmanager
def wearing(module: nn.Module, weights: Mapping[str, Tensor]) -> Generator[nn.Module, None, None]:
    """Give the module in eval mode with other weights; afterwards all is as it was, bit for bit."""
    own = {name: value.detach().clone() for name, value in module.state_dict().items()}
    modes = [(part, part.training) for part in module.modules()]
    put_weights(module, weights)
    module.eval()
    try:
        yield module
    finally:
        put_weights(module, own)
        for part, mode in modes:
            part.training = mode
