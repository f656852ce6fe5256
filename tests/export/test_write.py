"""The gate and the folder, with models made by hand in place of the exporter's."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from despoof.core.errors import InputError, WeightsError
from despoof.export import write
from despoof.export.onnx_file import save
from despoof.export.scorer import open_export
from despoof.export.whole import WholeScorer, score_rule
from despoof.systems.records import RECORDS
from despoof.systems.saving import load_system
from export.hand_made import SIDE, brightness, graph

FACES = np.random.default_rng(0).integers(0, 256, (200, 1, 1, 3), dtype=np.uint8)
FACES = np.ascontiguousarray(np.broadcast_to(FACES, (200, SIDE, SIDE, 3)))
EXPORTABLE = ["face-despoofing", "pair-unet", "rgb-baseline", "student", "texture", "two-views"]


@pytest.fixture
def by_hand(monkeypatch):
    """torch says the brightness, and so does the file that is written, but for `changes`."""

    def use(**changes):
        def write_onnx(whole, record, path):
            save(graph(**changes), record, path)

        monkeypatch.setattr(write, "write_onnx", write_onnx)
        monkeypatch.setattr(write, "torch_scores", lambda system, faces: brightness(faces))

    return use


def exported(weights, output, asked=None, faces=(FACES,), **more):
    return write.export(weights, output, asked or write.Asked(), lambda r: faces, "a test", **more)


def test_what_passes_is_written_whole(by_hand, make_weights, tmp_path):
    weights, output = make_weights(tmp_path / "w", threshold=0.1), tmp_path / "deep" / "out"
    by_hand()
    record = exported(weights, output)
    assert sorted(path.name for path in output.iterdir()) == ["export.json", "model.onnx"]
    assert [path.name for path in output.parent.iterdir()] == ["out"]
    scorer = open_export(output)
    assert scorer.config == record and record.threshold == 0.1
    assert record.parity.passed and record.parity.count == 200
    assert record.weights.name == "w" and len(record.source) == 2
    np.testing.assert_allclose(scorer.score_crops(FACES), brightness(FACES), atol=1e-6)
    props = {p.key: p.value for p in onnx.load(output / "model.onnx").metadata_props}
    assert float(props["threshold"]) == 0.1 and props["crop_size"] == "32"
    assert props["source_sha256"] == record.source["model.safetensors"]
    assert str(tmp_path) not in str(props)


@pytest.mark.parametrize("changes", [{"offset": 0.05}, {"nan": True}], ids=str)
@pytest.mark.parametrize("before", ["nothing", "an export"])
def test_what_fails_is_not_written(by_hand, make_weights, tmp_path, changes, before):
    weights, output = make_weights(tmp_path / "w"), tmp_path / "out"
    if before == "an export":
        by_hand()
        exported(weights, output)
    there = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    by_hand(**changes)
    with pytest.raises(WeightsError, match=r"does not say what torch says.*Nothing was written"):
        exported(weights, output)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == there
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_earlier_export_is_replaced_and_other_folders_are_left(by_hand, make_weights, tmp_path):
    weights, output = make_weights(tmp_path / "w"), tmp_path / "out"
    by_hand()
    exported(weights, output)
    (output / "old").touch()
    exported(weights, output)
    assert not (output / "old").exists() and (output / "model.onnx").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(InputError, match="other files"):
        exported(weights, tmp_path / "mine")
    with pytest.raises(InputError, match="is a file"):
        exported(weights, tmp_path / "mine" / "notes.txt")


def test_too_few_faces_are_refused(by_hand, make_weights, tmp_path):
    by_hand()
    weights = make_weights(tmp_path / "w")
    with pytest.raises(InputError, match="199 faces"):
        exported(weights, tmp_path / "out", faces=(FACES[:199],))
    with pytest.raises(InputError, match="calibrate"):
        exported(weights, tmp_path / "out", write.Asked(precision="int8"))
    assert not (tmp_path / "out").exists()


def test_a_bridge_is_refused_with_the_reason():
    with pytest.raises(InputError, match="bridge of many network calls"):
        score_rule("despoofing-diffusion")
    with pytest.raises(InputError, match="nobody has told"):
        score_rule("something-new")


def test_every_system_can_be_exported_or_is_refused_by_name():
    for name in RECORDS:
        if name in EXPORTABLE:
            assert callable(score_rule(name))
        else:
            with pytest.raises(InputError, match="network calls"):
                score_rule(name)


@pytest.mark.parametrize("system", EXPORTABLE)
@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_the_module_that_is_traced_scores_as_the_system(make_weights, tmp_path, system, kind):
    name, made = load_system(make_weights(tmp_path / "w", system))
    side = made.config.crop.size
    pixels = np.random.default_rng(1).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    whole = WholeScorer(name, made, kind)
    with torch.no_grad():
        found = whole(torch.from_numpy(write.as_input(pixels, kind)))
    np.testing.assert_array_equal(found.numpy(), write.torch_scores(made, pixels))
    assert np.ptp(found.numpy()) > 0


def test_the_magnitude_is_part_of_the_score_where_it_has_weight(tmp_path):
    record = RECORDS["face-despoofing"]
    made = record.make({**record.tiny, "score": {"magnitude": 2.0}})
    pixels = np.random.default_rng(1).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    with torch.no_grad():
        found = WholeScorer("face-despoofing", made, "uint8")(torch.from_numpy(pixels))
    np.testing.assert_allclose(found.numpy(), write.torch_scores(made, pixels), atol=1e-6)


def test_no_source_path_is_left_in_a_file(tmp_path):
    from export.hand_made import facts

    model = graph()
    model.graph.node[0].doc_string = str(Path(__file__))
    save(model, facts(), tmp_path / "m.onnx")
    assert str(Path(__file__)).encode() not in (tmp_path / "m.onnx").read_bytes()
