"""Systems that score pixels: no tensor, no torch."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class CropScorer(Protocol):
    """A system whose scores need no torch, and that gives scores alone: an exported one."""

    def score_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Score (B, S, S, 3) uint8 RGB crops; return (B,), higher = more live."""
        ...
