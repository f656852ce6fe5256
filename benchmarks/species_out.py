"""Leave one species out: does a system see a kind of attack that it was never shown?

    python benchmarks/species_out.py          # trains 12 small runs; goes on where it was stopped

Simulated attacks of LFW's training people, one species missing; tested on LFW's test people, whose
live faces went through the same simulated cameras. The row "all" has seen every species.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from recording import write

from despoof.core.config import read_yaml
from despoof.core.device import bf16_autocast, seed_of
from despoof.core.files import atomic_path
from despoof.core.types import System
from despoof.data.samples import Sample, find_data_root, read_samples, select
from despoof.data.simulated import attack_retake, camera_retake
from despoof.data.store import Retaken, face_of
from despoof.evaluation.scoring import score_faces
from despoof.face.crop import CropConfig, crop_face
from despoof.media.images import read_image
from despoof.metrics import weighted
from despoof.metrics.curves import auc
from despoof.metrics.resample import interval, resample
from despoof.metrics.scores import make_scores
from despoof.recapture.species import SPECIES
from despoof.systems.experiment import Experiment, train_experiment
from despoof.systems.saving import load_system

BASE = Path(__file__).parent.parent / "experiments" / "small" / "species_out.yaml"
FAMILIES = ("print", "replay")
ALL = "all"


def test_faces(people: int, crop: CropConfig) -> dict[str, np.ndarray]:
    """Crops of LFW's test people by species, and "live": one picture of each person a species."""
    scale = "" if crop.scale == 1.25 else f"_{crop.scale:g}"
    path = Path("cache") / f"species_out_{people}_{crop.size}{scale}.npz"
    if path.exists():
        with np.load(path) as kept:
            return dict(kept)
    samples = [s for s in select(read_samples(find_data_root(), "lfw"), "test") if s.box]
    chosen = samples[:: max(1, len(samples) // people)][:people]
    found: dict[str, list[np.ndarray]] = {name: [] for name in ("live", *SPECIES)}
    for sample in chosen:
        for name, crops in found.items():
            taken = retaken(sample, name, "species out")
            crops.append(crop_face(taken.image, taken.face, crop).image)
    arrays = {name: np.stack(crops) for name, crops in found.items()}
    path.parent.mkdir(exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)
    return arrays


def retaken(sample: Sample, name: str, purpose: str) -> Retaken:
    """Photograph a sample that has a box: as an attack of a species, or "live", as it is.

    Args:
        sample: a live one.
        name: of the species, or "live".
        purpose: word that goes into the seed, so that no two programs draw the same recipes.
    """
    picture = read_image(sample.path)
    face = face_of(sample, picture)
    assert face is not None
    take, _ = camera_retake() if name == "live" else attack_retake([name])
    return take(picture, face, np.random.default_rng(seed_of(purpose, name, sample.name)))


def train(left_out: str) -> System:
    """Train (or load) the run without a species."""
    folder = Path("runs") / "species_out" / left_out.replace("/", "-")
    values = read_yaml(BASE)
    values["output"] = str(folder)
    for source in values["data"]["sources"]:
        if source.get("simulate") == "attack" and left_out != ALL:
            source["without"] = [left_out]
    train_experiment(Experiment.parse(values, str(BASE)), progress=False)
    return load_system(folder / "weights")[1]


def rows_of(left_out: str, system: System, faces: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """AUC of every species against the live faces, with intervals over people."""
    with bf16_autocast("cpu"):
        scores = {name: score_faces(system, images, batch=32) for name, images in faces.items()}
    rows = []
    for species in SPECIES:
        n = len(scores["live"])
        table = make_scores(
            np.concatenate([scores["live"], scores[species]]),
            [True] * n + [False] * n,
            ["live"] * n + [species] * n,
            [str(i) for i in range(n)] * 2,
        )
        ends = interval(resample(table, {"auc": weighted.auc}, draws=1000, seed=0)["auc"])
        rows.append(
            {
                "left_out": left_out,
                "species": species,
                "auc": auc(table),
                "auc_ci95": [ends.low, ends.high],
                "n": n,
            }
        )
    return rows


def main() -> None:
    """Train and test every run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=150)
    arguments = parser.parse_args()
    size = read_yaml(BASE)["model"]["crop"]
    faces = test_faces(arguments.people, CropConfig(**size))
    rows: list[dict[str, Any]] = []
    for left_out in (ALL, *FAMILIES, *SPECIES):
        found = rows_of(left_out, train(left_out), faces)
        rows += found
        unseen = [r["auc"] for r in found if left_out in (r["species"], r["species"].split("/")[0])]
        print(f"{left_out:22s} unseen {np.mean(unseen) if unseen else np.nan:.3f}", flush=True)
        steps = read_yaml(BASE)["train"]["steps"]
        write("species_out", {"rows": rows, "people": arguments.people, "seed": 0, "steps": steps})


if __name__ == "__main__":
    main()
