"""Measure the recapture simulator; write benchmarks/results/simulator.json and print it.

python benchmarks/simulator.py [RECIPES]

One process, one thread: recaptures a second per species and framing at 256 × 256, oversampling 2,
milliseconds per stage, and how much longer the naive chain takes. Naive is the same chain, pixel
for pixel nearly the same, as one writes it first: scipy.ndimage instead of OpenCV for blurs,
kernels and resampling, and a line of sight followed for every pixel of the canvas instead of every
eighth. The media (display, print) and codecs are the same in both.
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from recording import conditions
from scipy import ndimage
from skimage import data

from despoof.recapture import (
    background,
    cutout,
    geometry,
    hands,
    isp,
    optics,
    pipeline,
    placing,
    reflection,
    resample,
    sensor,
)
from despoof.recapture.recipe import Recipe
from despoof.recapture.species import SPECIES, sample_recipe

TARGET = 12.0
STAGES = {
    "source": "reencode",
    "medium": "_medium",
    "geometry and scene": "place",
    "reflection": "reflect",
    "optics": "through_lens",
    "sensor": "expose",
    "processing": "develop",
    "registered genuine": "register",
}


def face() -> np.ndarray:
    """The public-domain portrait, 300 × 300."""
    return np.ascontiguousarray(data.astronaut()[:300, 80:380])


def recipes(species: str, framing: Literal["tight", "wide"], count: int) -> list[Recipe]:
    return [sample_recipe(species, np.random.default_rng(i), framing=framing) for i in range(count)]


def seconds(picture: np.ndarray, chosen: list[Recipe]) -> float:
    """Processor seconds a recapture: what other processes take meanwhile does not count."""
    pipeline.recapture(picture, chosen[0])
    start = time.process_time()
    for recipe in chosen:
        pipeline.recapture(picture, recipe)
    return (time.process_time() - start) / len(chosen)


@contextmanager
def replaced(changes: list[tuple[Any, str, Any]]) -> Iterator[None]:
    """Exchange attributes of modules for a while."""
    before = [(module, name, getattr(module, name)) for module, name, _ in changes]
    for module, name, value in changes:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def per_stage(picture: np.ndarray, chosen: list[Recipe]) -> dict[str, float]:
    """Milliseconds of each stage in a recapture, and of what lies between them."""
    spent: dict[str, float] = defaultdict(float)

    def timed(stage: str, work: Callable[..., object]) -> Callable[..., object]:
        def call(*positional: object, **named: object) -> object:
            start = time.process_time()
            result = work(*positional, **named)
            spent[stage] += time.process_time() - start
            return result

        return call

    changes = [(pipeline, n, timed(stage, getattr(pipeline, n))) for stage, n in STAGES.items()]
    with replaced(changes):
        whole = seconds(picture, chosen) * len(chosen)
    spent["the rest"] = whole - sum(spent.values()) * len(chosen) / (len(chosen) + 1)
    return {stage: round(1000 * value / len(chosen), 2) for stage, value in spent.items()}


def naive() -> list[tuple[Any, str, Any]]:
    """The same filters by scipy, and every line of sight."""

    def blur(values: np.ndarray, sigma: float) -> np.ndarray:
        widths = (sigma, sigma, 0)[: values.ndim]
        return ndimage.gaussian_filter(values, widths, mode="mirror").astype(np.float32)

    def fitted(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        zoom = (size[0] / values.shape[0], size[1] / values.shape[1], 1)[: values.ndim]
        return ndimage.zoom(values, zoom, order=3, mode="mirror", grid_mode=True)

    def enlarged(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        zoom = (size[0] / values.shape[0], size[1] / values.shape[1], 1)[: values.ndim]
        return ndimage.zoom(values, zoom, order=1, mode="nearest", grid_mode=True)

    def sampled(values: np.ndarray, places: np.ndarray) -> np.ndarray:
        where = [places[..., 1], places[..., 0]]
        channels = [
            ndimage.map_coordinates(values[..., c], where, order=1, mode="nearest")
            for c in range(values.shape[2])
        ]
        return np.dstack(channels).astype(np.float32)

    changes: list[tuple[Any, str, Any]] = [(geometry, "_STEP", 1), (geometry, "_BENT_STEP", 1)]
    mine = {"blur": blur, "fitted": fitted, "enlarged": enlarged, "sampled": sampled}
    for module in (background, cutout, geometry, hands, isp, optics, pipeline, placing, reflection,
                   resample, sensor):  # fmt: skip
        changes += [(module, name, work) for name, work in mine.items() if hasattr(module, name)]
    return changes


def main() -> None:
    """Measure everything."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    cv2.setNumThreads(1)
    picture = face()
    rows: dict[str, dict[str, float]] = {}
    every: list[Recipe] = []
    framings: tuple[Literal["tight", "wide"], ...] = ("tight", "wide")
    for species in SPECIES:
        rows[species] = {}
        for framing in framings:
            chosen = recipes(species, framing, count)
            rows[species][framing] = round(1 / seconds(picture, chosen), 1)
            every += chosen[: max(1, count // 4)]
    mean = 1 / np.mean([1 / rate for row in rows.values() for rate in row.values()])
    with replaced(naive()):
        slow = seconds(picture, every[::3])
    same = seconds(picture, every[::3])
    result = {
        "size": 256,
        "oversampling": 2,
        "recipes": count,
        "target_per_second": TARGET,
        "per_second": rows,
        "mean_per_second": round(float(mean), 1),
        "ms_per_stage": per_stage(picture, every),
        "naive_ms": round(1000 * slow, 1),
        "ratio_to_naive": round(slow / same, 2),
        "load_average": round(os.getloadavg()[0], 1),
        **conditions(),
    }
    out = Path(__file__).parent / "results" / "simulator.json"
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"{'recaptures/s on one core':24}{'tight':>8}{'wide':>8}   target ≥ {TARGET:g}")
    for species, row in rows.items():
        print(f"{species:24}{row['tight']:8.1f}{row['wide']:8.1f}")
    print(f"{'mean':24}{mean:8.1f}")
    for stage, value in result["ms_per_stage"].items():
        print(f"{stage:24}{value:8.2f} ms")
    print(f"naive chain {1000 * slow:.0f} ms, {slow / same:.1f} × as long")


if __name__ == "__main__":
    main()
