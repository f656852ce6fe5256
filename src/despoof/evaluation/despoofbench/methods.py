"""The rows of the bench: anything that says what noise is in a face crop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from torch import nn

from despoof.core.errors import InputError
from despoof.core.types import Image, System
from despoof.evaluation.despoofbench import classical
from despoof.face.crop import CropConfig

if TYPE_CHECKING:  # torch's systems are loaded once one is asked for
    import torch
    from torch import Tensor

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
    from despoof.detector import load

    detector = load(weights, device=device)
    system = detector.system
    answer = _decomposing(system, detector.device)
    count = sum(p.numel() for p in cast("nn.Module", system).parameters())
    return Method(weights, detector.name, detector.crop, answer, count)


def bridge_methods(weights: str, device: str = "cpu") -> list[Method]:
    """Return rows of a system's fields crossed in other ways than its own.

    The paper's way (DDIM 50 + 50), the exactly invertible one in 10 + 10 steps, and the difference
    of the two fields' scores at four times, which integrates nothing. The first two are judged by
    the system's detector, which learnt from the noise of its own way.

    Raises:
        WeightsError: as `weights_method`.
        InputError: the system has no bridge between two fields.
    """
    from despoof.detector import load
    from despoof.diffusion.bridge import PAPER, BridgeConfig
    from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion, unbridged_noise

    detector = load(weights, device=device)
    system = detector.system
    if not isinstance(system, DespoofingDiffusion):
        raise InputError(
            f"{weights} has no bridge between two fields; expected weights of despoofing-diffusion."
        )
    count = sum(p.numel() for p in system.parameters())
    rows = [
        Method(
            f"{weights}:{key}",
            f"{detector.name}, {title}",
            detector.crop,
            _decomposing(system.with_bridge(way), detector.device),
            count,
        )
        for key, title, way in (
            ("paper", "DDIM 50 + 50 (paper)", PAPER),
            ("exact", "O-BELM 10 + 10", BridgeConfig(solver="o-belm", steps=10)),
        )
    ]

    def difference(face: Image) -> Answer:
        return Answer(_pixels(unbridged_noise(system, _planes(face).to(detector.device))))

    title = f"{detector.name}, score difference, K = 4"
    return [*rows, Method(f"{weights}:difference", title, detector.crop, difference, count)]


def all_methods(weights: Sequence[str], device: str = "cpu") -> list[Method]:
    """Return the classical rows, then one for each of `weights`."""
    return [*classical_methods(), *(weights_method(name, device) for name in weights)]


def _decomposing(system: System, device: "torch.device | str") -> Callable[[Image], Answer]:
    def answer(face: Image) -> Answer:
        parts = system.decompose(_planes(face).to(device))
        return Answer(_pixels(parts.noise), float(parts.score[0]))

    return answer


def _planes(face: Image) -> "Tensor":
    import torch

    return torch.from_numpy(classical.scaled(face)).permute(2, 0, 1)[None]


def _pixels(noise: "Tensor") -> NDArray[np.float32]:
    return np.ascontiguousarray(noise[0].permute(1, 2, 0).cpu().numpy())


def _unscored(estimate: Callable[[Image], NDArray[np.float32]]) -> Callable[[Image], Answer]:
    return lambda face: Answer(estimate(face))
