"""Simulated attacks beside the very picture that they were made from: the same view of both."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from despoof.core.device import seed_of
from despoof.core.errors import DataError
from despoof.data.augment import geometry, photometry
from despoof.data.samples import Split, find_data_root, read_samples, select
from despoof.data.store import CropStore, build_store
from despoof.data.views import DataConfig
from despoof.face.crop import CropConfig
from despoof.recapture.standin import VERSION, recapture_either


@dataclass(frozen=True)
class Pairs:
    """Crops of live faces and, in the same order, their simulated recaptures."""

    genuine: CropStore
    recaptured: CropStore
    config: DataConfig
    size: int

    def batch(self, count: int, live_share: float, seed: int) -> dict[str, Tensor]:
        """Return `faces`, `target` (B, 3, S, S) in [-1, 1] and `live` (B,) bool.

        A recapture's target is its genuine picture under the same geometry. A live face goes
        through a random camera and is its own target: what is genuine must not change.
        """
        rng = np.random.default_rng(seed)
        picks = rng.integers(len(self.genuine.live), size=count)
        live = torch.from_numpy(np.arange(count) < round(live_share * count))
        attack = self._view(self.recaptured, picks, seed)
        genuine = self._view(self.genuine, picks, seed)
        shot = photometry(
            genuine[live],
            self.config.augment.model_copy(update={"erase": 0.0}),
            torch.Generator().manual_seed(seed),
        )
        faces, target = attack.clone(), genuine.clone()
        faces[live], target[live] = shot, shot
        return {"faces": faces * 2 - 1, "target": target * 2 - 1, "live": live}

    def _view(self, store: CropStore, picks: np.ndarray, seed: int) -> Tensor:
        faces, _ = geometry(
            torch.from_numpy(store.images[picks]),
            torch.from_numpy(store.depth[picks]),
            torch.from_numpy(store.extent[picks]),
            stored_scale=self.config.stored_scale,
            size=self.size,
            config=self.config.augment,
            generator=torch.Generator().manual_seed(seed_of(seed, "view")),  # the same for both
        )
        return faces


def recapture_pairs(config: DataConfig, size: int, split: Split, limit: int = 0) -> Pairs:
    """Cut the live faces of every source that is recaptured, and their recaptures.

    Args:
        config: its first source with `recapture: true` names the dataset.
        size: side of the views, pixels.
        split: of that dataset.
        limit: at most so many pictures, spread over the table; 0 = all.

    Raises:
        DataError: no source is recaptured, or it has no live pictures.
    """
    names = [source.dataset for source in config.sources if source.recapture]
    if not names:
        raise DataError("No source of the mix has `recapture: true`; pairs need one.")
    root = find_data_root(config.root)
    samples = select(read_samples(root, names[0]), split, "live")
    if limit:
        samples = samples[:: max(1, len(samples) // limit)][:limit]
    if not samples:
        raise DataError(f"{names[0]} has no live {split} pictures to recapture.")
    crop = CropConfig(size=config.stored_size, scale=config.stored_scale)
    cache = Path(config.cache)
    genuine = build_store(samples, crop, root, cache)
    recaptured = build_store(samples, crop, root, cache, recapture=recapture_either, tag=VERSION)
    return Pairs(genuine, recaptured, config, size)
