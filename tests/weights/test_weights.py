import json
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from despoof.core.errors import WeightsError
from despoof.weights import registry
from despoof.weights.check import check_folder
from despoof.weights.record import Record, Threshold, read_record, write_record
from despoof.weights.registry import records, resolve

FACTS = {
    "system": "face_despoofing",
    "licence": "Apache-2.0",
    "terms": "research data only",
    "provenance": "experiments/small/x.yaml, seed 0",
    "trained_on": "nuaa, 1 743 live and 1 748 attack pictures",
    "preprocessing_hash": "0123456789abcdef",
}
THRESHOLD = Threshold(value=0.25, criterion="eer", chosen_on="nuaa dev", n_live=300, n_attack=310)


def make_folder(folder, config=None, **tensors):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config or {"width": 8}))
    save_file(tensors or {"weight": np.ones((2, 2), np.float32)}, folder / "model.safetensors")
    (folder / "README.md").write_text("# weights")
    return folder


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    files = tmp_path / "files"
    for name in ("face-despoofing", "rgb-baseline"):
        folder = make_folder(files / name)
        write_record(folder, name=name, measured={"auc": 0.97}, threshold=THRESHOLD, **FACTS)
    monkeypatch.setattr(registry, "FILES", files)
    monkeypatch.setattr(registry, "SEALS", {name: one.seal for name, one in records().items()})
    return files


def test_a_record_round_trips_and_carries_its_threshold(tmp_path):
    folder = make_folder(tmp_path / "w")
    assert read_record(folder) is None
    written = write_record(folder, name="w", threshold=THRESHOLD, **FACTS)
    again = read_record(folder)
    assert again == written and again.threshold == THRESHOLD
    assert again.size_bytes == (folder / "model.safetensors").stat().st_size
    assert write_record(folder, name="w", **FACTS).threshold is None


def test_a_record_needs_weights_and_every_text(tmp_path):
    with pytest.raises(WeightsError, match=r"no model\.safetensors. Save the system"):
        write_record(tmp_path, name="w", **FACTS)
    folder = make_folder(tmp_path / "w")
    with pytest.raises(WeightsError, match="the record of 'w': terms"):
        write_record(folder, name="w", **FACTS | {"terms": ""})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a readable record"),
        ("[]", r"record\.json"),
        ('{"file": "../x"}', "file: String should match"),
        ('{"nmae": 1}', "unknown key 'nmae'. Did you mean 'name'"),
    ],
)
def test_a_damaged_record_is_named(text, message, tmp_path):
    folder = make_folder(tmp_path / "w")
    (folder / "record.json").write_text(text)
    with pytest.raises(WeightsError, match=message):
        read_record(folder)


def test_a_registered_name_is_found_and_checked(shipped):
    assert list(records()) == ["face-despoofing", "rgb-baseline"]
    assert isinstance(records()["rgb-baseline"], Record)
    assert resolve("face-despoofing", system="face_despoofing") == shipped / "face-despoofing"


def test_a_registered_name_wins_over_a_folder_of_that_name(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_folder(tmp_path / "rgb-baseline")
    assert resolve("rgb-baseline") == shipped / "rgb-baseline"
    assert resolve("./rgb-baseline").resolve() == (tmp_path / "rgb-baseline").resolve()


def test_an_unknown_name_lists_the_known_and_the_nearest(shipped):
    with pytest.raises(
        WeightsError, match=r"'face-despofing'.*mean 'face-despoofing'\? Known names: face.*, rgb"
    ):
        resolve("face-despofing")
    with pytest.raises(WeightsError, match=r"'/no/where', and no such folder. Known names"):
        resolve("/no/where")


def test_without_any_weights_the_list_is_empty(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "FILES", tmp_path)
    with pytest.raises(WeightsError, match="Known names: none"):
        resolve("x")


def test_a_record_in_the_wrong_folder_is_refused(shipped):
    (shipped / "rgb-baseline").rename(shipped / "other")
    with pytest.raises(WeightsError, match="not the record of 'other'"):
        records()


def test_another_file_than_the_recorded_one_is_refused_with_both_hashes(shipped):
    folder = shipped / "rgb-baseline"
    expected = records()["rgb-baseline"].sha256
    save_file({"weight": np.zeros((2, 2), np.float32)}, folder / "model.safetensors")
    with pytest.raises(WeightsError, match=rf"SHA-256 [0-9a-f]{{64}} .* says {expected}"):
        resolve("rgb-baseline")


def test_weights_of_another_system_are_refused(shipped, tmp_path):
    with pytest.raises(WeightsError, match="system 'face_despoofing', expected 'ag_fas'"):
        resolve("rgb-baseline", system="ag_fas")
    folder = make_folder(tmp_path / "w", config={"system": "ag_fas"})
    assert resolve(folder, system="ag_fas") == folder
    with pytest.raises(WeightsError, match="system 'ag_fas', expected 'rgb_baseline'"):
        resolve(folder, system="rgb_baseline")


def test_a_folder_without_a_record_is_checked_for_structure(tmp_path):
    folder = make_folder(tmp_path / "w")
    assert check_folder(folder, "any") is None
    whole = (folder / "model.safetensors").read_bytes()
    for damaged in (whole[:-3], b"", b"\xff" * 200):
        (folder / "model.safetensors").write_bytes(damaged)
        with pytest.raises(WeightsError, match="damaged or no safetensors"):
            resolve(folder)
    save_file({}, folder / "model.safetensors")
    with pytest.raises(WeightsError, match="holds no tensor"):
        resolve(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"has no model\.safetensors"):
        resolve(folder)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not readable JSON"), ("[1]", "holds list, expected one JSON")]
)
def test_a_damaged_configuration_is_named(text, message, tmp_path):
    folder = make_folder(tmp_path / "w")
    (folder / "config.json").write_text(text)
    with pytest.raises(WeightsError, match=message):
        resolve(folder)
    (folder / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"has no config\.json"):
        resolve(folder)


def test_nothing_is_fetched_unasked(shipped, tmp_path, monkeypatch):
    import huggingface_hub

    asked = []

    def download(name, *, allow_patterns):
        asked.append((name, allow_patterns))
        if name == "org/gone":
            raise OSError("no route")
        return str(make_folder(tmp_path / "hub"))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(WeightsError, match="allow_download=True"):
        resolve("org/name")
    assert not asked
    assert resolve("org/name", allow_download=True) == tmp_path / "hub"
    assert asked[0][0] == "org/name" and "model*.safetensors" in asked[0][1]
    with pytest.raises(WeightsError, match="'org/gone' could not be downloaded: no route"):
        resolve("org/gone", allow_download=True)
    with pytest.raises(WeightsError, match="no such folder"):
        resolve("../org/name", allow_download=True)
    assert len(asked) == 2


def test_what_is_shipped_is_whole_and_small():
    found = records()
    for name in found:
        assert resolve(name) == registry.FILES / name
        assert (registry.FILES / name / "README.md").is_file()
        files = [path.stat().st_size for path in (registry.FILES / name).glob("*.safetensors")]
        assert max(files) <= 8e6 and sum(files) == found[name].size_bytes <= 16e6
    assert sum(record.size_bytes for record in found.values()) <= 60e6


def test_listing_needs_no_torch():
    import subprocess

    program = (
        "import sys, despoof.weights.registry as r; r.records(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
