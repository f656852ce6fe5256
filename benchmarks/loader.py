"""Measure crops a second of one core, from video and from the cache; and formats of the cache.

    OMP_NUM_THREADS=1 python benchmarks/loader.py

Clips: the public-domain portrait, drifting, 640×480, 5 s at 25 frames a second, H.264. Of each, 16
frames are cut. Rates are a second of processor time, all threads added up: what one core does, and
little changed by whatever else the machine does; waiting for the disk is not in them. Writes
benchmarks/results/loader.json. The rows of zarr are left out where it is not installed.
"""

import importlib.util
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image
from recording import conditions

from despoof.data.crop_cache import CropCache, Crops, load_crops, save_crops
from despoof.data.cutting import CutConfig, Cutter, crops_of
from despoof.data.loader import LoaderConfig, training_loader
from despoof.data.manifest import Clip
from despoof.evaluation.sample import sample_pictures
from despoof.face.crop import CropConfig
from despoof.face.detect import CenterFace

CLIPS = 6
FRAMES = 16
BATCH = 32
CUT = CutConfig(crop=CropConfig(size=184, scale=1.9), frames=FRAMES)


def write_clips(folder: Path) -> list[Clip]:
    """Film the portrait and its recaptures; SiW's box file beside each, from the detector."""
    pictures = list(sample_pictures().values())
    detector = CenterFace()
    clips = []
    for index in range(CLIPS):
        still = np.full((480, 640, 3), 90, np.uint8)
        still[:, 80:560] = np.asarray(Image.fromarray(pictures[index % 3]).resize((480, 480)))
        path = folder / f"{index}.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
            for number in range(125):
                moved = np.roll(still, number % 20 + index, axis=1)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
            container.mux(stream.encode())
        x1, y1, x2, y2 = detector(still)[0].box
        rows = [f"{x1 + n % 20:.1f} {y1:.1f} {x2 + n % 20:.1f} {y2:.1f}" for n in range(125)]
        path.with_suffix(".face").write_text("\n".join(rows))
        clips.append(Clip(path, path.name, "attack" if index % 3 else "live", dataset="siw"))
    return clips


def rate(work: Callable[[], int], seconds: float = 3.0) -> float:
    """Things a second of processor time, over at least `seconds` of it, after a warm-up."""
    work()
    start, done = time.process_time(), 0
    while time.process_time() - start < seconds:
        done += work()
    return done / (time.process_time() - start)


def loading(clips: list[Clip], folder: Path) -> Iterator[tuple[str, float]]:
    """Crops a second, from video and from the cache."""
    cold = Cutter(CUT)
    found = replace(cold, config=CUT.model_copy(update={"boxes": "detector"}))
    for name, cutter in (("boxes of the detector", found), ("boxes from files", cold)):
        yield (
            f"from video, {name}, crops/s",
            rate(lambda cutter=cutter: sum(len(crops_of(cutter, c).images) for c in clips)),
        )
    kept = replace(cold, cache=folder / "cache")
    rng = np.random.default_rng(0)
    for clip in clips:
        crops_of(kept, clip)

    def one() -> int:
        return len(crops_of(kept, clips[rng.integers(CLIPS)], lambda n: [rng.integers(n)]).images)

    yield (
        "from cache, all of a clip, crops/s",
        rate(lambda: sum(len(crops_of(kept, clip).images) for clip in clips)),
    )
    yield "from cache, one of a clip, crops/s", rate(one)
    loader = training_loader(clips, kept, LoaderConfig(batch_size=BATCH), size=128, seed=0)
    steps = iter(range(10**9))
    yield (
        "batches of 32 at 128 px from cache, augmented, crops/s",
        rate(lambda: len(loader.batch(next(steps))["live"])),
    )


def formats(crops: Crops, folder: Path) -> Iterator[tuple[str, float]]:
    """One crop of a clip's 16, and the room that they take: ours, and zarr's two ways."""
    raw = crops.images.nbytes
    cache = CropCache(folder / "ours", "0" * 16)
    name = "ab" + "0" * 22
    yield "safetensors, clips written/s", rate(lambda: save_crops(cache, name, crops), 1)
    yield (
        "safetensors, one crop read, ms",
        1e3 / rate(lambda: len(load_crops(cache, name, lambda n: [5]).images), 1),
    )
    yield "safetensors, bytes / raw bytes", cache.path(name).stat().st_size / raw
    if importlib.util.find_spec("zarr") is None:
        return
    import zarr
    from zarr.codecs import BloscCodec
    from zarr.storage import LocalStore, ZipStore

    packed = BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle", typesize=1)
    chunk = (1, *crops.images.shape[1:])

    def write_zip() -> int:
        path = folder / "crops.zip"
        path.unlink(missing_ok=True)
        with ZipStore(path, mode="w") as store:
            group = zarr.create_group(store)
            group.create_array("images", data=crops.images, chunks=chunk, compressors=packed)
        return 1

    def read_zip() -> int:
        with ZipStore(folder / "crops.zip", mode="r") as store:
            return len(zarr.open_group(store, mode="r")["images"][5:6])

    def read_folder() -> int:
        store = LocalStore(folder / "crops.zarr", read_only=True)
        return len(zarr.open_group(store, mode="r")["images"][5:6])

    group = zarr.create_group(LocalStore(folder / "crops.zarr"))
    group.create_array("images", data=crops.images, chunks=chunk, compressors=packed)
    yield "zarr in a zip, clips written/s", rate(write_zip, 1)
    yield "zarr in a zip, one crop read, ms", 1e3 / rate(read_zip, 1)
    yield "zarr in a zip, bytes / raw bytes", (folder / "crops.zip").stat().st_size / raw
    yield "zarr in a folder, one crop read, ms", 1e3 / rate(read_folder, 1)
    # What a writer leaves that was killed between two chunks:
    (folder / "crops.zarr/images/c/5/0/0/0").unlink()
    torn = zarr.open_group(LocalStore(folder / "crops.zarr", read_only=True), mode="r")["images"][5]
    yield "zarr in a folder, largest value of a crop never written", float(np.max(torn))


def main() -> None:
    """Measure everything."""
    torch.set_num_threads(1)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = write_clips(folder)
        for key, value in loading(clips, folder):
            figures[key] = round(value, 3)
            print(f"{key:58} {value:10.2f}", flush=True)
        for key, value in formats(crops_of(Cutter(CUT), clips[0]), folder):
            figures[key] = round(value, 3)
            print(f"{key:58} {value:10.2f}", flush=True)
    result = {"clips": CLIPS, "frames": FRAMES, "figures": figures, **conditions()}
    out = Path(__file__).parent / "results" / "loader.json"
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
