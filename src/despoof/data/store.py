"""Aligned face crops with their depth, written row by row and memory-mapped from a cache."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from despoof.core.device import seed_of, usable_cores
from despoof.core.errors import DataError
from despoof.core.files import atomic_path
from despoof.core.types import Face, FaceCrop, Image
from despoof.data.depth_labels import depth_in_crop, read_depth
from despoof.data.samples import Sample
from despoof.face.crop import CropConfig, crop_face, whole_picture_face
from despoof.media.images import read_image

DEPTH_SIDE = 64
LAYOUT = 2  # of the cached arrays
CONTEXT_OF_BARE_CROPS = 224 / 184  # CelebA-Spoof crops: 20 px of margin on each side


@dataclass(frozen=True)
class Retaken:
    """A picture taken anew, by a simulated camera or through a simulated medium.

    Attributes:
        image: (H, W, 3) uint8.
        genuine: (H, W, 3) uint8, the original in the frame of `image`, pixel upon pixel.
        face: where the face now is.
        species: of the attack that was made of it; "live" where a camera photographed the
            original itself, which stays what it was.
        reach: side of the original as a multiple of the face: what lies outside is made up.
    """

    image: Image
    genuine: Image
    face: Face
    species: str
    reach: float = np.inf


Retake = Callable[[Image, Face, np.random.Generator], Retaken]


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
        species: (N,) str, "live" for live.
        genuine: (N, S, S, 3) uint8, what each retaken picture was made from, in the same frame;
            None where nothing was retaken.
    """

    images: NDArray[np.uint8]
    depth: NDArray[np.uint8]
    live: NDArray[np.bool_]
    extent: NDArray[np.float32]
    scale: float
    species: NDArray[np.str_]
    genuine: NDArray[np.uint8] | None = None


def face_of(sample: Sample, image: Image) -> Face | None:
    """The table's face; a bare CelebA-Spoof crop without a box is a face as a whole."""
    if sample.box is not None:
        return Face(box=sample.box, landmarks=sample.landmarks)
    return whole_picture_face(image, CONTEXT_OF_BARE_CROPS) if _is_bare(sample) else None


def shows_face(sample: Sample) -> bool:
    """Whether `face_of` has a face, known without the picture."""
    return sample.box is not None or _is_bare(sample)


def _is_bare(sample: Sample) -> bool:
    return "/crops/" in sample.name


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
    retake: Retake | None = None,
    tag: str = "",
    repeats: int = 1,
) -> CropStore:
    """Cut all samples out, or take them from the cache if the same were cut before.

    Args:
        samples: of one dataset; those without a face are left out.
        config: size and scale of the stored crops.
        root: the data folder (for depth labels).
        cache: folder for the arrays; written whole or not at all.
        retake: takes each picture anew, seeded by the sample's name, several at once. The relief
            stays the person's own.
        tag: names the retake in the cache's key; give another when its code changes.
        repeats: how often each picture is retaken.
    """
    folder = cache / _key(samples, config, tag, repeats)
    if not (folder / "done.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        jobs = _jobs(samples, config, root, retake, repeats)
        _cut(jobs, config.size, folder, pairs=retake is not None)
        with atomic_path(folder / "done.json") as temporary:
            temporary.write_text(json.dumps({"samples": len(samples), "tag": tag}))
    genuine = folder / "genuine.npy"
    return CropStore(
        images=np.load(folder / "images.npy", mmap_mode="r"),
        depth=np.load(folder / "depth.npy", mmap_mode="r"),
        live=np.load(folder / "live.npy"),
        extent=np.load(folder / "extent.npy"),
        scale=config.scale,
        species=np.load(folder / "species.npy"),
        genuine=np.load(genuine, mmap_mode="r") if retake is not None else None,
    )


def without_species(store: CropStore, unwanted: Sequence[str]) -> CropStore:
    """Leave out the pictures of some species (`print/laser-a4`) or families (`print`)."""
    if not unwanted:
        return store
    kept = np.array(
        [not {name, name.partition("/")[0]} & set(unwanted) for name in store.species.tolist()],
        np.bool_,
    )
    return CropStore(
        images=store.images[kept],
        depth=store.depth[kept],
        live=store.live[kept],
        extent=store.extent[kept],
        scale=store.scale,
        species=store.species[kept],
        genuine=None if store.genuine is None else store.genuine[kept],
    )


@dataclass(frozen=True)
class _Row:
    image: Image
    depth: NDArray[np.uint8]
    extent: float
    live: bool
    species: str
    genuine: Image | None = None


_Job = tuple[Sample, NDArray[np.uint8], CropConfig, Retake | None, int]


def _jobs(
    samples: Sequence[Sample], config: CropConfig, root: Path, retake: Retake | None, repeats: int
) -> list[_Job]:
    reliefs = {name: read_depth(root, name) for name in {s.dataset for s in samples}}
    for sample in samples:
        if sample.row >= (rows := len(reliefs[sample.dataset])):
            raise DataError(
                f"{sample.dataset}.depth.npz holds {rows} reliefs, none for row {sample.row} "
                f"(from 0) of the table, {sample.name}. Make both from the same table."
            )
    return [
        (s, reliefs[s.dataset][s.row], config, retake, i)
        for s in samples
        if shows_face(s)
        for i in range(repeats)
    ]


def _cut(jobs: Sequence[_Job], side: int, folder: Path, *, pairs: bool) -> None:
    """Write the arrays row by row, so that a set need not fit into memory."""
    n = len(jobs)
    shapes = {"images": (n, side, side, 3), "depth": (n, DEPTH_SIDE, DEPTH_SIDE)}
    if pairs:
        shapes["genuine"] = shapes["images"]
    with contextlib.ExitStack() as stack:
        paths = {k: stack.enter_context(atomic_path(folder / f"{k}.npy")) for k in shapes}
        arrays = {k: _empty(paths[k], shape) for k, shape in shapes.items()}
        live, extent = np.zeros(n, np.bool_), np.zeros(n, np.float32)

        def cut(i: int) -> str:
            row = _row(jobs[i])
            arrays["images"][i], arrays["depth"][i] = row.image, row.depth
            if row.genuine is not None:
                arrays["genuine"][i] = row.genuine
            live[i], extent[i] = row.live, row.extent
            return row.species

        # Threads: numpy and OpenCV let each other run, and a user's script needs no main guard.
        with ThreadPoolExecutor(usable_cores()) as pool:
            species = np.array(list(pool.map(cut, range(n))), np.str_)
        for array in arrays.values():
            array.flush()
    for name, few in (("live", live), ("extent", extent), ("species", species)):
        with atomic_path(folder / f"{name}.npy") as temporary:
            np.save(temporary, few)


def _empty(path: Path, shape: tuple[int, ...]) -> np.memmap[tuple[int, ...], np.dtype[np.uint8]]:
    return np.lib.format.open_memmap(path, "w+", np.uint8, shape)


def _row(job: _Job) -> _Row:
    sample, relief, config, retake, repeat = job
    picture = read_image(sample.path)
    face = face_of(sample, picture)
    assert face is not None, "_jobs left those out"
    crop = crop_face(picture, face, config)
    depth = depth_in_crop(relief, picture.shape[:2], crop.matrix, config.size, DEPTH_SIDE)
    if retake is None:
        extent = extent_of(crop, config.scale)
        return _Row(crop.image, depth, extent, sample.live, sample.species)
    new = retake(picture, face, np.random.default_rng(seed_of("retake", sample.name, repeat)))
    # The crop is upright on the face, before and after: so the relief in it is the same.
    crop = crop_face(new.image, new.face, config)
    genuine = crop_face(new.genuine, new.face, config).image
    extent = min(extent_of(crop, config.scale), new.reach)
    # A camera changes no label: what it photographed stays the attack, or the person, that it was.
    species = sample.species if new.species == "live" else new.species
    live = sample.live and new.species == "live"
    return _Row(crop.image, depth, extent, live, species, genuine)


def extent_of(crop: FaceCrop, scale: float) -> float:
    """Largest centred square of valid pixels, as a multiple of the face."""
    side = crop.valid.shape[0]
    radius = np.abs(np.arange(side) - (side - 1) / 2)
    distance = np.maximum(radius[:, None], radius[None, :])
    invalid = distance[~crop.valid]
    return scale if invalid.size == 0 else float((2 * invalid.min() - 1) / side * scale)


def _key(samples: Sequence[Sample], config: CropConfig, tag: str, repeats: int) -> str:
    # Everything that decides a pixel; the files themselves are taken not to change.
    rows = [
        (s.name, s.label, s.box, None if s.landmarks is None else s.landmarks.tolist(), str(s.path))
        for s in samples
    ]
    text = json.dumps([rows, config.plain(), tag, repeats, DEPTH_SIDE, LAYOUT])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
