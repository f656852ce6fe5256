import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from despoof.core.errors import DataError
from despoof.data import crop_cache
from despoof.data.crop_cache import (
    CropCache,
    Crops,
    clean,
    clip_key,
    code_version,
    load_crops,
    preprocessing_key,
    save_crops,
    used,
)
from despoof.data.manifest import Clip

KEY = "0123456789abcdef"
ENTRY = "ab" + "0" * 22


def crops(value=0, count=3, side=16, depth=False):
    rng = np.random.default_rng(value)
    relief = (count, 32, 32) if depth else (count, 0, 0)
    return Crops(
        images=rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8),
        numbers=np.arange(count, dtype=np.int64) * 5,
        extent=rng.uniform(1, 2, count).astype(np.float32),
        boxes=rng.uniform(0, 99, (count, 4)),
        depth=rng.integers(0, 256, relief, dtype=np.uint8),
    )


def same(one, two):
    pairs = ((getattr(one, name), getattr(two, name)) for name in vars(one))
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


@pytest.fixture
def cache(tmp_path):
    return CropCache(tmp_path / "cache", KEY)


@pytest.mark.parametrize("depth", [False, True])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_what_was_kept_comes_back(cache, count, depth):
    kept = crops(1, count, depth=depth)
    assert load_crops(cache, ENTRY) is None
    assert save_crops(cache, ENTRY, kept)
    assert same(load_crops(cache, ENTRY), kept)
    assert [path.name for path in cache.path(ENTRY).parent.iterdir()] == [f"{ENTRY}.safetensors"]


def test_only_the_wanted_crops_are_read_and_the_chooser_hears_how_many_there_are(cache):
    kept = crops(2, 9)
    save_crops(cache, ENTRY, kept)
    heard = []
    got = load_crops(cache, ENTRY, lambda total: heard.append(total) or [7, 2])
    assert heard == [9] and same(got, kept.take([7, 2]))
    assert len(load_crops(cache, ENTRY, lambda total: []).images) == 0


def test_damage_is_never_shown(cache):
    # Any one byte that is turned, and any cut: the entry is as it was, or it counts as not kept.
    kept = crops(3, 2, side=8, depth=True)
    save_crops(cache, ENTRY, kept)
    path = cache.path(ENTRY)
    whole = path.read_bytes()
    rng = random.Random(0)
    refused = 0
    for place in rng.sample(range(len(whole)), 300):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :])
        got = load_crops(cache, ENTRY)
        assert got is None or same(got, kept)
        refused += got is None
    assert refused > 280
    for place in (0, 1, 7, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:place])
        assert load_crops(cache, ENTRY) is None
    save_crops(cache, ENTRY, kept)
    assert same(load_crops(cache, ENTRY), kept)


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_crop_cache import KEY, crops
from despoof.data.crop_cache import CropCache, save_crops
cache = CropCache(Path(sys.argv[1]), KEY)
print("ready", flush=True)
number = 0
while True:  # until somebody kills it
    # Every entry has its own pixels in every writer: half of one and half of another would show.
    save_crops(cache, f"{number % 4:02x}" + "0" * 22, crops(number % 4, 6, side=96))
    number += 1
"""


def test_readers_see_whole_crops_while_writers_race_and_are_killed(cache):
    truth = {f"{n:02x}" + "0" * 22: crops(n, 6, side=96) for n in range(4)}
    folder = os.path.dirname(__file__)
    rng = random.Random(1)

    def start():
        command = [sys.executable, "-c", textwrap.dedent(WRITER), str(cache.folder), folder]
        return subprocess.Popen(command, stdout=subprocess.PIPE)

    writers = [start() for _ in range(3)]
    hits = kills = 0
    try:
        for writer in writers:
            assert writer.stdout.readline() == b"ready\n"
        for writer in writers:
            goal, end = hits + rng.randint(20, 100), time.monotonic() + 60
            while hits < goal:
                assert time.monotonic() < end, "nothing to read in a minute"
                for name, kept in truth.items():
                    got = load_crops(cache, name)
                    if got is not None:  # None: not written yet; what was, is whole
                        assert same(got, kept)
                        hits += 1
            writer.send_signal(signal.SIGKILL)
            assert writer.wait() == -signal.SIGKILL
            kills += 1
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()
    assert hits >= 60 and kills == 3
    for name, kept in truth.items():
        assert same(load_crops(cache, name), kept)
    # The killed leave unfinished files at most, hidden ones; cleaning takes those and no entry.
    clean(cache.folder, keep=[KEY], stale=-1)
    left = sorted(path.name for path in cache.folder.rglob("*") if path.is_file())
    assert left == [f"{name}.safetensors" for name in sorted(truth)]


def test_a_writer_killed_before_the_rename_leaves_no_entry(cache, tmp_path):
    script = """
    import os, signal, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from test_crop_cache import ENTRY, KEY, crops
    from despoof.data.crop_cache import CropCache, save_crops
    Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    save_crops(CropCache(Path(sys.argv[1]), KEY), ENTRY, crops())
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(cache.folder)]
    done = subprocess.run([*command, os.path.dirname(__file__)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert load_crops(cache, ENTRY) is None
    [left] = cache.path(ENTRY).parent.iterdir()
    assert left.name.startswith(".")
    assert clean(cache.folder, keep=[KEY]) == 0 and left.exists()  # its writer may be alive
    os.utime(left, (0, 0))
    assert clean(cache.folder, keep=[KEY]) > 0 and not left.exists()


def test_an_open_reader_survives_cleaning(cache):
    from safetensors import safe_open

    kept = crops(4, 6, side=64)
    save_crops(cache, ENTRY, kept)
    with safe_open(cache.path(ENTRY), "np") as entry:
        assert clean(cache.folder) > 0 and load_crops(cache, ENTRY) is None
        assert np.array_equal(entry.get_tensor("images"), kept.images)


def test_cleaning_keeps_what_it_is_told_and_touches_nothing_else(tmp_path):
    folder = tmp_path / "cache"
    old, new = CropCache(folder, "0" * 16), CropCache(folder, "f" * 16)
    for cache in (old, new):
        save_crops(cache, ENTRY, crops())
    foreign = folder / "notes" / "ab" / "mine.txt"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("keep me")
    size = used(old)
    assert size == old.path(ENTRY).stat().st_size
    assert clean(folder, keep=[new.key]) == size
    assert load_crops(old, ENTRY) is None and not (folder / old.key).exists()
    assert same(load_crops(new, ENTRY), crops())
    clean(folder)
    assert used(new) == 0 and foreign.read_text() == "keep me"
    assert clean(tmp_path / "nowhere") == 0


def test_the_limit_is_kept_and_what_was_kept_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(crop_cache, "_BUCKETS", 2)
    size = save_size(tmp_path)
    cache = CropCache(tmp_path / "cache", KEY, limit=2 * 3 * size + 10)
    names = [f"{b}{n:022x}" for n in range(5) for b in ("aa", "bb")]
    stored = [save_crops(cache, name, crops(n)) for n, name in enumerate(names)]
    assert stored == [True] * 6 + [False] * 4
    assert used(cache) <= cache.limit
    assert [load_crops(cache, name) is not None for name in names] == stored


def save_size(folder):
    probe = CropCache(folder / "probe", KEY)
    save_crops(probe, ENTRY, crops())
    return used(probe)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot be kept.*Give a folder"):
        save_crops(CropCache(tmp_path / "file", KEY), ENTRY, crops())


def test_keys_change_with_all_that_decides_a_crop(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"1")
    box_file = tmp_path / "a.face"
    box_file.write_bytes(b"2")
    clip = Clip(path, "a.png", "live", dataset="siw")
    first = clip_key(clip)
    keys = [first, clip_key(clip, box_file)]
    keys += [
        clip_key(Clip(path, "a.png", "live", **changes))
        for changes in (
            {"dataset": "nuaa"},
            {"dataset": "siw", "box": (1, 2, 3, 4)},
            {"dataset": "siw", "landmarks": np.ones((5, 2), np.float32)},
            {"dataset": "siw", "frames": 60},
        )
    ]
    # The label decides no pixel, and a split or protocol shares the crops of another.
    assert clip_key(Clip(path, "a.png", "attack", dataset="siw", split="dev")) == first
    path.write_bytes(b"12")
    keys.append(clip_key(clip))
    os.utime(path, (5, 5))
    keys.append(clip_key(clip))
    assert len(set(keys)) == 8
    with pytest.raises(DataError, match="gone"):
        clip_key(Clip(tmp_path / "gone.png", "gone", "live"))
    settings = {"crop": {"size": 64, "scale": 1.5}, "boxes": "files"}
    assert preprocessing_key(settings) == preprocessing_key(dict(reversed(settings.items())))
    assert preprocessing_key(settings) != preprocessing_key(settings | {"boxes": "detector"})
    before = preprocessing_key(settings)
    monkeypatch.setattr(crop_cache, "code_version", lambda: "other")
    assert preprocessing_key(settings) != before


def test_the_code_version_reads_files_that_exist():
    assert len(code_version()) == 16
