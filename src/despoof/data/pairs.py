"""Simulated attacks beside the very picture that they were made from: the same view of both."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from despoof.core.device import seed_of
from despoof.core.errors import DataError
from despoof.data.augment import photometry
from despoof.data.samples import Split, find_data_root, read_samples, select
from despoof.data.store import CropStore, build_store
from despoof.data.transforms import draw_views
from despoof.data.views import DataConfig, retake_of, thinned
from despoof.face.crop import CropConfig


@dataclass(frozen=True)
class Pairs:
    """Simulated attacks; each store holds what its pictures were made from, in the same frame."""

    stores: tuple[CropStore, ...]
    weights: tuple[float, ...]
    config: DataConfig
    size: int

    def batch(self, count: int, live_share: float, seed: int) -> dict[str, Tensor]:
        """Return `faces`, `target` (B, 3, S, S) in [-1, 1] and `live` (B,) bool.

        An attack's target is its genuine picture under the same geometry. A live face goes
        through a random camera and is its own target: what is genuine must not change.
        """
        rng = np.random.default_rng(seed)
        share = np.array(self.weights) / sum(self.weights)
        chosen = [self.stores[i] for i in rng.choice(len(share), size=count, p=share)]
        picks = [int(rng.integers(len(store.live))) for store in chosen]
        live = torch.from_numpy(np.arange(count) < round(live_share * count))
        rows = list(zip(chosen, picks, strict=True))
        faces = self._view([store.images[i] for store, i in rows], rows, seed)
        target = self._view([_genuine(store)[i] for store, i in rows], rows, seed)
        shot = photometry(
            target[live],
            self.config.augment.model_copy(update={"erase": 0.0}),
            torch.Generator().manual_seed(seed),
        )
        faces[live], target[live] = shot, shot
        return {"faces": faces * 2 - 1, "target": target * 2 - 1, "live": live}

    def _view(
        self, images: list[NDArray[np.uint8]], rows: list[tuple[CropStore, int]], seed: int
    ) -> Tensor:
        faces, _ = draw_views(
            torch.from_numpy(np.stack(images)),
            torch.from_numpy(np.stack([store.depth[i] for store, i in rows])),
            torch.tensor([float(store.extent[i]) for store, i in rows]),
            stored_scale=self.config.stored_scale,
            size=self.size,
            config=self.config.augment,
            generator=torch.Generator().manual_seed(seed_of(seed, "view")),  # the same for both
        )
        return faces


def _genuine(store: CropStore) -> NDArray[np.uint8]:
    if store.genuine is None:
        raise DataError("These pictures were not simulated: nobody knows their genuine ones.")
    return store.genuine


def recapture_pairs(config: DataConfig, size: int, split: Split, limit: int = 0) -> Pairs:
    """Simulate the attacks of a split, as the mix's simulated sources say.

    Args:
        config: its sources with `simulate: attack`.
        size: side of the views, pixels.
        split: of the sources' datasets.
        limit: at most so many pictures of each source, spread over the table; 0 = all.

    Raises:
        DataError: no source is simulated, or one has no live pictures in this split.
    """
    sources = [source for source in config.sources if source.simulate == "attack"]
    if not sources:
        raise DataError("No source of the mix has `simulate: attack`; pairs need one.")
    root = find_data_root(config.root)
    crop = CropConfig(size=config.stored_size, scale=config.stored_scale)
    stores: list[CropStore] = []
    for source in sources:
        samples = select(read_samples(root, source.dataset), split, "live")
        most = limit or (source.limit if split == "train" else 0)
        samples = thinned(samples, most or max(1, len(samples)))
        if not samples:
            raise DataError(f"{source.dataset} has no live {split} pictures to recapture.")
        retake, tag = retake_of(source)
        # The training mix has the same pictures: the cache holds them already.
        repeats = source.repeats if split == "train" else 1
        cache = Path(config.cache)
        stores.append(
            build_store(samples, crop, root, cache, retake=retake, tag=tag, repeats=repeats)
        )
    return Pairs(tuple(stores), tuple(s.weight for s in sources), config, size)
