"""The crops that an experiment learns from and is chosen on, as one small file.

A machine with an accelerator is often bare, and takes little luggage. A pack holds the experiment
itself, the tables, and every store of crops as WebP mosaics of 64 pictures each (a shard), so that
`open_pack` gives a data folder and a crop cache in which nothing is left to cut or to simulate.
Both classes go through the same codec. What simulated attacks were made from is left out.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from despoof.core.errors import DataError
from despoof.core.files import atomic_path
from despoof.data.samples import Sample, find_data_root, read_samples, select
from despoof.data.store import (
    CropStore,
    Retake,
    _key,  # where build_store looks; a pack that lies elsewhere would be cut anew, and fail
    build_store,
)
from despoof.data.views import retake_of, thinned
from despoof.face.crop import CropConfig
from despoof.systems.experiment import Experiment, read_experiment
from despoof.systems.records import system_record

LAYOUT, GRID = 1, 8
QUALITY, DEPTH_QUALITY = 92, 80
PLAN, SMALL = "experiment.json", ("live", "extent", "species")


@dataclass(frozen=True)
class Wanted:
    """One store, as `data.views` asks for it."""

    samples: list[Sample]
    crop: CropConfig
    retake: Retake | None = None
    tag: str = ""
    repeats: int = 1

    @property
    def key(self) -> str:
        """Its folder in the crops' cache."""
        return _key(self.samples, self.crop, self.tag, self.repeats)


def wanted(experiment: Experiment) -> list[Wanted]:
    """Return all stores of an experiment: of its sources, then of its development sets."""
    data = experiment.data
    root = find_data_root(data.root)
    size = system_record(experiment.system).config.parse(experiment.model).crop.size
    found: list[Wanted] = []
    stored = CropConfig(size=data.stored_size, scale=data.stored_scale)
    for source in data.sources:
        samples = select(read_samples(root, source.dataset), "train", source.label)
        samples = thinned(samples, source.limit or max(1, len(samples)))
        retake, tag = retake_of(source)
        found.append(Wanted(samples, stored, retake, tag, source.repeats))
    for name in data.dev:
        samples = select(read_samples(root, name), "dev")
        kept = [
            sample
            for label in ("live", "attack")
            for sample in thinned(select(samples, label=label), data.dev_limit)
        ]
        found.append(Wanted(kept, CropConfig(size=size, scale=data.dev_scale)))
    return found


def write_pack(experiment: Experiment, path: Path) -> dict[str, Any]:
    """Cut (or take from the cache) all crops and write them; return counts and bytes."""
    root = find_data_root(experiment.data.root)
    facts: list[dict[str, Any]] = []
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file,
    ):
        file.writestr(PLAN, json.dumps({"layout": LAYOUT, "experiment": experiment.plain()}))
        names = {source.dataset for source in experiment.data.sources} | {*experiment.data.dev}
        for name in sorted(names):
            file.write(root / f"{name}.csv", f"data/{name}.csv")
        for sample in shown(read_samples(root, experiment.data.dev[0])):
            file.write(sample.path, f"data/{sample.name}")
        for number, one in enumerate(wanted(experiment)):
            store = build_store(
                one.samples,
                one.crop,
                root,
                Path(experiment.data.cache),
                retake=one.retake,
                tag=one.tag,
                repeats=one.repeats,
            )
            facts.append(_write_store(file, f"stores/{number}", store))
    return {"stores": facts, "bytes": path.stat().st_size}


def open_pack(path: Path, folder: Path) -> Experiment:
    """Write `<folder>/data` and `<folder>/cache`, what is not there yet; return the experiment.

    Raises:
        DataError: the file is no whole pack.
    """
    try:
        with zipfile.ZipFile(path) as file:
            plan = json.loads(file.read(PLAN))
            if plan["layout"] != LAYOUT:
                raise DataError(f"{path} has layout {plan['layout']}, expected {LAYOUT}.")
            for name in file.namelist():
                if name.startswith("data/") and not (folder / name).exists():
                    _write(folder / name, file.read(name))
            values = plan["experiment"] | {"output": str(folder / "run")}
            values["data"] |= {"root": str(folder / "data"), "cache": str(folder / "cache")}
            plain = folder / "experiment.json"
            _write(plain, json.dumps(values).encode())  # JSON is YAML
            experiment = read_experiment(plain)
            for number, one in enumerate(wanted(experiment)):
                _open_store(file, f"stores/{number}", folder / "cache" / one.key, one)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise DataError(f"{path} is no whole pack: {error}. Make it again.") from error
    return experiment


def shown(samples: list[Sample]) -> list[Sample]:
    """The development pictures that `illustrate` reads from their own files."""
    rows = [sample for sample in select(samples, "dev") if sample.box is not None]
    return [found[0] for label in ("live", "attack") if (found := select(rows, label=label))]


def mosaics(pictures: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Give (N, S, S, C) pictures as tables of 8 × 8, the last one filled up with grey."""
    side, channels = pictures.shape[1], pictures.shape[3]
    for first in range(0, len(pictures), GRID**2):
        part = np.full((GRID**2, side, side, channels), 127, np.uint8)
        part[: len(pictures) - first] = pictures[first : first + GRID**2]
        table = part.reshape(GRID, GRID, side, side, channels).swapaxes(1, 2)
        yield np.ascontiguousarray(table.reshape(GRID * side, GRID * side, channels))


def pieces(table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the (64, S, S, C) pictures of a mosaic."""
    side = table.shape[0] // GRID
    cut = table.reshape(GRID, side, GRID, side, -1).swapaxes(1, 2)
    return cut.reshape(GRID**2, side, side, -1)


def _write_store(file: zipfile.ZipFile, place: str, store: CropStore) -> dict[str, Any]:
    small = io.BytesIO()
    np.savez(small, **{name: getattr(store, name) for name in SMALL})
    file.writestr(f"{place}/small.npz", small.getvalue())
    relief = np.asarray(store.depth)[..., None].repeat(3, axis=-1)
    for kind, pictures, quality in (
        ("images", np.asarray(store.images), QUALITY),
        ("depth", relief, DEPTH_QUALITY),
    ):
        for number, table in enumerate(mosaics(pictures)):
            coded = io.BytesIO()
            Pillow.fromarray(table).save(coded, "WEBP", quality=quality, method=2)
            name = zipfile.ZipInfo(f"{place}/{kind}-{number:03d}.webp")  # stored: WebP is packed
            file.writestr(name, coded.getvalue())
    return {"pictures": len(store.live), "live": int(store.live.sum())}


def _open_store(file: zipfile.ZipFile, place: str, folder: Path, one: Wanted) -> None:
    if (folder / "done.json").exists():
        return
    with np.load(io.BytesIO(file.read(f"{place}/small.npz"))) as kept:
        arrays: dict[str, NDArray[Any]] = dict(kept)
    count = len(arrays["live"])
    names = sorted(name for name in file.namelist() if name.startswith(f"{place}/"))
    for kind in ("images", "depth"):
        shards = [name for name in names if name.startswith(f"{place}/{kind}-")]
        parts = [pieces(np.asarray(Pillow.open(io.BytesIO(file.read(n))))) for n in shards]
        arrays[kind] = np.concatenate(parts)[:count]
    arrays["depth"] = np.ascontiguousarray(arrays["depth"][..., 0])
    if one.retake is not None:
        arrays["genuine"] = arrays["images"][:0]  # left out: only pair networks ask for it
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        with atomic_path(folder / f"{name}.npy") as temporary:
            np.save(temporary, array)
    _write(folder / "done.json", json.dumps({"samples": len(one.samples), "tag": one.tag}).encode())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
