"""Faces in other light: lamps, dusk and glare on both classes alike, and nothing else.

Imported by recipe_choice.py and default_choice.py. Wider than the light of the stressed twin
(`evaluation/stress.py`); focus, size and codec hardly change.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from despoof.data.samples import Sample
from despoof.evaluation.stress import StressRanges, stressed_twin

OTHER_LIGHT = StressRanges(
    blur=(0, 0),
    downscale=(1, 1),
    exposure=(0.4, 1.4),
    white_balance=(0.65, 1.5),
    noise=(0, 0.01),
    jpeg=(95, 95),
)


def in_other_light(
    images: dict[float, NDArray[np.uint8]], samples: Sequence[Sample]
) -> dict[float, NDArray[np.uint8]]:
    """Light each picture anew, by its name, the same way in all of its looks.

    Args:
        images: (N, S, S, 3) uint8 by look (side / face).
        samples: whose crops those are, N.
    """

    def lit(image: NDArray[np.uint8], sample: Sample) -> NDArray[np.uint8]:
        return stressed_twin(image, seed=0, path=sample.name, ranges=OTHER_LIGHT)

    return {
        look: np.stack([lit(*pair) for pair in zip(crops, samples, strict=True)])
        for look, crops in images.items()
    }
