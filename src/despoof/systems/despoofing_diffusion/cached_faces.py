"""Which faces the detector learns from and is chosen on, each with its cached noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from despoof.core.device import pick_device
from despoof.data.views import DataConfig, DevSet, Mix, development_sets, training_mix
from despoof.systems.despoofing_diffusion.cross_fields import (
    CrossFields,
    Fields,
    of_everyone,
    of_folds,
)
from despoof.systems.despoofing_diffusion.people import Folds, deal_folds
from despoof.systems.despoofing_diffusion.residuals import (
    Residuals,
    Shard,
    residual_key,
    weights_hash,
    write_residuals,
)
from despoof.systems.despoofing_diffusion.system import bridged_faces
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.training.display import progress_bar

DEV_SHARD = 64
"""Development faces of a shard."""


@dataclass(frozen=True)
class CachedFaces:
    """Training views and development faces with the noise that the bridge found in them.

    Attributes:
        train: a shard is one batch of the mix, its rows in the order of the sources.
        dev: by the set's name; `faces`, `live` and `noise`.
        key: of all of it.
    """

    train: Residuals
    dev: dict[str, Residuals]
    key: str


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
    parts = {dev.name: math.ceil(len(dev.live) / DEV_SHARD) for dev in sets}
    with progress_bar("noise", count + sum(parts.values()), 0, shown=True) as show:
        train = write_residuals(
            folder / place,
            count,
            lambda k: _view(mix, folds, k),
            strangers_noise_of if folds else noise_of,
            show,
        )
        done, found = count, dict[str, Residuals]()
        for dev in sets:
            found[dev.name] = write_residuals(
                folder / dev.name,
                parts[dev.name],
                lambda k, dev=dev: _part(dev, k),
                noise_of,
                lambda step, note, done=done: show(done + step, note),
            )
            done += parts[dev.name]
    return CachedFaces(train, found, key if folds is None else f"{key}/{place}")


def dev_batches(faces: CachedFaces) -> Sequence[tuple[str, list[Shard]]]:
    """Return the development faces in memory: (set, shards)."""
    return [
        (name, [dev.shard(k) for k in range(len(dev.paths))]) for name, dev in faces.dev.items()
    ]


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


def _part(dev: DevSet, number: int) -> Shard:
    rows = slice(number * DEV_SHARD, (number + 1) * DEV_SHARD)
    return {"faces": dev.faces[rows], "live": dev.live[rows]}
