"""What a finished run has learnt, as pictures and figures in its folder."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor

from despoof.core.device import seed_of
from despoof.core.errors import DataError, MissingExtraError
from despoof.core.files import atomic_path
from despoof.core.types import Face, Image
from despoof.data.samples import find_data_root, read_samples, select
from despoof.data.simulated import attack_retake
from despoof.data.store import crop_sample, face_of
from despoof.data.views import DataConfig
from despoof.face.crop import CropConfig, crop_face
from despoof.media.images import read_image
from despoof.systems.cached_noise import CachedFaces
from despoof.systems.despoofing_diffusion.loss_curves import draw_curves
from despoof.systems.despoofing_diffusion.stages import DetectorStage
from despoof.systems.despoofing_diffusion.strip import (
    carry,
    sample_domains,
    sample_picture,
    strip_picture,
)
from despoof.systems.residuals import Shard, weights_hash
from despoof.training.folder import DONE
from despoof.training.journal import LOSSES
from despoof.training.stage import Stage

PICTURES, FIGURES = "pictures", "figures.json"
SAMPLES, SHARDS = 6, 8
"""Faces drawn from each domain, and shards read for the noise's energy."""


def illustrate(stages: Sequence[Stage], folder: Path) -> Path:
    """Draw a run of System 1 that is done; nothing where the pictures are of the same weights.

    `pictures/<stage>.png` are the curves of each stage in the folder, `samples.png` faces from both
    domains, `strip.png` a live face, a print, a screen and a real attack with their latents,
    genuine faces and noise. `figures.json` holds the energy of the noise, see `noise_energy`.

    Args:
        stages: of the run, the detector's last, holding what they have learnt.
        folder: of the run.

    Returns:
        The pictures' folder.

    Raises:
        DataError: no development picture of the data shows a live face.
    """
    place = folder / PICTURES
    detector = stages[-1]
    if not isinstance(detector, DetectorStage):
        raise TypeError(f"the last stage is {detector.name}, expected the detector's")
    system = detector.system.eval()
    weights = weights_hash(system)
    if _weights_of(place / FIGURES) == weights:
        return place
    place.mkdir(parents=True, exist_ok=True)
    notes: list[str] = []
    for stage in sorted(path.parent for path in folder.glob(f"*/{LOSSES}")):
        try:
            if (stage / DONE).exists():
                draw_curves(stage, place / f"{stage.name}.png")
        except MissingExtraError as error:
            notes.append(f"{stage.name}.png is missing: {error}")
    config = system.config
    samples = sample_domains(system.fields, config, SAMPLES, seed_of(detector.seed, "samples"))
    _save(sample_picture(samples), place / "samples.png")
    names, faces = strip_faces(detector.data, config.crop)
    steps = carry(system.fields, config, faces)
    _save(strip_picture(steps, names), place / "strip.png")
    figures = {
        "weights": weights,
        "noise_energy": noise_energy(detector.faces),
        "strip": {
            name: {"noise": _rms([noise]), "latent": _rms([latent])}
            for name, noise, latent in zip(names, steps.noise, steps.latent, strict=True)
        },
        "notes": notes,
    }
    with atomic_path(place / FIGURES) as temporary:
        temporary.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return place


def strip_faces(data: DataConfig, crop: CropConfig) -> tuple[list[str], Tensor]:
    """Return names and (N, 3, S, S) faces in [-1, 1]: live, print, screen, and a real attack.

    The print and the screen are simulated, of the live face: the first of the first development
    set that shows one. The real attack is that set's first, and missing where there is none.

    Raises:
        DataError: no live picture there has a face.
    """
    root = find_data_root(data.root)
    rows = select(read_samples(root, data.dev[0]), "dev")
    lives = [sample for sample in select(rows, label="live") if sample.box is not None]
    if not lives:
        raise DataError(f"{data.dev[0]} has no live development picture with a face to show.")
    picture = read_image(lives[0].path)
    face = face_of(lives[0], picture)
    assert face is not None  # it has a box
    names, crops = of_portrait(picture, face, crop)
    for sample in (s for s in select(rows, label="attack") if s.box is not None):
        if (found := crop_sample(sample, crop)) is not None:
            names, crops = [*names, "real attack"], [*crops, found.image]
            break
    return names, as_faces(crops)


def of_portrait(picture: Image, face: Face, crop: CropConfig) -> tuple[list[str], list[Image]]:
    """Return names and crops of a live picture, of its simulated print and of its screen."""
    names, crops = ["live"], [crop_face(picture, face, crop).image]
    for name, family in (("print", "print"), ("screen", "replay")):
        retake, _ = attack_retake([family])
        taken = retake(picture, face, np.random.default_rng(seed_of("strip", family)))
        names.append(f"{name} (simulated, {taken.species})")
        crops.append(crop_face(taken.image, taken.face, crop).image)
    return names, crops


def as_faces(crops: Sequence[Image]) -> Tensor:
    """Return (S, S, 3) uint8 crops as (N, 3, S, S) faces in [-1, 1]."""
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 127.5 - 1


def noise_energy(faces: CachedFaces) -> dict[str, float]:
    """Return the root mean square of the noise of each class, in training and in development.

    Where training faces have less than strangers do, the fields know them: cross-fitting is for
    that (SPEC §1.7 item 5). Both are in [-1, 1] units; training views went through the
    augmentation, so compare the plain and the stressed development sets with them.

    Returns:
        `train/live`, `train/attack`, and `<set>/live`, `<set>/attack` of each development set; a
        class that is missing is left out. At most `SHARDS` shards of each are read.
    """
    found: dict[str, float] = {}
    for name, of in {"train": faces.train, **faces.dev}.items():
        chosen = np.unique(np.linspace(0, len(of.paths) - 1, SHARDS).round().astype(int))
        shards = [of.shard(int(number)) for number in chosen]
        for word, live in (("live", True), ("attack", False)):
            rows = list(_rows(shards, lambda shard, live=live: shard["live"] == live))
            if rows:
                found[f"{name}/{word}"] = _rms(rows)
    return found


def _rows(shards: Iterable[Shard], wanted: Callable[[Shard], Tensor]) -> Iterable[Tensor]:
    for shard in shards:
        yield from shard["noise"][wanted(shard)]


def _rms(parts: Sequence[Tensor]) -> float:
    return float(torch.stack([part.double().square().mean() for part in parts]).mean().sqrt())


def _weights_of(path: Path) -> str | None:
    try:
        return json.loads(path.read_text("utf-8"))["weights"]
    except (OSError, ValueError, KeyError):
        return None


def _save(picture: Pillow.Image, path: Path) -> None:
    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG")
