"""Whole pictures with their faces, kept as they are but for size, and drawn camera by camera.

A crop store cuts one square for every picture; what surrounds a face reaches from nothing to four
times the face, so here the pictures themselves are kept, and each view is cut when it is drawn.
"""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from despoof.core.device import seed_of, usable_cores
from despoof.core.errors import DataError
from despoof.core.files import atomic_path
from despoof.core.types import Box, Face, Image
from despoof.data.samples import Sample
from despoof.data.store import Retake, face_of, shows_face
from despoof.media.images import read_image

FACE_SIDE = 160
"""Longest side of a kept face, pixels; a larger one is made smaller with its picture."""
LAYOUT = 1  # of the cached arrays


@dataclass(frozen=True)
class SceneStore:
    """N pictures of any size, one face each.

    Attributes:
        pixels: all pictures' uint8 RGB values, one behind the other.
        shapes: (N, 2) int64, height and width.
        boxes: (N, 4) float32, the face in its picture.
        live: (N,) bool.
        camera: (N,) str, what took the picture, as far as the table says.
    """

    pixels: NDArray[np.uint8]
    shapes: NDArray[np.int64]
    boxes: NDArray[np.float32]
    live: NDArray[np.bool_]
    camera: NDArray[np.str_]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.live)

    def picture(self, index: int) -> tuple[Image, Box]:
        """Return a picture (H, W, 3) and the box of its face."""
        height, width = (int(value) for value in self.shapes[index])
        start = 3 * int((self.shapes[:index, 0] * self.shapes[:index, 1]).sum())
        flat = self.pixels[start : start + 3 * height * width]
        x1, y1, x2, y2 = (float(value) for value in self.boxes[index])
        return flat.reshape(height, width, 3), (x1, y1, x2, y2)


def build_scenes(
    samples: Sequence[Sample],
    cache: Path,
    *,
    camera: str = "",
    retake: Retake | None = None,
    tag: str = "",
    repeats: int = 1,
) -> SceneStore:
    """Read all pictures, or take them from the cache if the same were read before.

    Args:
        samples: those without a face are left out.
        cache: folder for the arrays; written whole or not at all.
        camera: column of the table that names the camera; "" = one for the whole table.
        retake: takes each picture anew, seeded by the sample's name.
        tag: names the retake in the cache's key; give another when its code changes.
        repeats: how often each picture is retaken.

    Raises:
        DataError: the table has no such column, it is empty in a row, or no picture shows a face.
    """
    shown = [sample for sample in samples if shows_face(sample)]
    if not shown:
        raise DataError(f"None of {len(samples)} pictures has a face; expected at least one.")
    names = [camera_of(sample, camera) for sample in shown]
    folder = cache / _key(shown, names, tag, repeats)
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        jobs = [(sample, retake, turn) for sample in shown for turn in range(repeats)]
        with ThreadPoolExecutor(usable_cores()) as pool:
            scenes = list(pool.map(_scene, jobs))
        _write(folder, scenes, [name for name in names for _ in range(repeats)])
    few = np.load(folder / "rows.npz")
    return SceneStore(
        pixels=np.load(folder / "pixels.npy", mmap_mode="r"),
        shapes=few["shapes"],
        boxes=few["boxes"],
        live=few["live"],
        camera=few["camera"],
    )


def camera_of(sample: Sample, column: str) -> str:
    """Return `dataset/value` of a table's camera column, or the dataset alone for "".

    Raises:
        DataError: the table has no such column, or the row says nothing there.
    """
    if not column:
        return sample.dataset
    value = sample.columns.get(column, "").strip()
    if not value:
        raise DataError(
            f"{sample.dataset}.csv, row {sample.row + 2}: no camera in column {column!r}. Fill it "
            "in, or leave `camera` out of the source: the table then counts as one camera."
        )
    return f"{sample.dataset}/{value}"


@dataclass(frozen=True)
class _Scene:
    image: Image
    box: Box
    live: bool


def _scene(job: tuple[Sample, Retake | None, int]) -> _Scene:
    sample, retake, turn = job
    image, live = read_image(sample.path), sample.live
    face = face_of(sample, image)
    assert face is not None, "build_scenes left those out"
    if retake is not None:
        new = retake(image, face, np.random.default_rng(seed_of("scene", sample.name, turn)))
        image, face, live = new.image, new.face, live and new.species == "live"
    return _Scene(*_smaller(image, face), live)


def _smaller(image: Image, face: Face) -> tuple[Image, Box]:
    x1, y1, x2, y2 = face.box
    share = FACE_SIDE / max(x2 - x1, y2 - y1)
    if share >= 1:
        return image, face.box
    height, width = (max(1, round(side * share)) for side in image.shape[:2])
    across, down = width / image.shape[1], height / image.shape[0]
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), (x1 * across, y1 * down, x2 * across, y2 * down)


def _write(folder: Path, scenes: Sequence[_Scene], cameras: Sequence[str]) -> None:
    with atomic_path(folder / "pixels.npy") as path:
        size = sum(scene.image.size for scene in scenes)
        flat = np.lib.format.open_memmap(path, "w+", np.uint8, (size,))
        at = 0
        for scene in scenes:
            flat[at : at + scene.image.size] = scene.image.ravel()
            at += scene.image.size
        flat.flush()
    with atomic_path(folder / "rows.npz") as path, path.open("wb") as stream:
        np.savez(
            stream,
            shapes=np.array([scene.image.shape[:2] for scene in scenes], np.int64),
            boxes=np.array([scene.box for scene in scenes], np.float32),
            live=np.array([scene.live for scene in scenes], np.bool_),
            camera=np.array(cameras, np.str_),
        )
    (folder / "done").touch()


def _key(samples: Sequence[Sample], cameras: Sequence[str], tag: str, repeats: int) -> str:
    # Everything that decides a pixel or a draw; the files themselves are taken not to change.
    rows = [
        (s.name, s.label, s.box, None if s.landmarks is None else s.landmarks.tolist(), str(s.path))
        for s in samples
    ]
    text = json.dumps([rows, list(cameras), tag, repeats, FACE_SIDE, LAYOUT])
    return "scenes-" + hashlib.sha256(text.encode()).hexdigest()[:16]
