"""What a check says: passed, failed, or not measured and why."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: short, lower-case.
        passed: None where nothing was measured, or where there is no limit to pass.
        target: what is wanted, in words and numbers.
        figures: what was measured, by name; RMS values in [-1, 1] units.
        words: how it was measured, or why it was not.
    """

    name: str
    passed: bool | None
    target: str
    figures: Mapping[str, float] = field(default_factory=dict[str, float])
    words: str = ""


def rms(x: Tensor) -> float:
    """Return the root of the mean square of all values."""
    return math.sqrt(x.double().square().mean().item())


def not_finite(name: str, target: str, x: Tensor) -> Check | None:
    """Return a failed check if a picture of x (N, …) holds a value that is not finite."""
    broken = int((~torch.isfinite(x).flatten(1).all(dim=1)).sum())
    if not broken:
        return None
    words = f"{broken} of {len(x)} answers are not finite."
    return Check(name, False, target, {"broken": float(broken)}, words)
