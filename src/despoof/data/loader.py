"""Clips of any manifest to batches: streaming, balanced, and a pure function of seed and step.

What a batch holds depends on (seed, step) and on the files alone: not on the cache, not on which
batches were made before. So a run that was killed sees, resumed, what it would have seen. Memory
holds one batch of crops and one number a clip, however many clips there are; make batches ahead
with `training.prefetch`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from despoof.core.config import StrictConfig
from despoof.core.device import seed_of
from despoof.core.errors import DataError
from despoof.data.augment import AugmentConfig
from despoof.data.crop_cache import Crops
from despoof.data.cutting import Cutter, crops_of
from despoof.data.frames import pick_one
from despoof.data.manifest import Clip
from despoof.data.sampler import Level, Sampler, balanced
from despoof.data.transforms import Maps, draw_poses, move_maps, photograph_faces


class LoaderConfig(StrictConfig):
    """How batches are put together."""

    batch_size: int = Field(default=32, ge=1)
    balance: tuple[Level, ...] = Field(
        default=("label", "dataset"), description="what takes turns in a batch, outermost first"
    )
    augment: AugmentConfig = AugmentConfig()


@dataclass(frozen=True)
class Loader:
    """Training batches of a list of clips; made by `training_loader`.

    Attributes:
        clips: the manifest's rows; a batch's `clip` counts in them.
        cutter: how clips become crops; its crop is the stored one, wider than the views.
        sampler: which clip is drawn when.
        config: batch and ranges.
        size: side of the views, pixels.
        seed: decides clips, frames, poses and cameras.
        domains, species: sorted names that the batch's `domain` and `species` count in.
    """

    clips: tuple[Clip, ...]
    cutter: Cutter
    sampler: Sampler
    config: LoaderConfig
    size: int
    seed: int
    domains: tuple[str, ...]
    species: tuple[str, ...]

    def batch(self, step: int) -> dict[str, Tensor]:
        """Return the batch of a step; a pure function of (seed, step).

        Of each clip one random frame that has a face, another on each pass. A clip without any is
        replaced by the next of its group.

        Returns:
            `faces` (B, 3, S, S) float32 in [-1, 1]; `live` (B,) bool; `depth` (B, 32, 32) float32
            in [0, 1], the person's own relief for attacks too, where the cutter has a depth
            labeller; `domain`, `species`, `clip`, `frame` (B,) int64.

        Raises:
            DataError: no clip of a group has a face; or a box file is malformed.
            MediaError: a clip cannot be read.
        """
        first = step * self.config.batch_size
        drawn = [self._draw(first + place) for place in range(self.config.batch_size)]
        crops = _joined([part for _, part in drawn])
        generator = torch.Generator().manual_seed(seed_of(self.seed, "views", step))
        poses = draw_poses(
            torch.from_numpy(crops.extent),
            stored_scale=self.cutter.config.crop.scale,
            config=self.config.augment,
            generator=generator,
        )
        views = move_maps(_maps(crops), poses, self.size)
        views = photograph_faces(views, self.config.augment, generator)
        return _batch(self, views, [clip for clip, _ in drawn], crops)

    def record(self) -> dict[str, Any]:
        """Return what a run writes down to be repeated: seed, balance, groups, preprocessing."""
        return self.sampler.record() | {
            "loader": self.config.plain(),
            "size": self.size,
            "preprocessing": self.cutter.settings,
        }

    def _draw(self, number: int) -> tuple[int, Crops]:
        draw = self.sampler.draw(number)
        group = self.sampler.groups[draw.group]
        for skip in range(len(group)):
            index = self.sampler.clip(draw, skip)
            name = self.clips[index].name

            def one(total: int, name: str = name) -> list[int]:
                return [pick_one(total, self.seed, draw.epoch, name)] if total else []

            crops = crops_of(self.cutter, self.clips[index], one)
            if len(crops.images):
                return index, crops
        what = "/".join(self.sampler.names[draw.group]) or "all"
        raise DataError(
            f"None of the {len(group)} clips of {what} has a face. Look at some of them; if they "
            "are face crops, use boxes=whole."
        )


def training_loader(
    clips: Sequence[Clip], cutter: Cutter, config: LoaderConfig, *, size: int, seed: int
) -> Loader:
    """Make a loader. Nothing is read yet.

    Raises:
        DataError: there are no clips, or the clips lack one of the classes.
    """
    sampler = balanced(clips, config.balance, seed)
    if len({clip.live for clip in clips}) < 2:
        raise DataError(
            f"All {len(clips)} clips to train on are {clips[0].label}; expected live and attack."
        )
    return Loader(
        clips=tuple(clips),
        cutter=cutter,
        sampler=sampler,
        config=config,
        size=size,
        seed=seed,
        domains=tuple(sorted({clip.dataset for clip in clips})),
        species=tuple(sorted({clip.species for clip in clips})),
    )


def evaluation_batches(
    clips: Sequence[Clip], cutter: Cutter, batch_size: int = 32
) -> Iterator[dict[str, Tensor]]:
    """Give all crops of all clips, in order, as they were cut: no chance, no camera.

    Args:
        clips: in the order wanted; a clip without a face gives nothing (its number is missing).
        cutter: its crop is what the network wants to see.
        batch_size: crops in a batch; the last may be smaller. A clip may span two.

    Yields:
        `faces` (B, 3, S, S) float32 in [-1, 1]; `live` (B,) bool; `clip` and `frame` (B,) int64,
        the position in `clips` and the frame's number; `depth` as in training.
    """
    waiting: list[tuple[int, Crops]] = []
    for index, clip in enumerate(clips):
        crops = crops_of(cutter, clip)
        waiting += [(index, crops.take([place])) for place in range(len(crops.images))]
        while len(waiting) >= batch_size:
            yield _plain_batch(clips, waiting[:batch_size])
            waiting = waiting[batch_size:]
    if waiting:
        yield _plain_batch(clips, waiting)


def _plain_batch(clips: Sequence[Clip], part: Sequence[tuple[int, Crops]]) -> dict[str, Tensor]:
    crops = _joined([one for _, one in part])
    return _tensors(clips, _maps(crops), [index for index, _ in part], crops)


def _batch(loader: Loader, views: Maps, chosen: list[int], crops: Crops) -> dict[str, Tensor]:
    domains = [loader.domains.index(loader.clips[index].dataset) for index in chosen]
    species = [loader.species.index(loader.clips[index].species) for index in chosen]
    return _tensors(loader.clips, views, chosen, crops) | {
        "domain": torch.tensor(domains),
        "species": torch.tensor(species),
    }


def _tensors(
    clips: Sequence[Clip], views: Maps, chosen: list[int], crops: Crops
) -> dict[str, Tensor]:
    result = {
        "faces": views.faces,
        "live": torch.tensor([clips[index].live for index in chosen]),
        "clip": torch.tensor(chosen),
        "frame": torch.from_numpy(crops.numbers),
    }
    return result if views.depth is None else result | {"depth": views.depth}


def _joined(parts: Sequence[Crops]) -> Crops:
    names = Crops.__dataclass_fields__
    return Crops(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    )


def _maps(crops: Crops) -> Maps:
    faces = torch.from_numpy(crops.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    depth = torch.from_numpy(crops.depth).float() / 255 if crops.depth.size else None
    return Maps(faces, depth=depth)
