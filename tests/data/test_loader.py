import tracemalloc
from dataclasses import replace

import av
import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from despoof.core.errors import ConfigError, DataError, MediaError
from despoof.core.types import Face
from despoof.data.augment import AugmentConfig
from despoof.data.cutting import CutConfig, Cutter, crops_of
from despoof.data.loader import LoaderConfig, evaluation_batches, training_loader
from despoof.data.manifest import Clip, of_split, read_manifest
from despoof.data.sampler import balanced
from despoof.data.samples import find_data_root
from despoof.face.crop import CropConfig, crop_face
from despoof.face.depth import LandmarkDepth
from despoof.training.prefetch import prefetched

BOX = (40.0, 20.0, 88.0, 80.0)
CUT = CutConfig(crop=CropConfig(size=48, scale=1.6), frames=4)
CALM = AugmentConfig(scale=(1.2, 1.5), probability=0, erase=0)


def detector(image):
    """Find one face, unless the picture is black."""
    detector.calls += 1
    return [Face(box=BOX, confidence=0.9)] if image.max() > 40 else []


def picture(value, side=128):
    y, x = np.mgrid[0:side, 0:side]
    return np.stack([x + value, y, np.full_like(x, value)], axis=-1).clip(0, 255).astype(np.uint8)


def write_video(path, frames, codec="libx264"):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "8"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture
def clips(tmp_path):
    """Six videos and six pictures of two datasets; one of the pictures has no face."""
    made = []
    for index in range(12):
        label = "live" if index % 2 else "attack"
        name = f"{index}.png" if index % 3 else f"{index}.mp4"
        path = tmp_path / name
        if index % 3:
            black = index == 7
            Pillow.fromarray(picture(10 * index) * (0 if black else 1)).save(path)
        else:
            write_video(path, [picture(10 * index + n) for n in range(8)])
        species = "live" if label == "live" else f"print/{index % 4}"
        made.append(Clip(path, name, label, dataset="ab"[index // 6], species=species))
    return made


@pytest.fixture
def cutter(tmp_path):
    detector.calls = 0
    return Cutter(CUT, cache=tmp_path / "cache", detector=detector, detector_name="fake")


def loader_of(clips, cutter, seed=0, **changes):
    config = LoaderConfig(batch_size=8, **{"augment": CALM, **changes})
    return training_loader(clips, cutter, config, size=32, seed=seed)


def equal(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


def test_a_batch_has_the_shapes_ranges_and_meanings_it_promises(clips, cutter):
    loader = loader_of(clips, replace(cutter, depth=LandmarkDepth()), augment=AugmentConfig())
    batch = loader.batch(3)
    assert batch["faces"].shape == (8, 3, 32, 32) and batch["faces"].dtype == torch.float32
    assert batch["faces"].min() >= -1 and batch["faces"].max() <= 1
    assert batch["depth"].shape == (8, 32, 32) and batch["depth"].max() > 0.5
    assert batch["live"].sum() == 4
    for index, live, domain, species, frame in zip(
        *(batch[k].tolist() for k in ("clip", "live", "domain", "species", "frame")), strict=True
    ):
        clip = clips[index]
        assert clip.live == live and loader.domains[domain] == clip.dataset
        assert loader.species[species] == clip.species
        assert frame in ((1, 3, 5, 7) if clip.name.endswith("mp4") else (0,))
    assert "depth" not in loader_of(clips, cutter).batch(0)


def test_batches_hang_on_seed_and_step_alone_not_on_the_past_nor_on_the_cache(clips, cutter):
    # Killed and resumed: another process, a cold cache, another order of steps.
    first = [loader_of(clips, cutter).batch(step) for step in range(5)]
    cold = loader_of(clips, replace(cutter, cache=None))
    warm = loader_of(clips, cutter)
    for step in (4, 1, 3):
        assert equal(cold.batch(step), first[step]) and equal(warm.batch(step), first[step])
    with prefetched(warm.batch, 2, 5, ahead=2) as batches:
        assert all(equal(a, b) for a, b in zip(batches, first[2:], strict=True))
    assert not equal(loader_of(clips, cutter, seed=1).batch(0), first[0])
    full = replace(cutter, cache=cutter.cache / "full", limit=0)
    assert equal(loader_of(clips, full).batch(3), first[3])
    assert not list(full.cache.rglob("*.safetensors"))


def test_the_cache_spares_decoding_and_detection(clips, cutter, monkeypatch):
    loader = loader_of(clips, cutter)
    batches = [loader.batch(step) for step in range(6)]
    calls = detector.calls
    assert calls == 4 * 4 + 8  # each wanted frame once
    monkeypatch.setattr("despoof.data.cutting.read_numbered", None)  # would fail if called
    again = loader_of(clips, cutter)
    assert all(equal(again.batch(step), batch) for step, batch in enumerate(batches))
    assert detector.calls == calls


def test_detections_serve_crops_of_another_size(clips, cutter):
    for clip in clips:
        crops_of(cutter, clip)
    calls = detector.calls
    larger = replace(cutter, config=CUT.model_copy(update={"crop": CropConfig(size=64, scale=2)}))
    assert crops_of(larger, clips[1]).images.shape[1] == 64
    assert detector.calls == calls
    [path] = list(cutter.cache.rglob("*.json"))[:1]
    path.write_text("{torn")
    for clip in clips:
        crops_of(replace(larger, config=CUT.model_copy(update={"frames": 3})), clip)
    assert detector.calls > calls  # a damaged file is made anew


def test_each_clip_once_a_pass_and_another_frame_each_time(clips, cutter):
    loader = loader_of(clips, cutter, balance=())
    drawn = [(int(c), int(f)) for step in range(60) for c, f in _pairs(loader.batch(step))]
    counts = np.bincount([clip for clip, _ in drawn], minlength=12)
    assert counts[7] == 0  # black: no face, replaced by the next of its group
    assert counts.min() >= 0 and sorted(counts)[1] >= 40
    frames = [frame for clip, frame in drawn if clip == 3]
    assert set(frames) == {1, 3, 5, 7}


def _pairs(batch):
    return zip(batch["clip"], batch["frame"], strict=True)


def test_classes_and_domains_take_turns_in_every_batch(clips, cutter):
    loader = loader_of(clips, cutter, balance=("dataset", "label"))
    for step in range(6):
        batch = loader.batch(step)
        for domain in (0, 1):
            for live in (False, True):
                assert int(((batch["domain"] == domain) & (batch["live"] == live)).sum()) == 2
    record = loader.record()
    assert record["seed"] == 0 and record["groups"]["a/live"] == 3
    assert record["preprocessing"]["cut"]["crop"] == {"size": 48, "scale": 1.6, "align": True}


def test_evaluation_gives_every_frame_of_every_clip_in_order(clips, cutter):
    batches = list(evaluation_batches(clips, cutter, batch_size=5))
    assert [len(batch["live"]) for batch in batches[:-1]] == [5] * (len(batches) - 1)
    index = torch.cat([batch["clip"] for batch in batches]).tolist()
    assert index == [i for i in range(12) for _ in range(4 if i % 3 == 0 else 1) if i != 7]
    faces = torch.cat([batch["faces"] for batch in batches])
    crop = crop_face(np.asarray(Pillow.open(clips[1].path)), Face(BOX), CUT.crop).image
    at = index.index(1)
    assert torch.equal(
        ((faces[at] + 1) * 127.5).round().byte(), torch.from_numpy(crop).permute(2, 0, 1)
    )
    live = torch.cat([batch["live"] for batch in batches]).tolist()
    assert live == [clips[i].live for i in index]


def test_files_tell_the_faces_and_the_detector_the_rest(tmp_path, cutter):
    path = tmp_path / "Train/live/003/003-1-1-1-1.mp4"
    path.parent.mkdir(parents=True)
    write_video(path, [picture(60)] * 8)
    rows = [f"{30 + n} 20 {80 + n} 90" for n in range(8)]
    rows[3] = "0 0 0 0"
    path.with_suffix(".face").write_text("\n".join(rows))
    clip = Clip(path, path.name, "live", dataset="siw")
    got = crops_of(cutter, clip)
    assert got.numbers.tolist() == [1, 3, 5, 7] and detector.calls == 1
    assert got.boxes.tolist() == [[31, 20, 81, 90], list(BOX), [35, 20, 85, 90], [37, 20, 87, 90]]
    only = replace(cutter, config=CUT.model_copy(update={"boxes": "detector"}))
    assert (crops_of(only, clip).boxes == BOX).all()
    # A corrected box file makes other crops.
    path.with_suffix(".face").write_text("\n".join(rows[::-1]))
    assert crops_of(cutter, clip).boxes[0].tolist() == [36, 20, 86, 90]
    path.with_suffix(".face").write_text("1 2 3\n")
    with pytest.raises(DataError, match=r"003-1-1-1-1.face, line 1"):
        crops_of(cutter, clip)


def test_the_manifest_has_the_first_word_and_bare_crops_need_none(clips, cutter):
    told = replace(clips[1], box=(10.0, 10.0, 60.0, 60.0))
    assert crops_of(cutter, told).boxes.tolist() == [[10, 10, 60, 60]] and detector.calls == 0
    whole = replace(cutter, config=CUT.model_copy(update={"boxes": "whole", "context": 1.6}))
    got = crops_of(whole, clips[7])
    assert detector.calls == 0 and got.extent[0] == pytest.approx(1.6, abs=0.05)


def test_a_row_may_speak_of_the_first_frames_only(clips, cutter):
    # SiW's protocol 1 trains on the first 60 frames.
    assert crops_of(cutter, replace(clips[0], frames=4)).numbers.tolist() == [0, 1, 2, 3]
    every = replace(cutter, config=CUT.model_copy(update={"frames": None}))
    assert crops_of(every, clips[0]).numbers.tolist() == list(range(8))


def test_published_frames(clips, cutter):
    pair = CutConfig(crop=CUT.crop, frames=2, rule="ssdg")
    assert crops_of(replace(cutter, config=pair), clips[0]).numbers.tolist() == [6, 7]
    with pytest.raises(ConfigError, match="ssdg"):
        CutConfig.parse({"crop": {"size": 32, "scale": 1.2}, "rule": "ssdg"})


def test_what_cannot_be_loaded_is_named(clips, cutter, tmp_path):
    with pytest.raises(DataError, match="expected live and attack"):
        loader_of([clip for clip in clips if clip.live], cutter)
    with pytest.raises(DataError, match="no clips"):
        loader_of([], cutter)
    black = [replace(clips[7], name="b"), clips[2]]
    with pytest.raises(DataError, match=r"None of the 1 clips of live/b"):
        loader_of(black, cutter).batch(0)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    with pytest.raises(MediaError, match=r"broken.png"):
        crops_of(cutter, Clip(broken, "broken.png", "live"))
    with pytest.raises(DataError, match=r"nowhere.png"):
        crops_of(cutter, Clip(tmp_path / "nowhere.png", "nowhere.png", "live"))


def test_memory_does_not_grow_with_the_dataset(tmp_path, cutter):
    # Numpy reports to tracemalloc: the peak of a batch is that of a batch, of 24 clips or of 200.
    made = []
    for index in range(200):
        path = tmp_path / f"{index}.png"
        Pillow.fromarray(picture(index)).save(path, compress_level=0)
        made.append(Clip(path, path.name, "live" if index % 2 else "attack", box=BOX))

    def peak(clips, folder):
        loader = loader_of(clips, replace(cutter, cache=tmp_path / folder))
        loader.batch(0)  # caches of the libraries
        tracemalloc.start()
        for step in range(len(clips) // 8):
            loader.batch(step)
        high = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return high

    def least(clips, name):
        # Threads that other tests left behind allocate too; hardly three times in a row.
        return (
            min(values)
            for values in zip(*(peak(clips, f"{name}{i}") for i in range(3)), strict=True)
        )

    (kept_few, few), (kept_many, many) = least(made[:24], "few"), least(made, "many")
    crop = 48 * 48 * 3
    assert many < few + 20 * crop  # the crops of all would be 176 more
    assert kept_many < kept_few + 10 * crop


def test_a_million_clips_cost_a_few_bytes_each():
    clips = [Clip(None, "", "live" if index % 2 else "attack") for index in range(2)] * 100_000
    tracemalloc.start()
    sampler = balanced(clips, ("label",), 0)
    for number in range(0, 2_000_000, 7919):
        sampler.clip(sampler.draw(number))
    high = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert high / len(clips) < 150


def test_the_tables_at_hand_are_manifests(cutter):
    try:
        clips = of_split(read_manifest(find_data_root() / "nuaa.csv"), "train")
    except DataError as error:
        pytest.skip(f"no development data: {error}")
    batch = loader_of(clips, cutter).batch(0)
    assert detector.calls == 0 and batch["live"].sum() == 4  # the table has the boxes
    assert batch["faces"].std() > 0.2
