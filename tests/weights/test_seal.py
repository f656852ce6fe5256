import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from benchmarks.programs import program
from safetensors.numpy import save_file

from despoof.core.errors import ConfigError, WeightsError
from despoof.weights import registry, shipped
from despoof.weights.check import check_folder
from despoof.weights.record import (
    Threshold,
    read_record,
    seal_record,
    set_threshold,
    write_record,
)
from despoof.weights.registry import records, resolve
from despoof.weights.seal import seal_of
from weights.test_weights import FACTS, THRESHOLD, make_folder


@pytest.fixture
def folder(tmp_path):
    made = make_folder(tmp_path / "w")
    write_record(made, name="w", threshold=THRESHOLD, measured={"auc": 0.97}, **FACTS)
    return made


def edit(folder, change, seal=None):
    """Change a record as an editor would; `seal` puts a seal of our own making into it."""
    path = folder / "record.json"
    values = json.loads(path.read_text())
    change(values)
    if seal:
        values["seal"] = seal(values)
    path.write_text(json.dumps(values))


def older(folder):
    """Make the record one from before seals."""
    edit(folder, lambda v: [v.pop("others"), v.pop("seal")])


def test_the_seal_is_the_hash_of_the_sorted_fields(folder):
    values = json.loads((folder / "record.json").read_text())
    seal = values.pop("seal")
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    assert seal == hashlib.sha256(text.encode()).hexdigest() == read_record(folder).seal
    path = folder / "record.json"
    turned = dict(reversed(list(values.items()))) | {"seal": seal}
    path.write_text(json.dumps(turned, indent=8))  # neither order nor layout is meant
    assert read_record(folder).sealed


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v["threshold"].update(value=-9.0),
        lambda v: v["threshold"].update(criterion="apcer=0.01"),
        lambda v: v["threshold"].update(n_attack=311),
        lambda v: v.update(threshold=None),
        lambda v: v.update(preprocessing_hash="f" * 16),
        lambda v: v.update(sha256="0" * 64),
        lambda v: v["others"].update({"config.json": "0" * 64}),
        lambda v: v["others"].clear(),
        lambda v: v["measured"].update(auc=0.99),
        lambda v: v.update(seal="0" * 64),
    ],
)
def test_any_edited_field_breaks_the_seal(folder, change):
    edit(folder, change)
    with pytest.raises(WeightsError, match="changed since it was written"):
        read_record(folder)


def test_a_recalibration_seals_anew(folder):
    before = read_record(folder)
    other = THRESHOLD.model_copy(update={"value": 0.5})
    changed = set_threshold(folder, other)
    assert changed == read_record(folder) and changed.sealed and changed.seal != before.seal
    same = {"threshold": other, "seal": changed.seal}
    assert changed == before.model_copy(update=same)
    assert set_threshold(folder, THRESHOLD) == before


def test_an_older_record_is_read_unsealed_and_a_threshold_seals_it(folder):
    whole = (folder / "record.json").read_text()
    older(folder)
    assert check_folder(folder).seal is None and not read_record(folder).sealed
    set_threshold(folder, THRESHOLD)
    assert (folder / "record.json").read_text() == whole


def test_a_seal_without_the_configurations_hash_does_not_count(folder):
    edit(folder, lambda v: v["others"].clear(), seal=seal_of)
    record = read_record(folder)
    assert record.seal and not record.sealed


def test_sealing_an_older_folder_changes_nothing_else(folder):
    whole = (folder / "record.json").read_text()
    older(folder)
    before = read_record(folder)
    after = seal_record(folder)
    assert (folder / "record.json").read_text() == whole
    assert before == after.model_copy(update={"others": {}, "seal": None})
    stamp = (folder / "record.json").stat().st_mtime_ns
    assert seal_record(folder) == after
    assert (folder / "record.json").stat().st_mtime_ns == stamp
    (folder / "record.json").unlink()
    with pytest.raises(WeightsError, match="that could be sealed"):
        seal_record(folder)


@pytest.mark.parametrize(("field", "loaded"), [("file", "model"), ("config", "config")])
def test_a_record_of_another_file_than_the_loaded_one_is_refused(folder, field, loaded):
    original = read_record(folder).sha256
    (folder / "other.bin").write_bytes((folder / "model.safetensors").read_bytes())
    save_file({"weight": np.zeros((2, 2), np.float32)}, folder / "model.safetensors")
    edit(folder, lambda v: v.update({field: "other.bin", "sha256": original}), seal=seal_of)
    with pytest.raises(WeightsError, match=rf"about 'other\.bin', but {loaded}\.\w+ is what"):
        check_folder(folder)


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e999", '"0.25"', "true", "null", "[0.25]"]
)
def test_a_threshold_is_a_finite_number(folder, value):
    text = (folder / "record.json").read_text()
    changed = text.replace('"value": 0.25', f'"value": {value}')
    assert changed != text
    (folder / "record.json").write_text(changed)
    with pytest.raises(WeightsError, match=r"threshold\.value: Input should be a .*number"):
        read_record(folder)


def test_whole_numbers_are_thresholds_too(folder):
    assert set_threshold(folder, THRESHOLD.model_copy(update={"value": 1.0})).threshold.value == 1
    edit(folder, lambda v: v["threshold"].update(value=1), seal=seal_of)
    assert read_record(folder).threshold.value == 1.0
    with pytest.raises(ConfigError, match="value"):
        Threshold.parse(THRESHOLD.plain() | {"value": 10**400})


def test_a_list_of_pairs_is_no_record(folder):
    values = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps(list(values.items())))
    with pytest.raises(WeightsError, match=r"it holds list\. Expected one JSON object"):
        read_record(folder)


def test_every_shipped_set_is_sealed_and_listed():
    found = {name: record.seal for name, record in records().items()}
    assert found == shipped.SEALS, "run python benchmarks/seal_weights.py after publishing"
    assert all(record.sealed for record in records().values())
    text = program("seal_weights").listing(shipped.SEALS)
    assert text == Path(shipped.__file__).read_text("utf-8")


@pytest.mark.parametrize("listed", ["other", "none"])
def test_a_shipped_name_is_refused_unless_it_has_the_listed_seal(folder, monkeypatch, listed):
    seals = {"w": "0" * 64} if listed == "other" else {}
    monkeypatch.setattr(registry, "FILES", folder.parent)
    monkeypatch.setattr(registry, "SEALS", seals)
    with pytest.raises(WeightsError, match=r"ships 'w' with .*\. Reinstall"):
        resolve("w")
    assert resolve(folder) == folder  # as a folder of one's own it stands for itself
    monkeypatch.setattr(registry, "SEALS", {"w": read_record(folder).seal})
    assert resolve("w") == folder


@pytest.mark.parametrize("swap", ["threshold", "configuration", "unsealed"])
def test_no_swap_goes_by_a_shipped_name(folder, monkeypatch, swap):
    """Even with a seal that fits: the code knows another."""
    monkeypatch.setattr(registry, "FILES", folder.parent)
    monkeypatch.setattr(registry, "SEALS", {"w": read_record(folder).seal})
    assert resolve("w") == folder
    if swap == "threshold":
        set_threshold(folder, THRESHOLD.model_copy(update={"value": -9.0}))
    elif swap == "configuration":
        (folder / "config.json").write_text(json.dumps({"width": 9}))
        write_record(folder, name="w", threshold=THRESHOLD, measured={"auc": 0.97}, **FACTS)
    else:
        older(folder)
    with pytest.raises(WeightsError, match="ships 'w' with"):
        resolve("w")


def test_an_edited_configuration_of_a_shipped_set_is_refused(tmp_path, monkeypatch):
    files = tmp_path / "files"
    shutil.copytree(registry.FILES / "student", files / "student")
    monkeypatch.setattr(registry, "FILES", files)
    assert resolve("student") == files / "student"
    path = files / "student" / "config.json"
    path.write_text(path.read_text().replace('"size": 64', '"size": 65'))
    with pytest.raises(WeightsError, match=r"config\.json is not the file that was measured"):
        resolve("student")


def test_the_program_seals_what_lacks_a_seal_and_refuses_what_fails(folder, capsys):
    module = program("seal_weights")
    older(folder)
    seals = module.seal_all(folder.parent)
    assert seals == {"w": read_record(folder).seal} and read_record(folder).sealed
    (folder / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match="not the file that was measured"):
        module.seal_all(folder.parent)
