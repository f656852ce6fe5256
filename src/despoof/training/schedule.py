"""The learning rate over time, as a factor on every update's own rate."""

import math

from despoof.training.config import TrainConfig


def learning_rate_factor(config: TrainConfig, step: int) -> float:
    """Return what the learning rates are multiplied by at `step` (0 = the first).

    Warm-up rises linearly and reaches 1 at its last step. After it, "cosine" falls from 1 to 0 at
    `steps`; "step" multiplies by `decay_factor` every `decay_every` steps, counted from step 0.

    >>> learning_rate_factor(TrainConfig(steps=10, schedule="cosine"), 5)
    0.5
    """
    warmup = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    if config.schedule == "step" and config.decay_every:
        return warmup * config.decay_factor ** (step // config.decay_every)
    if config.schedule == "cosine" and step >= config.warmup_steps:
        progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return warmup
