"""The cue network's schedules as published: learning rate, and how hard the critic is fooled."""

import math

from despoof.core.errors import InputError
from despoof.training.config import TrainConfig

STEPS = 4000
WARMUP = 0.1
"""Share of the steps over which the learning rate rises."""


def reversal(step: float, length: float = STEPS) -> float:
    """Return the gradient-reversal coefficient of step 0, 1, 2 …: from 0 up to 1.

    2 / (1 + exp(−10 step / length)) − 1 (SPEC §2.2). For a shorter run give its own steps as
    length, so that the coefficient runs through the same values.

    >>> reversal(0), round(reversal(400), 4), round(reversal(4000), 4)
    (0.0, 0.4621, 0.9999)
    """
    return 2 / (1 + math.exp(-10 * step / length)) - 1


def published_training(steps: int = STEPS) -> TrainConfig:
    """Return the loop's settings: linear warm-up over a tenth, then a cosine down to 0.

    Raises:
        InputError: steps is below 1.
    """
    if steps < 1:
        raise InputError(f"steps is {steps}; expected at least 1.")
    return TrainConfig(
        steps=steps,
        schedule="cosine",
        warmup_steps=math.ceil(WARMUP * steps),
        gradient_clip=0,
        ema_decay=0,
        validate_every=10,
    )
