"""Faces with the noise that a system found in them, computed once for every detector.

A shard is one safetensors file, written beside and renamed: there and whole, or not there. So a run
that was killed goes on where it stopped, and several may share the folder. Not zarr: a chunk that a
killed writer left out reads as zeros there, which is noise of a perfectly live face.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from despoof.core.config import StrictConfig
from despoof.core.errors import DataError
from despoof.core.files import atomic_path

LAYOUT = 1
"""Rises with whatever changes a shard's content."""

Shard = dict[str, Tensor]
"""`faces` (N, 3, S, S) in [-1, 1], `live` (N,) bool, and whatever else belongs to them."""


@dataclass(frozen=True)
class Residuals:
    """Shards of faces and their noise, all of the same length but the last."""

    paths: tuple[Path, ...]

    def shard(self, number: int) -> Shard:
        """Return one shard: `faces` and `noise` (N, 3, S, S) float32, the rest as stored."""
        return self.rows([(number, None)])

    def rows(self, picks: Sequence[tuple[int, int | None]]) -> Shard:
        """Return (shard, row) pairs as one batch; row None = all rows of that shard.

        Raises:
            DataError: a shard is gone or damaged.
        """
        parts = [self._read(self.paths[shard], row) for shard, row in picks]
        joined = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        joined["faces"] = joined["faces"].float() / 127.5 - 1
        return joined | {"noise": joined["noise"].float()}

    def noise(self) -> Iterator[Tensor]:
        """Give the signed noise of one shard after the other, float16 as stored."""
        yield from self.column("noise")

    def column(self, name: str) -> Iterator[Tensor]:
        """Give one of the tensors of one shard after the other, as stored."""
        for path in self.paths:
            yield self._read(path, None, only=name)[name]

    def _read(self, path: Path, row: int | None, only: str = "") -> Shard:
        chosen = slice(None) if row is None else slice(row, row + 1)
        try:
            with safe_open(path, framework="pt") as file:
                names = [only] if only else list(file.keys())
                return {name: file.get_slice(name)[chosen] for name in names}
        except (OSError, SafetensorError) as error:
            raise DataError(
                f"{path} is no shard of cached noise: {error}. Delete it and start again; it is "
                "then computed anew."
            ) from error


def write_residuals(
    folder: Path,
    count: int,
    make: Callable[[int], Shard],
    noise_of: Callable[[Shard], Tensor],
    show: Callable[[int, str], None],
) -> Residuals:
    """Compute the shards that are not there yet.

    Args:
        folder: of these shards; made if missing. Its name must say what decides them, see
            `residual_key`.
        count: how many shards.
        make: faces of a shard by its number; a pure function.
        noise_of: shard -> signed noise (N, 3, S, S) of its faces. It is asked about faces of 256
            grey levels, as pictures have them, and those are what is stored.
        show: (shards done, a note) -> nothing.

    Raises:
        DataError: the noise is not finite in half precision.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{number:05d}.safetensors" for number in range(count))
    for number, path in enumerate(paths):
        if not _whole(path):
            shard = make(number)
            levels = ((shard["faces"] + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
            noise = noise_of(shard | {"faces": levels.float() / 127.5 - 1}).half().cpu()
            if not bool(noise.isfinite().all()):
                raise DataError(
                    f"The noise of shard {number} of {folder.name} is not finite in half precision "
                    "(above 65504). Train what finds it for longer, or let it take a safer way, "
                    "e.g. dpm-solver with 20 steps."
                )
            kept = shard | {"faces": levels, "noise": noise}
            with atomic_path(path) as temporary:
                save_file({name: value.contiguous() for name, value in kept.items()}, temporary)
        show(number + 1, "")
    return Residuals(paths)


def residual_key(fields: nn.Module, *settings: StrictConfig | str | int | list[int]) -> str:
    """Return 16 + 16 hex digits: of a network's weights, and of all else that decides its noise."""
    values = [s.plain() if isinstance(s, StrictConfig) else s for s in settings]
    text = json.dumps([LAYOUT, *values], sort_keys=True)
    return f"{weights_hash(fields)}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def weights_hash(module: nn.Module) -> str:
    """Return 16 hex digits of a module's state."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _whole(path: Path) -> bool:
    try:
        with safe_open(path, framework="pt") as file:
            return "noise" in file.keys()  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError):
        return False
