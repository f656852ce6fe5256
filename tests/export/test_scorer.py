import json

import numpy as np
import pytest
import torch

from despoof.core.errors import InputError, WeightsError
from despoof.export.record import EXPORT, is_export, read_export
from despoof.export.scorer import open_export
from export.hand_made import SIDE, brightness, write_folder

FACES = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_it_scores_any_number_of_crops(exported, count):
    found = open_export(exported).score_crops(FACES[:count])
    assert found.shape == (count,) and found.dtype == np.float32
    np.testing.assert_allclose(found, brightness(FACES[:count]), rtol=0, atol=1e-6)


def test_it_scores_tensors_too(exported):
    scorer = open_export(exported, threads=1)
    faces = torch.from_numpy(FACES).permute(0, 3, 1, 2).float() / 127.5 - 1
    np.testing.assert_array_equal(scorer.score(faces).numpy(), scorer.score_crops(FACES))
    with pytest.raises(InputError, match="no genuine face"):
        scorer.decompose(faces)


@pytest.mark.parametrize("crops", [FACES[:0], FACES[:, 1:], FACES.astype(np.float32), FACES[0]])
def test_what_is_no_crop_is_refused(exported, crops):
    with pytest.raises(InputError, match=r"uint8 \(B, 32, 32, 3\)"):
        open_export(exported).score_crops(crops)


def test_a_file_that_did_not_pass_the_gate_is_refused(exported):
    model = exported / "model.onnx"
    model.write_bytes(model.read_bytes() + b"\0")
    with pytest.raises(WeightsError, match="not the file that was compared"):
        open_export(exported)
    model.unlink()
    with pytest.raises(WeightsError, match="missing"):
        open_export(exported)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 3}'])
def test_a_record_that_is_none_is_refused(exported, text):
    (exported / EXPORT).write_text(text)
    assert is_export(exported)
    with pytest.raises(WeightsError, match="Export the weights again"):
        open_export(exported)


def test_another_crop_than_the_scores_is_refused(exported):
    values = json.loads((exported / EXPORT).read_text())
    values["crop"]["scale"] = 2.5
    (exported / EXPORT).write_text(json.dumps(values))
    with pytest.raises(WeightsError, match="preprocessing"):
        read_export(exported)


def test_a_model_file_that_is_no_model_is_named(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "e")
    (folder / "model.onnx").write_bytes(b"no model")
    monkeypatch.setattr("despoof.export.scorer.read_export", _unchecked)
    with pytest.raises(WeightsError, match="cannot be opened"):
        open_export(folder)


def _unchecked(folder):
    from despoof.export.record import ExportRecord

    return ExportRecord.parse(json.loads((folder / EXPORT).read_text()))
