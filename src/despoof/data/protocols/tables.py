"""From tables to clips and back: several manifests as one, and a division as a manifest."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from despoof.core.errors import DataError, InputError
from despoof.data.datasets.contract import Division
from despoof.data.manifest import Clip, read_manifest


def read_manifests(paths: Iterable[str | Path]) -> list[Clip]:
    """Read several manifests as one, in their order.

    Raises:
        InputError: one is not there.
        DataError: see `read_manifest`; or a file is in two of them.
    """
    clips: list[Clip] = []
    seen: dict[Path, Path] = {}
    for path in map(Path, paths):
        if not path.exists():
            raise InputError(f"There is no file {path}. Check the path.")
        for clip in read_manifest(path):
            place = clip.path.absolute()
            if place in seen:
                raise DataError(f"{clip.path} is in {seen[place]} and in {path}. Keep one row.")
            seen[place] = path
            clips.append(clip)
    return clips


def divided(division: Division) -> list[Clip]:
    """Return train, then dev, then test clips, each with its part as `split`."""
    parts = {"train": division.train, "dev": division.dev, "test": division.test}
    return [replace(clip, split=name) for name, clips in parts.items() for clip in clips]
