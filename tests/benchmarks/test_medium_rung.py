"""The medium rung's script in small: it packs, trains in slices, resumes, and stops by itself."""

import json
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from systems.test_every_system import data_config

from benchmarks.programs import program
from despoof.core.errors import DataError
from despoof.data.views import development_sets, training_mix
from despoof.systems.records import RECORDS
from despoof.training.tensors import read_tensors

pytest.importorskip("diffusers")


@pytest.fixture(scope="module")
def rung():
    """The program and its helper."""
    return program("medium_rung"), program("medium_pack")


@pytest.fixture(scope="module")
def packed(rung, made_up_root, tmp_path_factory):
    """A pack of a few made-up pictures, the experiment it is of, and what was said of it."""
    folder = tmp_path_factory.mktemp("pack")
    record = RECORDS["despoofing-diffusion"]
    values = {
        "system": record.name,
        "output": "unused",
        "model": dict(record.tiny),
        "recipe": {"views": 0.1, "fields": {"dev_faces": 4, "dev_times": 1}},
        "data": data_config(made_up_root, folder, dev=["celeba-spoof"]),
        "train": {"steps": 2, "threads": 1, "validate_every": 1, "prefetch": 0},
        "stage_train": {"fields": {"monitor": "eps", "monitor_mode": "min"}},
    }
    (folder / "small.yaml").write_text(yaml.safe_dump(values))
    patch = pytest.MonkeyPatch()
    patch.setattr(rung[0], "EXPERIMENT", folder / "small.yaml")
    found = rung[0].pack(folder / "x.pack", [])
    patch.undo()
    from despoof.systems.experiment import read_experiment

    return folder / "x.pack", read_experiment(folder / "small.yaml"), found


@settings(deadline=None, max_examples=20)
@given(arrays(np.uint8, st.tuples(st.integers(1, 70), st.just(4), st.just(4), st.just(3))))
def test_mosaics_come_apart_as_they_were(pictures):
    medium_pack = program("medium_pack")
    tables = list(medium_pack.mosaics(pictures))
    assert all(table.shape == (32, 32, 3) for table in tables)
    assert np.array_equal(
        np.concatenate([medium_pack.pieces(t) for t in tables])[: len(pictures)], pictures
    )


def test_a_pack_holds_every_crop_and_nothing_is_cut_again(rung, packed, tmp_path):
    path, original, found = packed
    assert found["bytes"] == path.stat().st_size < 2_000_000
    assert [s["pictures"] for s in found["stores"]] == [12, 12, 4, 12, 16]
    opened = rung[1].open_pack(path, tmp_path)
    pictures = [p for p in (tmp_path / "data").rglob("*.png")]
    assert len(pictures) == 2, "only what the strip shows"
    before = sorted((tmp_path / "cache").iterdir())
    one, two = (training_mix(e.data, 32, 0) for e in (opened, original))
    assert sorted((tmp_path / "cache").iterdir()) == before
    for mine, other in zip(one.stores, two.stores, strict=True):
        assert np.array_equal(mine.live, other.live)
        assert np.array_equal(mine.extent, other.extent)
        assert np.array_equal(mine.species, other.species)
        error = mine.images.astype(float) - other.images
        assert np.sqrt((error**2).mean()) < 8 and np.abs(error.mean()) < 1
        assert np.abs(mine.depth.astype(float) - other.depth).mean() < 4
    first, second = (development_sets(e.data, 32) for e in (opened, original))
    for mine, other in zip(first, second, strict=True):
        assert mine.name == other.name and (mine.live == other.live).all()
    stamp = (before[0] / "done.json").stat().st_mtime_ns
    rung[1].open_pack(path, tmp_path)
    assert (before[0] / "done.json").stat().st_mtime_ns == stamp, "opened once"


def test_ctrl_c_comes_after_the_seconds_and_not_when_all_was_done_before(rung):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), rung[0].stopped_after(0.05):
        time.sleep(60)
    assert signal.getsignal(signal.SIGINT) is before
    with rung[0].stopped_after(0.3):
        pass
    time.sleep(0.5)


class WhenUnderWay(threading.Timer):
    """Fires when a journal has two lines more, however slow the machine is."""

    journal, asked = Path(), []

    def __init__(self, seconds, function, args):
        super().__init__(0, function, args)
        self.asked.append(seconds)
        self.lines = self.count() + 2

    def count(self):
        return len(self.journal.read_text().splitlines()) if self.journal.exists() else 0

    def run(self):
        while self.count() < self.lines:
            if self.finished.wait(0.02):
                return
        self.function(*self.args)


@pytest.mark.slow
def test_it_stops_by_itself_goes_on_and_ends_with_pictures(
    rung, packed, tmp_path, capsys, monkeypatch
):
    command = ["train", str(packed[0]), str(tmp_path / "run")]
    endless = ["--set", "stage_train.fields.steps=100000", "--set", "train.log_every=1"]
    stage = tmp_path / "run" / "run" / "fields"
    monkeypatch.setattr(WhenUnderWay, "journal", stage / "losses.jsonl")
    with monkeypatch.context() as patch:
        patch.setattr(rung[0].threading, "Timer", WhenUnderWay)
        steps = [0]
        for _ in range(2):
            assert rung[0].main([*command, *endless, "--seconds", "600"]) == rung[0].STOPPED
            said = json.loads(capsys.readouterr().out)
            assert said["state"] == "stopped" and said["stages"] == []
            facts = read_tensors(stage / "checkpoint.safetensors")[1]
            steps.append(facts["progress"]["step"])
        assert 0 < steps[1] < steps[2] and not (stage / "done.json").exists()
        assert WhenUnderWay.asked == [600 - rung[0].MARGIN] * 2
    command[-1] = str(tmp_path / "other")
    assert rung[0].main(command) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["state"] == "done"
    assert [stage["stage"] for stage in said["stages"]] == ["fields", "detector"]
    names = {p.name for p in Path(said["pictures"]).iterdir()}
    assert {"fields.png", "samples.png", "strip.png", "figures.json"} <= names
    assert (tmp_path / "other" / "run" / "weights" / "model.safetensors").exists()
    assert rung[0].main(command) == 0, "done is done"


def test_a_pack_that_is_too_large_or_damaged_is_told(rung, packed, tmp_path, monkeypatch):
    path, _, _ = packed
    half = tmp_path / "half.pack"
    half.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match="is no whole pack"):
        rung[1].open_pack(half, tmp_path / "x")
    monkeypatch.setattr(rung[0], "EXPERIMENT", path.parent / "small.yaml")
    monkeypatch.setattr(rung[0], "LARGEST", 1000)
    with pytest.raises(SystemExit, match="at most 1000 are taken"):
        rung[0].pack(tmp_path / "big.pack", [])
    assert not (tmp_path / "big.pack").exists()
