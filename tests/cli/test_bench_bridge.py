"""`despoof bench bridge`: faces from three places, JSON, the table, exit codes."""

import json

import pytest
import torch
from data.made_up_data import make_data_root

from despoof.evaluation.bridge_checks import run
from despoof.evaluation.bridge_checks.check import Check


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_data_root(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def tiny(make_weights, tmp_path_factory):
    pytest.importorskip("diffusers")
    return make_weights(tmp_path_factory.mktemp("s1") / "tiny", "despoofing-diffusion")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def told(monkeypatch):
    """Three made-up checks in the place of the measured ones; what they were asked about."""
    asked = []

    def checks(subject, **options):
        asked.append((subject, options))
        yield Check("good", True, "≤ 1", {"rms": 0.5})
        yield Check("bad", False, "≤ 1", {"rms": float("nan")}, "It is [too] large.")
        yield Check("open", None, "≤ 1", {}, "Not measured: nothing there.")

    monkeypatch.setattr(run, "bridge_checks", checks)
    return asked


def test_all_checks_as_json(cli, tiny, root, monkeypatch):
    monkeypatch.setenv("DESPOOF_DATA", str(root))
    options = ["--weights", tiny, "--count", 4, "--reference-steps", 4, "--json"]
    answer = cli("bench", "bridge", *options)
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    assert [check["name"] for check in found["checks"]] == list(run.NAMES)
    assert set(found["checks"][0]) == {"name", "passed", "target", "figures", "words"}
    assert (found["n_live"], found["n_attack"], found["n_people"]) == (2, 2, 1)
    assert found["n_passed"] + found["n_failed"] + found["n_open"] == 8
    assert found["bridge"]["solver"] == "dpm-solver"


def test_the_table_and_the_gate(cli, tiny, root, told):
    options = ["bench", "bridge", "--weights", tiny, "--manifest", root / "nuaa.csv"]
    answer = cli(*options, "--split", "train", "--count", 6)
    assert answer.code == 0 and "FAILED" in answer.out and "It is [too] large." in answer.out
    assert "1 passed, 1 failed, 1 neither. 3 live faces and 3 attacks" in answer.out
    assert all(points is not None for points in told[0][0].faces.landmarks)
    assert cli(*options, "--gate").code == 1
    found = json.loads(cli(*options, "--gate", "--json").out)
    assert found["n_failed"] == 1 and found["checks"][1]["figures"]["rms"] is None


def test_another_bridge_and_other_pictures(cli, tiny, root, told, tmp_path):
    for label, names in (("live", "01"), ("attack", "89")):
        (tmp_path / label).mkdir()
        for name in names:
            picture = root / "celeba-spoof" / "dev" / f"9_{name}.png"
            (tmp_path / label / picture.name).write_bytes(picture.read_bytes())
    more = ["--cropped", "--solver", "o-belm", "--steps", 7, "--max-ms", 5, "--json"]
    answer = cli("bench", "bridge", "--weights", tiny, "--images", tmp_path, *more)
    assert answer.code == 0, answer.err
    subject, options = told[0]
    assert subject.system.config.bridge.solver == "o-belm" and options["limit_ms"] == 5
    assert subject.system.config.bridge.steps == 7 and options["reference"].steps == 100
    assert json.loads(answer.out)["bridge"]["steps"] == 7 and len(subject.faces) == 4


def test_bad_usage_is_said(cli, tiny, weights, root, told):
    table = root / "nuaa.csv"
    for options, message in (
        (["--manifest", table, "--images", root], "name one"),
        (["--split", "dev"], "--split is for"),
        (["--images", root], "There is no file or folder"),
        (["--manifest", table, "--solver", "euler"], "solver"),
    ):
        answer = cli("bench", "bridge", "--weights", tiny, *options)
        assert answer.code == 64 and message in answer.err, answer.err
    for options, message in (
        (["--weights", weights, "--manifest", table], "which has no bridge"),
        (["--weights", tiny, "--manifest", table, "--embedder", table], "not a readable ONNX"),
    ):
        answer = cli("bench", "bridge", *options)
        assert answer.code == 2 and message in answer.err
    assert not told
