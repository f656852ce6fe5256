"""The rows of the bench: anything that says what noise is in a face crop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import nn

from despoof.core.types import Image
from despoof.evaluation.despoofbench import classical
from despoof.face.crop import CropConfig

DEFAULT_CROP = CropConfig(size=112, scale=1.25)


@dataclass(frozen=True)
class Answer:
    """What a method says about one face crop.

    Attributes:
        noise: (S, S, 3) float32, signed, in [-1, 1] units.
        score: higher = more live; None for a method that does not judge.
    """

    noise: NDArray[np.float32]
    score: float | None = None


@dataclass(frozen=True)
class Method:
    """One row.

    Attributes:
        name: short, lower-case.
        title: for people.
        crop: how faces are cut for it.
        answer: an (S, S, 3) uint8 crop to noise and score, one face at a time.
        parameters: trained numbers; 0 for a method that learnt nothing.
    """

    name: str
    title: str
    crop: CropConfig
    answer: Callable[[Image], Answer]
    parameters: int = 0


def classical_methods(crop: CropConfig = DEFAULT_CROP) -> list[Method]:
    """Return zero, high-pass, median filter, non-local means and wavelet denoiser."""
    rows = (
        ("zero", "zero", classical.zero),
        ("high-pass", "high-pass, σ 2 px", classical.high_pass),
        ("median", "median filter 5×5", classical.median_filter),
        ("nlm", "non-local means", classical.non_local_means),
        ("wavelet", "wavelet denoiser", classical.wavelet),
    )
    return [Method(name, title, crop, _unscored(estimate)) for name, title, estimate in rows]


def weights_method(weights: str, device: str = "cpu") -> Method:
    """Return the row of trained weights, by name or folder.

    Raises:
        WeightsError: there are no such weights, or they are damaged.
    """
    import torch

    from despoof.detector import load

    detector = load(weights, device=device)
    system = detector.system

    def answer(face: Image) -> Answer:
        planes = torch.from_numpy(classical.scaled(face)).permute(2, 0, 1)[None]
        parts = system.decompose(planes.to(detector.device))
        noise = parts.noise[0].permute(1, 2, 0).cpu().numpy()
        return Answer(np.ascontiguousarray(noise), float(parts.score[0]))

    count = sum(p.numel() for p in cast("nn.Module", system).parameters())
    return Method(weights, detector.name, detector.crop, answer, count)


def all_methods(weights: Sequence[str], device: str = "cpu") -> list[Method]:
    """Return the classical rows, then one for each of `weights`."""
    return [*classical_methods(), *(weights_method(name, device) for name in weights)]


def _unscored(estimate: Callable[[Image], NDArray[np.float32]]) -> Callable[[Image], Answer]:
    return lambda face: Answer(estimate(face))
