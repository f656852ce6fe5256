"""Several stores mixed into balanced batches; development faces in a fixed view."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor

from despoof.core.config import StrictConfig
from despoof.core.device import seed_of
from despoof.core.errors import DataError
from despoof.data.augment import AugmentConfig, photometry
from despoof.data.samples import TABLE_NAME, Sample, find_data_root, read_samples, select
from despoof.data.simulated import attack_retake, camera_retake
from despoof.data.store import CropStore, Retake, build_store, without_species
from despoof.data.transforms import draw_views
from despoof.face.crop import CropConfig

TableName = Annotated[str, Field(pattern=TABLE_NAME)]
"""Of a table in the data folder, without .csv; `despoof data cut` makes such tables."""


class SourceConfig(StrictConfig):
    """One kind of picture in the training mix."""

    dataset: TableName
    label: Literal["live", "attack"]
    weight: float = Field(gt=0, description="share of each batch, relative to the others")
    simulate: Literal["no", "attack", "camera"] = Field(
        default="no",
        description="attack: live pictures become simulated attacks; camera: pictures are "
        "photographed by the same simulated cameras and stay what they are, live or attack",
    )
    species: tuple[str, ...] = Field(
        default=(), description="of the simulated attacks, or families of them; empty = all"
    )
    without: tuple[str, ...] = Field(
        default=(), description="species or families among the simulated attacks to leave out"
    )
    repeats: int = Field(default=1, ge=1, description="simulated pictures of each picture")
    limit: int = Field(default=0, ge=0, description="pictures, spread over the table; 0 = all")
    contains: str = Field(
        default="", description="part of the picture's path; the others are left out"
    )
    camera: str = Field(
        default="",
        description="column of the table that names the camera; pictures are drawn camera by "
        "camera then. Of systems that see whole pictures",
    )

    @model_validator(mode="after")
    def _live_pictures_are_simulated(self) -> "SourceConfig":
        if self.simulate == "attack" and self.label != "live":
            raise ValueError("only live pictures are recaptured: set label to live")
        if self.simulate == "no" and self.repeats > 1:
            raise ValueError("repeats asks for simulated pictures: set simulate")
        if self.simulate != "attack" and (self.species or self.without):
            raise ValueError("species are of simulated attacks: set simulate to attack")
        return self


class DataConfig(StrictConfig):
    """What a system learns from, and what it is chosen on."""

    root: str | None = Field(
        default=None, description="data folder; default $DESPOOF_DATA, ../shared/data"
    )
    cache: str = Field(default="cache", description="folder for cut crops")
    stored_scale: float = Field(default=1.9, gt=1, description="side of stored crops / face")
    stored_size: int = Field(default=184, ge=32, description="side of stored crops, pixels")
    sources: tuple[SourceConfig, ...]
    dev: tuple[TableName, ...] = Field(min_length=1)
    dev_scale: float = Field(
        default=1.25, gt=0, description="crop side / face of development faces"
    )
    augment: AugmentConfig = AugmentConfig()
    dev_limit: int = Field(
        default=240, ge=2, description="faces of each class and set that choose weights"
    )
    batch_size: int = Field(default=32, ge=2)


@dataclass(frozen=True)
class Mix:
    """Stores with their shares of a batch."""

    stores: tuple[CropStore, ...]
    weights: tuple[float, ...]
    config: DataConfig
    size: int
    seed: int

    def batch(self, step: int) -> dict[str, Tensor]:
        """Return the batch of a step; a pure function of (seed, step).

        `faces` (B, 3, S, S) float32 in [-1, 1]; `live` (B,) bool; `depth` (B, 32, 32) in [0, 1],
        the person's own relief for attacks too; `source` (B,) the position in `sources`.
        """
        seed = seed_of(self.seed, "batch", step)
        rng = np.random.default_rng(seed)
        share = np.array(self.weights) / sum(self.weights)
        # Systematic sampling: every batch holds each source's share, to within one picture.
        marks = (np.arange(self.config.batch_size) + rng.uniform()) / self.config.batch_size
        source = np.minimum(np.searchsorted(np.cumsum(share), marks), len(share) - 1)
        picks = [int(rng.integers(len(self.stores[s].live))) for s in source]
        chosen = [(self.stores[s], i) for s, i in zip(source, picks, strict=True)]
        generator = torch.Generator().manual_seed(seed)
        images = torch.from_numpy(np.stack([store.images[i] for store, i in chosen]))
        relief = torch.from_numpy(np.stack([store.depth[i] for store, i in chosen]))
        extent = torch.tensor([float(store.extent[i]) for store, i in chosen])
        config = self.config
        faces, depth = draw_views(
            images,
            relief,
            extent,
            stored_scale=config.stored_scale,
            size=self.size,
            config=config.augment,
            generator=generator,
        )
        faces = photometry(faces, config.augment, generator)
        return {
            "faces": faces * 2 - 1,
            "live": torch.tensor([bool(store.live[i]) for store, i in chosen]),
            "depth": depth,
            "source": torch.from_numpy(source.astype(np.int64)),
        }


def training_mix(config: DataConfig, size: int, seed: int, *, both_classes: bool = True) -> Mix:
    """Cut (or load) all sources of a configuration.

    Args:
        config: the sources and how they are perturbed.
        size: of a face, pixels.
        seed: of what is drawn.
        both_classes: refuse a mix without live faces or without attacks.

    Raises:
        DataError: a source is empty, or the mix lacks one of the classes.
    """
    root = find_data_root(config.root)
    crop = CropConfig(size=config.stored_size, scale=config.stored_scale)
    stores: list[CropStore] = []
    for source in config.sources:
        if source.camera:
            raise DataError(
                f"{source.dataset}: camera is {source.camera!r}, and this system draws its crops "
                "without asking for cameras. Leave it out."
            )
        samples = training_samples(source, root)
        retake, tag = retake_of(source)
        store = build_store(
            samples,
            crop,
            root,
            Path(config.cache),
            retake=retake,
            tag=tag,
            repeats=source.repeats,
        )
        store = without_species(store, source.without)
        if len(store.live) == 0:
            raise DataError(f"{source.dataset}: no {source.label} picture to train on has a face.")
        stores.append(store)
    live = {bool(value) for store in stores for value in (store.live.any(), store.live.all())}
    if both_classes and live != {True, False}:
        raise DataError("data.sources must hold live pictures and attacks; one class is missing.")
    return Mix(tuple(stores), tuple(s.weight for s in config.sources), config, size, seed)


def training_samples(source: SourceConfig, root: Path) -> list[Sample]:
    """Return a source's rows of the training split.

    Raises:
        DataError: there are none.
    """
    samples = select(
        read_samples(root, source.dataset), "train", source.label, contains=source.contains
    )
    if not samples:
        where = f" with {source.contains!r} in their path" if source.contains else ""
        raise DataError(f"{source.dataset} has no {source.label} pictures to train on{where}.")
    return thinned(samples, source.limit or len(samples))


def retake_of(source: SourceConfig) -> tuple[Retake | None, str]:
    """Return how a source's pictures are taken anew (None = not at all), and the cache's tag."""
    if source.simulate == "attack":
        return attack_retake(source.species)
    return camera_retake() if source.simulate == "camera" else (None, "")


@dataclass(frozen=True)
class DevSet:
    """Development faces of one dataset: `faces` (N, 3, S, S) in [-1, 1], `live` (N,) bool."""

    name: str
    faces: Tensor
    live: Tensor


def development_sets(config: DataConfig, size: int) -> list[DevSet]:
    """Return each development set plain, and once more through a random camera (seeded)."""
    root = find_data_root(config.root)
    crop = CropConfig(size=size, scale=config.dev_scale)
    sets: list[DevSet] = []
    for name in config.dev:
        kept = development_samples(name, root, config.dev_limit)
        store = build_store(kept, crop, root, Path(config.cache))
        planes = torch.from_numpy(np.array(store.images)).permute(0, 3, 1, 2).float() / 255
        live = torch.from_numpy(store.live)
        generator = torch.Generator().manual_seed(seed_of("dev", name))
        cameras = config.augment.model_copy(update={"erase": 0.0})
        stressed = [photometry(part, cameras, generator) for part in planes.split(64)]
        sets.append(DevSet(name, planes * 2 - 1, live))
        sets.append(DevSet(f"{name}-stressed", torch.cat(stressed) * 2 - 1, live))
    return sets


def development_samples(name: str, root: Path, limit: int) -> list[Sample]:
    """Return a table's development rows, at most `limit` of each class: live first."""
    samples = select(read_samples(root, name), "dev")
    return [
        sample
        for label in ("live", "attack")
        for sample in thinned(select(samples, label=label), limit)
    ]


def thinned(samples: list[Sample], limit: int) -> list[Sample]:
    """At most `limit` samples, spread evenly over the table."""
    step = max(1, len(samples) / limit)
    return [samples[int(i * step)] for i in range(min(limit, len(samples)))]
