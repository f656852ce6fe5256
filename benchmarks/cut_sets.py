"""The development data's sets by name, cut once for every run that is measured on them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from despoof.core.device import bf16_autocast
from despoof.core.files import atomic_path
from despoof.core.types import System
from despoof.data.samples import find_data_root, read_samples, select, subject_disjoint
from despoof.evaluation.scoring import (
    TIGHT,
    TIGHT_STRESSED,
    WIDE,
    WIDE_STRESSED,
    Faces,
    View,
    cut_faces,
    score_faces,
)

CACHE = Path("cache") / "views"
NUAA_VIEWS = (TIGHT, TIGHT_STRESSED, WIDE, WIDE_STRESSED)
CELEBA_VIEWS = (TIGHT, TIGHT_STRESSED)


def samples_of(name: str) -> list[Any]:
    """Return the samples of a named set, in table order."""
    root = find_data_root()
    if name == "nuaa test":
        return select(read_samples(root, "nuaa"), "test")
    if name == "nuaa test, new people":
        return subject_disjoint(read_samples(root, "nuaa"))
    dataset, split = name.rsplit(" ", 1)
    return select(read_samples(root, dataset), split)


def faces_of(name: str, view: View, size: int) -> Faces:
    """Cut a set once and keep the crops, for the next run to be measured."""
    samples = samples_of(name)
    text = json.dumps([[s.name for s in samples], vars(view), size])
    path = CACHE / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"
    if path.exists():
        with np.load(path) as kept:
            names, images, skipped = kept["names"].tolist(), kept["images"], kept["skipped"]
        by_name = {sample.name: sample for sample in samples}
        return Faces(tuple(by_name[n] for n in names), images, tuple(skipped.tolist()))
    faces = cut_faces(samples, view, size)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        np.savez(
            temporary,
            images=faces.images,
            names=np.array([sample.name for sample in faces.samples], np.str_),
            skipped=np.array(faces.skipped, np.str_),
        )
    return faces


def thinned(faces: Faces, every: int) -> Faces:
    """Keep each `every`-th picture."""
    return Faces(faces.samples[::every], faces.images[::every], faces.skipped)


def scores_of(system: System, faces: Faces) -> np.ndarray:
    """Score in bf16, which halves the time here; the page says so."""
    with bf16_autocast("cpu"):
        return score_faces(system, faces.images, batch=16)
