"""How long and how carefully a stage is trained; what it trains is the stage's own."""

from typing import Literal

from pydantic import Field

from despoof.core.config import StrictConfig


class TrainConfig(StrictConfig):
    """Settings of the loop.

    Attributes:
        steps: training steps; each runs every update of the stage once.
        seed: of dropout and other noise drawn during a step.
        precision: "bf16" computes the loss under autocast, where the device computes in bf16;
            parameters stay fp32.
        gradient_clip: largest L2 norm of an update's gradient; 0 = off.
        ema_decay: of the averaged weights that are validated and kept; 0 = off.
        schedule: of the learning rate, see `training/schedule.py`.
        warmup_steps: steps over which the learning rate rises linearly from 0.
        decay_every: steps between two decays of schedule "step"; 0 = never.
        decay_factor: of schedule "step".
        checkpoint_every: steps between two checkpoints.
        validate_every: steps between two validations; the last step always validates.
        monitor: the metric that chooses the weights to keep.
        monitor_mode: whether a larger or a smaller one is better.
        patience: validations without a gain before the stage stops; 0 = never.
        log_every: steps between two lines of losses.jsonl.
        threads: of torch on the CPU; 0 = leave as they are.
        prefetch: batches made ahead in a background thread; 0 = made in the loop.
    """

    steps: int = Field(ge=1)
    seed: int = 0
    precision: Literal["fp32", "bf16"] = "fp32"
    gradient_clip: float = Field(default=1.0, ge=0)
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    schedule: Literal["constant", "step", "cosine"] = "cosine"
    warmup_steps: int = Field(default=0, ge=0)
    decay_every: int = Field(default=0, ge=0)
    decay_factor: float = Field(default=0.8, gt=0, le=1)
    checkpoint_every: int = Field(default=200, ge=1)
    validate_every: int = Field(default=500, ge=1)
    monitor: str = "auc"
    monitor_mode: Literal["max", "min"] = "max"
    patience: int = Field(default=0, ge=0)
    log_every: int = Field(default=20, ge=1)
    threads: int = Field(default=0, ge=0)
    prefetch: int = Field(default=2, ge=0)
