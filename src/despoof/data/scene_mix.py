"""Scenes of several sources mixed into batches of wide views: the camera first, then the class."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from despoof.core.config import StrictConfig
from despoof.core.device import seed_of
from despoof.core.errors import DataError
from despoof.core.types import Box, Image
from despoof.data.augment import photometry
from despoof.data.samples import find_data_root
from despoof.data.scenes import SceneStore, build_scenes
from despoof.data.simulated import attack_retake, camera_retake
from despoof.data.views import (
    DataConfig,
    DevSet,
    SourceConfig,
    development_samples,
    training_samples,
)
from despoof.face.window import window_of

WIDE = 0.85
"""Share of simulated photographs that show what is around the medium: context is the point here."""


class WindowConfig(StrictConfig):
    """Which part of a picture is shown, drawn uniformly for each view, whatever its class."""

    scale: tuple[float, float] = Field(default=(1.4, 1.9), description="window / face box")
    shift: float = Field(default=0.07, ge=0, description="of the box, each way, by its sides")
    grow: float = Field(default=0.12, ge=0, description="log of the largest change of its sides")
    tight: float = Field(
        default=0.4, ge=0, le=1, description="share of views of a picture that was cut tighter"
    )


@dataclass(frozen=True)
class SceneMix:
    """Stores with their shares of a batch; `cameras[s]`: the rows of each camera of store s."""

    stores: tuple[SceneStore, ...]
    cameras: tuple[tuple[NDArray[np.intp], ...], ...]
    config: DataConfig
    window: WindowConfig
    size: int
    seed: int
    antialias: bool = True

    def batch(self, step: int) -> dict[str, Tensor]:
        """Return the batch of a step; a pure function of (seed, step).

        `plain` (B, 3, S, S) float32 in [0, 1], windows as they are; `live` (B,) bool.
        """
        seed, config = seed_of(self.seed, "scenes", step), self.config
        rng = np.random.default_rng(seed)
        weights = np.array([source.weight for source in config.sources])
        marks = (np.arange(config.batch_size) + rng.uniform()) / config.batch_size
        ends = np.cumsum(weights / weights.sum())
        views: list[Image] = []
        live: list[bool] = []
        for source in np.minimum(np.searchsorted(ends, marks), len(weights) - 1):
            rows = self.cameras[source][int(rng.integers(len(self.cameras[source])))]
            row = int(rows[int(rng.integers(len(rows)))])
            picture, box = self.stores[source].picture(row)
            views.append(self._view(picture, box, rng))
            live.append(bool(self.stores[source].live[row]))
        planes = torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2).float().div_(255)
        return {"plain": planes, "live": torch.tensor(live)}

    def _view(self, picture: Image, box: Box, rng: np.random.Generator) -> Image:
        return draw_view(picture, box, self.window, self.size, rng, antialias=self.antialias)

    def photographed(self, views: Tensor, step: int) -> Tensor:
        """Take a step's views through one random camera and codec each; the same shape."""
        generator = torch.Generator().manual_seed(seed_of(self.seed, "cameras", step))
        return photometry(views, self.config.augment, generator)


def draw_view(
    picture: Image,
    box: Box,
    config: WindowConfig,
    size: int,
    rng: np.random.Generator,
    *,
    antialias: bool = True,
) -> Image:
    """Cut one random window: of the picture, or of what a tighter cut would have left of it.

    Args:
        picture: (H, W, 3) uint8.
        box: of the face.
        config: ranges.
        size: side of the result, pixels; the window's aspect is not kept.
        rng: the only source of chance.
        antialias: see `cut_view`.
    """
    height, width = picture.shape[:2]
    frame: Box = (0.0, 0.0, float(width), float(height))
    if rng.uniform() < config.tight:
        frame = _tighter(box, frame, rng)
    box = _jittered(box, frame, config, rng)
    window = window_of(box, max(1.0, float(rng.uniform(*config.scale))), frame)
    view = cut_view(picture, window[:4], size, antialias=antialias)
    return view[:, ::-1] if rng.uniform() < 0.5 else view


def cut_view(picture: Image, window: Box, size: int, *, antialias: bool = True) -> Image:
    """Resize a window of a picture to (size, size, 3).

    Args:
        picture: (H, W, 3) uint8.
        window: left, top, right, bottom, pixels.
        size: side of the result.
        antialias: average where it gets smaller; False = one bilinear sample a pixel.
    """
    left, top = (max(0, round(value)) for value in window[:2])
    right, bottom = max(left + 1, round(window[2])), max(top + 1, round(window[3]))
    part = picture[top:bottom, left:right]
    shrinks = antialias and part.shape[0] > size
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, (size, size), interpolation=way), np.uint8)


def scene_mix(
    config: DataConfig, window: WindowConfig, size: int, seed: int, *, antialias: bool = True
) -> SceneMix:
    """Read (or load) all sources of a configuration.

    Raises:
        DataError: a source is empty or names a camera column that is not there, or a class is
            missing.
    """
    root = find_data_root(config.root)
    stores = tuple(_store(config, source, root) for source in config.sources)
    live = {bool(value) for store in stores for value in (store.live.any(), store.live.all())}
    if live != {True, False}:
        raise DataError("data.sources must hold live pictures and attacks; one class is missing.")
    cameras = tuple(
        tuple(np.flatnonzero(store.camera == name) for name in np.unique(store.camera))
        for store in stores
    )
    return SceneMix(stores, cameras, config, window, size, seed, antialias)


def scene_dev(
    config: DataConfig, scale: float, size: int, *, antialias: bool = True
) -> list[DevSet]:
    """Return each development set's windows plain, and once more through a random camera.

    Args:
        config: `dev`, `dev_limit` and `augment` are read.
        scale: of the windows by the face.
        size: side of the views, pixels.
        antialias: see `cut_view`.
    """
    root = find_data_root(config.root)
    sets: list[DevSet] = []
    for name in config.dev:
        kept = development_samples(name, root, config.dev_limit)
        store = build_scenes(kept, Path(config.cache))
        views: list[Image] = []
        for row in range(len(store)):
            picture, box = store.picture(row)
            frame = (0.0, 0.0, float(picture.shape[1]), float(picture.shape[0]))
            window = window_of(_within(box, frame), scale, frame)[:4]
            views.append(cut_view(picture, window, size, antialias=antialias))
        planes = torch.from_numpy(np.stack(views)).permute(0, 3, 1, 2).float() / 255
        live = torch.from_numpy(store.live)
        cameras = config.augment.model_copy(update={"erase": 0.0})
        generator = torch.Generator().manual_seed(seed_of("dev", name))
        stressed = [photometry(part, cameras, generator) for part in planes.split(64)]
        sets.append(DevSet(name, planes * 2 - 1, live))
        sets.append(DevSet(f"{name}-stressed", torch.cat(stressed) * 2 - 1, live))
    return sets


def _store(config: DataConfig, source: SourceConfig, root: Path) -> SceneStore:
    retake, tag = None, ""
    if source.simulate == "attack":
        retake, tag = attack_retake(source.species, wide=WIDE)
    elif source.simulate == "camera":
        retake, tag = camera_retake(wide=WIDE)
    return build_scenes(
        training_samples(source, root),
        Path(config.cache),
        camera=source.camera,
        retake=retake,
        tag=tag,
        repeats=source.repeats,
    )


def _tighter(box: Box, frame: Box, rng: np.random.Generator) -> Box:
    """A random part of the frame about the face: between a tight crop and all of it."""
    x1, y1, x2, y2 = box
    side = max(x2 - x1, y2 - y1)
    margins = side * rng.uniform(0.02, 0.5) * rng.uniform(0.6, 1.4, 4)
    return _within((x1 - margins[0], y1 - margins[1], x2 + margins[2], y2 + margins[3]), frame)


def _jittered(box: Box, frame: Box, config: WindowConfig, rng: np.random.Generator) -> Box:
    """A detector's box, as another detector or another frame would have it; within the frame."""
    x1, y1, x2, y2 = box
    wide, high = x2 - x1, y2 - y1
    x = (x1 + x2) / 2 + wide * float(rng.uniform(-config.shift, config.shift))
    y = (y1 + y2) / 2 + high * float(rng.uniform(-config.shift, config.shift))
    half = np.exp(rng.uniform(-config.grow, config.grow, 2)) * (wide / 2, high / 2)
    return _within((x - half[0], y - half[1], x + half[0], y + half[1]), frame)


def _within(box: Box, frame: Box) -> Box:
    """Cut a box to the frame; the frame itself where hardly anything is left."""
    left, top = max(box[0], frame[0]), max(box[1], frame[1])
    right, bottom = min(box[2], frame[2]), min(box[3], frame[3])
    return (left, top, right, bottom) if left + 4 < right and top + 4 < bottom else frame
