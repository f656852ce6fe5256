"""What the loop trains: a stage, made of one or more updates per step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor, nn

Batch = dict[str, Tensor]
"""Named tensors, first axis = examples; the loop moves them to the device."""

Logs = Mapping[str, Tensor | float]
"""Named scalars worth plotting; read only on steps that are logged."""


@dataclass(frozen=True)
class Update:
    """One optimiser step within a training step; a GAN has several, in the published order.

    Attributes:
        name: short and unique within the stage, e.g. "dq".
        module: its parameters are trained by this update only; the others stand still meanwhile,
            though gradients may flow through them. It must be (part of) the stage's module.
        loss: a batch on the device -> (scalar to minimise, logs). It runs under autocast.
        learning_rate: per step; `TrainConfig.schedule` multiplies it.
        betas: Adam's two decay rates; for "sgd" the first one is the momentum.
        weight_decay: decoupled for "adamw", added to the gradient for "adam" and "sgd".
        optimizer: which of torch's optimisers.
    """

    name: str
    module: nn.Module
    loss: Callable[[Batch], tuple[Tensor, Logs]]
    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"


class Stage(Protocol):
    """One thing to train. Plain attributes satisfy the two properties."""

    @property
    def name(self) -> str:
        """Lower-case, fit for a folder's name."""
        ...

    @property
    def module(self) -> nn.Module:
        """Everything with state: what checkpoints hold. A frozen part overrides `train()`."""
        ...

    def updates(self) -> Sequence[Update]:
        """Return the optimiser steps of one training step; called once, on the device."""
        ...

    def batch(self, step: int) -> Batch:
        """Return the batch of step 0, 1, 2 …, on the CPU.

        A pure function of the stage's seed and `step`, with its own generators: it runs in another
        thread, ahead of time, and again after a resume.
        """
        ...

    def validate(self, module: nn.Module) -> dict[str, float]:
        """Measure on the development split with `module` (averaged weights, in eval mode).

        An empty answer means that there is nothing to choose by: the last weights are kept.
        """
        ...

    def fingerprint(self) -> str:
        """Return a hash of configuration and data: another one means that it must train again."""
        ...
