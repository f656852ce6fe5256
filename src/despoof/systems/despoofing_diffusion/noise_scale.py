"""The one number that noise is divided by: a percentile of |N| over the training faces.

Never per face: how strong the noise is, is the cue (SPEC §1.4).
"""

from collections.abc import Iterable

import numpy as np
from torch import Tensor

from despoof.core.errors import InputError
from despoof.systems.despoofing_diffusion.config import DetectorConfig

BINS = int(np.float16(np.inf).view(np.uint16)) + 1
"""Every half-precision number from 0 to infinity has its own bin, in order of size."""


def noise_percentile(batches: Iterable[Tensor], percent: float = 99.0) -> float:
    """Return the smallest |N| that at least `percent` % of all values do not exceed.

    One pass, constant memory. Exact for noise that is stored in half precision, as it is cached;
    other noise is rounded to it, which moves the answer by 1/2048 of itself at most.

    Args:
        batches: tensors of any shape: signed noise or magnitudes.
        percent: in (0, 100].

    Raises:
        InputError: percent is out of range; no value, or one that is not finite (in half precision:
            above 65504); the answer is 0, which nothing can be divided by.
    """
    if not 0 < percent <= 100:
        raise InputError(f"percent is {percent}; expected a number in (0, 100], such as 99.")
    counts = np.zeros(BINS, np.int64)
    for batch in batches:
        bits = batch.detach().abs().half().cpu().numpy().view(np.uint16).ravel()
        if bits.size and bits.max() >= BINS - 1:
            raise InputError(
                "The noise holds NaN, Inf or values above 65504; expected finite values of a few "
                "units. Look at the bridge's steps and precision."
            )
        counts += np.bincount(bits, minlength=BINS)
    total = int(counts.sum())
    if total == 0:
        raise InputError("There is no noise to measure; expected at least one value.")
    # Ranks in whole numbers: 99 % of 100 values are 99 of them, whatever floats make of it.
    rank = max(1, int(np.ceil(round(percent / 100 * total, 6))))
    found = float(np.uint16(np.searchsorted(np.cumsum(counts), rank)).view(np.float16))
    if found == 0:
        raise InputError(
            f"{percent} % of the noise is 0; expected a percentile above 0. "
            "Look at how the noise was made, or take a higher percentile."
        )
    return found


def with_noise_scale(config: DetectorConfig, batches: Iterable[Tensor]) -> DetectorConfig:
    """Return the configuration with `noise_scale` measured on the training faces' noise.

    Raises:
        InputError: as `noise_percentile`.
    """
    scale = noise_percentile(batches, config.noise_percentile)
    return config.model_copy(update={"noise_scale": scale})
