"""Score labelled pictures with a system: crop, maybe stress, batch, score."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from despoof.core.types import Image, System
from despoof.data.samples import Sample
from despoof.data.store import crop_sample
from despoof.evaluation.stress import stressed_twin
from despoof.face.crop import CropConfig
from despoof.face.warp import PADDING
from despoof.metrics.scores import Scores, make_scores


@dataclass(frozen=True)
class View:
    """How test faces are shown to a system.

    Attributes:
        name: of the view, for tables.
        scale: crop side as a multiple of the face: 1.25 is tight, 1.8 is as wide as NUAA goes.
        stressed: send every crop through a random camera first (`stress.stressed_twin`), the same
            for every system and for both classes.
        seed: of the stress.
        align: turn crops upright, as `CropConfig.align`.
    """

    name: str
    scale: float
    stressed: bool = False
    seed: int = 0
    align: bool = True


TIGHT, WIDE = View("tight", 1.25), View("wide", 1.8)
TIGHT_STRESSED, WIDE_STRESSED = (
    View("tight, stressed", 1.25, True),
    View("wide, stressed", 1.8, True),
)


@dataclass(frozen=True)
class Faces:
    """Crops of the samples that have a face.

    Attributes:
        samples: N samples, in order.
        images: (N, S, S, 3) uint8.
        skipped: names of samples without a face; non-responses, to be counted as errors or named.
    """

    samples: tuple[Sample, ...]
    images: NDArray[np.uint8]
    skipped: tuple[str, ...]


def cut_faces(samples: Iterable[Sample], view: View, size: int) -> Faces:
    """Cut every sample's face out as a view shows it, `size` pixels wide."""
    config = CropConfig(size=size, scale=view.scale, align=view.align)
    kept: list[Sample] = []
    images: list[Image] = []
    skipped: list[str] = []
    for sample in samples:
        crop = crop_sample(sample, config)
        if crop is None:
            skipped.append(sample.name)
            continue
        image = crop.image
        if view.stressed:
            image = stressed_twin(image, seed=view.seed, path=sample.name)
            image[~crop.valid] = PADDING  # no camera photographs what is not there
        kept.append(sample)
        images.append(image)
    shape = (0, size, size, 3)
    stacked = np.stack(images) if images else np.zeros(shape, np.uint8)
    return Faces(tuple(kept), stacked, tuple(skipped))


def score_faces(system: System, images: NDArray[np.uint8], batch: int = 32) -> NDArray[np.float64]:
    """Return (N,) scores of (N, S, S, 3) crops, fp32, on the CPU."""
    scores: list[torch.Tensor] = []
    for start in range(0, len(images), batch):
        pixels = torch.from_numpy(images[start : start + batch]).permute(0, 3, 1, 2)
        scores.append(system.score(pixels.float() / 127.5 - 1))
    return torch.cat(scores).double().numpy() if scores else np.zeros(0)


def labelled(samples: Sequence[Sample], scores: NDArray[np.float64]) -> Scores:
    """Join samples and scores for the metrics; the person is the unit of independence."""
    return make_scores(
        scores,
        [sample.live for sample in samples],
        [sample.species for sample in samples],
        [sample.group for sample in samples],
    )
