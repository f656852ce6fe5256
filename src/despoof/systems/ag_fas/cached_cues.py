"""Which faces the cue network learns from, each with what its reconstruction leaves of it."""

import math
from pathlib import Path

import torch
from torch import Tensor

from despoof.core.device import pick_device
from despoof.data.views import DataConfig, Mix, development_sets, training_mix
from despoof.systems.ag_fas.config import AgFasConfig
from despoof.systems.ag_fas.generator import Generator
from despoof.systems.ag_fas.system import subtracted
from despoof.systems.cached_noise import CachedFaces, Views, cache_noise
from despoof.systems.residuals import Shard, residual_key


def cached_cues(
    generator: Generator, config: AgFasConfig, data: DataConfig, *, views: float, seed: int
) -> CachedFaces:
    """Reconstruct every view that is not in the cache, on the best device there is.

    Noise is faces − reconstruction, not standardised. All fusions share it; without a cue
    (`fusion: none`) it is zero and costs nothing.

    Args:
        generator: trained; put in eval mode.
        config: crop, generator, and the kind of cue.
        data: sources, views, development sets, and the folder of the cache.
        views: of a training picture, on average.
        seed: of the views, as of the mix.
    """
    device = pick_device()
    generator.to(device).eval()
    mix = training_mix(data, config.crop.size, seed)
    sets = development_sets(data, config.crop.size)
    pictures = [len(store.live) for store in mix.stores]
    own = data.model_copy(update={"root": None, "cache": ""})  # where it lies decides nothing
    kind = config.cue.kind if config.cue.needs_cue else "none"
    decisive = (config.crop, config.generator, kind, own, seed, pictures)
    key = residual_key(generator, *decisive)

    def noise_of(shard: Shard) -> Tensor:
        if not config.cue.needs_cue:
            return torch.zeros_like(shard["faces"])
        faces = shard["faces"].to(device)
        return faces - subtracted(generator, config, faces).float().clamp(-1, 1)

    count = max(2, math.ceil(views * sum(pictures) / data.batch_size))
    wanted = Views("train", count, lambda k: _view(mix, k), noise_of)
    train, dev = cache_noise(Path(data.cache) / "residuals" / key, wanted, sets, noise_of)
    return CachedFaces(train, dev, key)


def _view(mix: Mix, number: int) -> Shard:
    batch = mix.batch(number)
    return {name: batch[name] for name in ("faces", "live", "source")}
