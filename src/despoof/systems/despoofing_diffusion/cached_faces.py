"""Which faces the detector learns from and is chosen on, each with its cached noise."""

import math
from pathlib import Path

import torch
from torch import Tensor

from despoof.core.device import pick_device
from despoof.data.views import DataConfig, Mix, development_sets, training_mix
from despoof.systems.cached_noise import CachedFaces, Views, cache_noise
from despoof.systems.despoofing_diffusion.cross_fields import (
    CrossFields,
    Fields,
    of_everyone,
    of_folds,
)
from despoof.systems.despoofing_diffusion.people import Folds, deal_folds
from despoof.systems.despoofing_diffusion.system import bridged_faces
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.systems.residuals import Shard, residual_key, weights_hash


def cached_faces(
    fields: Fields,
    config: DespoofingDiffusionConfig,
    data: DataConfig,
    *,
    views: float,
    seed: int,
) -> CachedFaces:
    """Bridge every view that is not in the cache, on the best device there is.

    Args:
        fields: trained; put in eval mode. Cross-fitted ones: a training face's noise is that of
            the fields that never saw its person, a development face's that of everyone's fields,
            which have not seen it either and are those that the system keeps.
        config: crop, schedule, bridge and precision. The detector's part is not looked at: all
            detectors share what was computed for one.
        data: sources, views, development sets, and the folder of the cache.
        views: of a training picture, on average; which ones is drawn from the seed.
        seed: of the views, as of the mix.

    Raises:
        TrainingError: cross-fitted fields were trained with people dealt otherwise.
    """
    device = pick_device()
    fields.to(device).eval()
    mix = training_mix(data, config.crop.size, seed)
    sets = development_sets(data, config.crop.size)
    pictures = [len(store.live) for store in mix.stores]
    own = data.model_copy(update={"root": None, "cache": ""})  # where it lies decides nothing
    decisive = (config.crop, config.schedule, config.fields, config.bridge, config.precision)
    everyone, folds = of_everyone(fields), None
    key = residual_key(everyone, *decisive, own, seed, pictures)
    folder, place = Path(data.cache) / "residuals" / key, "train"
    if isinstance(fields, CrossFields):
        folds = deal_folds(data, mix, len(fields.folds), seed)
        fields.check_dealt(folds)
        place = f"train-{weights_hash(fields)}"  # of every fold's weights, and of who is in it

    def noise_of(shard: Shard) -> Tensor:
        return bridged_faces(everyone, config, shard["faces"].to(device)).noise

    def strangers_noise_of(shard: Shard) -> Tensor:
        noise = torch.empty_like(shard["faces"])
        for k, net in enumerate(of_folds(fields)):
            rows = (shard["fold"] == k).nonzero()[:, 0]
            if len(rows):
                found = bridged_faces(net, config, shard["faces"][rows].to(device)).noise
                noise[rows] = found.cpu().to(noise.dtype)
        return noise

    count = max(2, math.ceil(views * sum(pictures) / data.batch_size))
    views_of = strangers_noise_of if folds else noise_of
    wanted = Views(place, count, lambda k: _view(mix, folds, k), views_of)
    train, found = cache_noise(folder, wanted, sets, noise_of)
    return CachedFaces(train, found, key if folds is None else f"{key}/{place}")


def _view(mix: Mix, folds: Folds | None, number: int) -> Shard:
    batch = mix.batch(number)
    dealt = {} if folds is None else {"fold": folds.rows(mix, number)["fold"]}
    return {
        **dealt,
        "faces": batch["faces"],
        "live": batch["live"],
        "depth": batch["depth"].to(torch.float16),
        "source": batch["source"],
    }
