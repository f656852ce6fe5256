"""What an export's record says is what was exported: the threshold, the crop, the files."""

import json

import pytest

import despoof
from despoof.core.errors import WeightsError
from despoof.export.record import EXPORT, read_export
from despoof.face.crop import CropConfig
from despoof.weights.seal import seal_of

OTHER = CropConfig(size=32, scale=2.5)


def edit(folder, change, seal=None):
    values = json.loads((folder / EXPORT).read_text())
    change(values)
    if seal is not None:
        values["seal"] = seal(values)
    (folder / EXPORT).write_text(json.dumps(values))


def test_what_is_written_is_sealed_and_read(exported):
    values = json.loads((exported / EXPORT).read_text())
    assert read_export(exported).seal == values["seal"] == seal_of(values)
    assert despoof.load(exported).sealed


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(threshold=-9.0),
        lambda v: v.update(threshold=None),
        lambda v: v.update(meaning="higher = more spoof"),
        lambda v: v.update(crop=OTHER.plain(), preprocessing_hash=OTHER.digest()),
        lambda v: v["source"].update({"model.safetensors": "1" * 64}),
        lambda v: v["parity"].update(agreement=0.5),
    ],
)
def test_an_edited_record_is_refused(exported, change):
    edit(exported, change)
    with pytest.raises(WeightsError, match=r"changed since it was written.*export them again"):
        despoof.load(exported)


@pytest.mark.parametrize("value", [True, "-0.25", float("nan"), float("inf")])
def test_a_threshold_is_a_finite_number(exported, value):
    edit(exported, lambda v: v.update(threshold=value), seal=seal_of)
    with pytest.raises(WeightsError, match=r"threshold.*Input should be a .*number"):
        read_export(exported)


def test_an_export_from_before_loads_and_says_that_it_is_unsealed(exported, cli, photo):
    sealed = json.loads(cli("check", photo, "--weights", exported, "--json").out)
    assert "sealed" not in sealed
    edit(exported, lambda v: v.pop("seal"))
    found = json.loads(cli("check", photo, "--weights", exported, "--json").out)
    assert found == sealed | {"sealed": False}


def test_a_list_of_pairs_is_no_record(exported):
    values = json.loads((exported / EXPORT).read_text())
    (exported / EXPORT).write_text(json.dumps(list(values.items())))
    with pytest.raises(WeightsError, match="it holds list"):
        read_export(exported)
