"""Time indexing, manifests and the search for copies at scale; write results/datasets.json.

    python benchmarks/datasets.py

The trees are empty files of the published naming, made in a temporary folder. Wall-clock seconds,
best of RUNS, and processor seconds beside them: other processes make only the first worse.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from despoof.data.datasets.registry import dataset_named
from despoof.data.duplicates import near_pairs
from despoof.data.manifest import read_manifest
from despoof.data.manifest_writer import write_manifest

RUNS = 3
FILES = 100_000
TARGETS = {
    "index 100,000 files, folders, s": 20.0,
    "index 100,000 files, celeba-spoof with label files, s": 20.0,
}


def folders() -> Iterator[str]:
    """A user's pictures: 20 to a folder."""
    for number in range(FILES):
        kind = ("live", "attack/print", "attack/replay")[number % 3]
        yield f"{('train', 'test')[number % 2]}/{kind}/{number // 20}/{number}.jpg"


def celeba() -> Iterator[str]:
    """CelebA-Spoof's naming: 40 pictures a person."""
    for number in range(FILES):
        kind = "live" if number % 3 == 0 else "spoof"
        yield f"Data/train/{number // 40}/{kind}/{number:06d}.png"


def plant(root: Path, names: list[str]) -> None:
    """Make empty files."""
    for folder in {name.rpartition("/")[0] for name in names}:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / name).touch()


def best(work: Callable[[], object]) -> tuple[float, float]:
    """Least wall-clock and processor seconds of some calls."""
    taken: list[tuple[float, float]] = []
    for _ in range(RUNS):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - wall, time.process_time() - processor))
    return min(one[0] for one in taken), min(one[1] for one in taken)


def main() -> None:
    """Measure everything."""
    figures: dict[str, float] = {}

    def measure(name: str, work: Callable[[], object]) -> None:
        figures[f"{name}, s"], figures[f"{name}, processor s"] = best(work)

    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        plant(root / "folders", list(folders()))
        plant(root / "celeba", names := list(celeba()))
        rows = {name: [0] * 40 + [0, 0, 0, 0] for name in names if "/live/" in name}
        rows |= {name: [0] * 40 + [9, 1, 1, 1] for name in names if "/spoof/" in name}
        (root / "celeba/metas/intra_test").mkdir(parents=True)
        (root / "celeba/metas/intra_test/train_label.json").write_text(json.dumps(rows))
        own, published = dataset_named("folders"), dataset_named("celeba-spoof")
        measure("index 100,000 files, folders", lambda: own.index(root / "folders"))
        measure(
            "index 100,000 files, celeba-spoof with label files",
            lambda: published.index(root / "celeba"),
        )
        clips = published.index(root / "celeba").clips
        for suffix in ("csv", "parquet"):
            table = root / f"celeba/m.{suffix}"
            measure(f"write 100,000 rows, {suffix}", lambda t=table: write_manifest(t, clips))
            measure(f"read 100,000 rows, {suffix}", lambda t=table: read_manifest(t))
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 256, (FILES, 32), np.uint8)
    part = rng.integers(0, 3, FILES)
    measure("near pairs among 100,000 hashes", lambda: near_pairs(hashes, part))

    figures["load average, 1 min"] = os.getloadavg()[0]
    from recording import conditions

    figures = {key: round(value, 3) for key, value in figures.items()}
    result = {"runs": RUNS, "figures": figures, "targets": TARGETS, **conditions()}
    out = Path(__file__).parent / "results" / "datasets.json"
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for key, value in figures.items():
        target = f"target ≤ {TARGETS[key]:g}" if key in TARGETS else ""
        print(f"{key:66} {value:10.3f}  {target}")


if __name__ == "__main__":
    main()
