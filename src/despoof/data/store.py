"""Aligned face crops with their depth, in memory and memory-mapped from a cache."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from despoof.core.device import seed_of
from despoof.core.errors import DataError
from despoof.core.files import atomic_path
from despoof.core.types import Face, FaceCrop, Image
from despoof.data.depth_labels import depth_in_crop, read_depth
from despoof.data.samples import Sample
from despoof.face.crop import CropConfig, crop_face, whole_picture_face
from despoof.media.images import read_image

DEPTH_SIDE = 64
CONTEXT_OF_BARE_CROPS = 224 / 184  # CelebA-Spoof crops: 20 px of margin on each side

Recapture = Callable[[Image, np.random.Generator], Image]


@dataclass(frozen=True)
class CropStore:
    """N crops in one size.

    Attributes:
        images: (N, S, S, 3) uint8 RGB.
        depth: (N, 64, 64) uint8 relief in the crop's frame.
        live: (N,) bool.
        extent: (N,) float32, the side of the largest centred square without padding, as a multiple
            of the face; at most the crop's scale.
        scale: side of the crops as a multiple of the face.
    """

    images: NDArray[np.uint8]
    depth: NDArray[np.uint8]
    live: NDArray[np.bool_]
    extent: NDArray[np.float32]
    scale: float


def face_of(sample: Sample, image: Image) -> Face | None:
    """The table's face; a bare CelebA-Spoof crop without a box is a face as a whole."""
    if sample.box is not None:
        return Face(box=sample.box, landmarks=sample.landmarks)
    if "/crops/" in sample.name:
        return whole_picture_face(image, CONTEXT_OF_BARE_CROPS)
    return None


def crop_sample(sample: Sample, config: CropConfig) -> FaceCrop | None:
    """Read a sample's picture and cut its face out; None where the table has no face."""
    image = read_image(sample.path)
    face = face_of(sample, image)
    return None if face is None else crop_face(image, face, config)


def build_store(
    samples: Sequence[Sample],
    config: CropConfig,
    root: Path,
    cache: Path,
    *,
    recapture: Recapture | None = None,
    tag: str = "",
) -> CropStore:
    """Cut all samples out, or take them from the cache if the same were cut before.

    Args:
        samples: of one dataset; those without a face are left out.
        config: size and scale of the stored crops.
        root: the data folder (for depth labels).
        cache: folder for the arrays; written whole or not at all.
        recapture: turns each crop into an attack, seeded by the sample's name; labels become
            attack. The relief stays the person's own.
        tag: names the recapture in the cache's key; give another when its code changes.
    """
    key = _key(samples, config, tag)
    folder = cache / key
    if not (folder / "done.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        arrays = _cut(samples, config, root, recapture)
        for name, array in arrays.items():
            with atomic_path(folder / f"{name}.npy") as temporary:
                np.save(temporary, array)
        with atomic_path(folder / "done.json") as temporary:
            temporary.write_text(json.dumps({"samples": len(samples), "tag": tag}))
    return CropStore(
        images=np.load(folder / "images.npy", mmap_mode="r"),
        depth=np.load(folder / "depth.npy", mmap_mode="r"),
        live=np.load(folder / "live.npy"),
        extent=np.load(folder / "extent.npy"),
        scale=config.scale,
    )


def _cut(
    samples: Sequence[Sample], config: CropConfig, root: Path, recapture: Recapture | None
) -> dict[str, NDArray[np.generic]]:
    reliefs = {name: read_depth(root, name) for name in {s.dataset for s in samples}}
    images: list[Image] = []
    depth: list[NDArray[np.uint8]] = []
    live: list[bool] = []
    extent: list[float] = []
    for sample in samples:
        picture = read_image(sample.path)
        face = face_of(sample, picture)
        if face is None:
            continue
        crop = crop_face(picture, face, config)
        image = crop.image
        if recapture is not None:
            image = recapture(image, np.random.default_rng(seed_of("recapture", sample.name)))
        images.append(image)
        stack = reliefs[sample.dataset]
        if sample.row >= len(stack):
            raise DataError(
                f"{sample.dataset}.depth.npz holds {len(stack)} reliefs, none for row {sample.row} "
                f"(from 0) of the table, {sample.name}. Make both from the same table."
            )
        relief = stack[sample.row]
        depth.append(depth_in_crop(relief, picture.shape[:2], crop.matrix, config.size, DEPTH_SIDE))
        live.append(sample.live and recapture is None)
        extent.append(_extent(crop, config.scale))
    side = config.size
    return {
        "images": np.stack(images) if images else np.zeros((0, side, side, 3), np.uint8),
        "depth": np.stack(depth) if depth else np.zeros((0, DEPTH_SIDE, DEPTH_SIDE), np.uint8),
        "live": np.array(live, np.bool_),
        "extent": np.array(extent, np.float32),
    }


def _extent(crop: FaceCrop, scale: float) -> float:
    """Largest centred square of valid pixels, as a multiple of the face."""
    side = crop.valid.shape[0]
    radius = np.abs(np.arange(side) - (side - 1) / 2)
    distance = np.maximum(radius[:, None], radius[None, :])
    invalid = distance[~crop.valid]
    return scale if invalid.size == 0 else float((2 * invalid.min() - 1) / side * scale)


def _key(samples: Sequence[Sample], config: CropConfig, tag: str) -> str:
    # Everything that decides a pixel; the files themselves are taken not to change.
    rows = [
        (s.name, s.label, s.box, None if s.landmarks is None else s.landmarks.tolist(), str(s.path))
        for s in samples
    ]
    text = json.dumps([rows, config.plain(), tag, DEPTH_SIDE])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
