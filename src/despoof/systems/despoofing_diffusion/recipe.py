"""How the detector is trained, and both readings of the paper's schedule (SPEC §1.4).

"Decay × 0.1 every 500 training steps, at most 1000 epochs": read as steps, the rate is 1e-7 after
1500 batches and nothing more is learnt; read as epochs, it falls once, half way.
"""

import math
from typing import Literal

from pydantic import Field

from despoof.core.config import StrictConfig
from despoof.core.errors import InputError
from despoof.systems.despoofing_diffusion.losses import LossConfig
from despoof.training.config import TrainConfig

Reading = Literal["epochs", "steps"]

BATCH_SIZE, EPOCHS, DECAY_EVERY, DECAY_FACTOR = 64, 1000, 500, 0.1


class DetectorRecipe(StrictConfig):
    """What counts how much, and how fast it learns; the defaults are the published ones."""

    learning_rate: float = Field(default=1e-4, gt=0)
    weight_decay: float = Field(default=5e-5, ge=0)
    optimizer: Literal["adam", "adamw"] = Field(
        default="adam", description="adam adds the decay to the gradient, as published"
    )
    loss: LossConfig = LossConfig()
    mirror: float = Field(
        default=0.5, ge=0, le=1, description="share of examples that are mirrored, noise and all"
    )


def published_training(
    examples: int, reading: Reading = "epochs", batch_size: int = BATCH_SIZE
) -> TrainConfig:
    """Return the loop's settings as published, for a training set of a given size.

    Args:
        examples: pictures of the training set; they say how long an epoch is.
        reading: what the 500 of the decay count.
        batch_size: pictures a step; 64 published.

    Raises:
        InputError: examples or batch_size is below 1.

    >>> published_training(6400).decay_every, published_training(6400, "steps").decay_every
    (50000, 500)
    """
    if examples < 1 or batch_size < 1:
        raise InputError(
            f"examples is {examples} and batch_size {batch_size}; expected at least 1 of each."
        )
    epoch = math.ceil(examples / batch_size)
    return TrainConfig(
        steps=EPOCHS * epoch,
        schedule="step",
        decay_every=DECAY_EVERY * (epoch if reading == "epochs" else 1),
        decay_factor=DECAY_FACTOR,
        gradient_clip=0,
        ema_decay=0,
        checkpoint_every=max(200, epoch),
        validate_every=10 * epoch,
    )
