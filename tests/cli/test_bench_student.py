"""`despoof bench student`: its own faces or the data at hand, JSON, the table, exit codes."""

import json

import pytest
import torch
from data.made_up_data import make_data_root

from despoof.evaluation.bridge_checks.check import Check
from despoof.evaluation.student_gates import run


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_data_root(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def pair(make_weights, tmp_path_factory):
    pytest.importorskip("diffusers")
    folder = tmp_path_factory.mktemp("pair")
    student = make_weights(folder / "student", "student")
    return ["--weights", student, "--teacher", make_weights(folder / "t", "despoofing-diffusion")]


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

    def gates(student, teacher, sets, **options):
        asked.append((student, teacher, sets, options))
        yield Check("good", True, "≤ 1", {"rms": 0.5})
        yield Check("bad", False, "≤ 1", {"rms": float("nan")}, "It is [too] large.")
        yield Check("open", None, "≤ 1", {}, "Not measured: nothing there.")

    monkeypatch.setattr(run, "student_gates", gates)
    return asked


def test_all_gates_as_json_on_the_data_at_hand(cli, pair, root, monkeypatch):
    monkeypatch.setenv("DESPOOF_DATA", str(root))
    options = ["--count", 4, "--reference-steps", 4, "--repeats", 2, "--json"]
    answer = cli("bench", "student", *pair, *options)
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    names = [check["name"] for check in found["checks"]]
    assert names[0] == "correlation, people" and names[-1] == "latency" and len(names) == 10
    people, prints, species = found["sets"]
    assert (people["n_live"], people["n_attack"], people["n_people"]) == (2, 2, 1)
    assert prints["n_people"] == 1 and species["missing"] and species["n_live"] == 0
    assert found["n_passed"] + found["n_failed"] + found["n_open"] == 10


def test_the_table_the_gate_and_ones_own_faces(cli, pair, root, told):
    options = ["bench", "student", *pair, "--manifest", root / "nuaa.csv", "--split", "train"]
    answer = cli(*options, "--count", 6)
    assert answer.code == 0 and "FAILED" in answer.out and "It is [too] large." in answer.out
    assert "1 passed, 1 failed, 1 neither. given: 3 live faces and 3 attacks" in answer.out
    student, _, (own,), chosen = told[0]
    assert type(student).__name__ == "Student" and own.faces.images.shape == (6, 32, 32, 3)
    assert chosen["reference"].solver == "dpm-solver" and chosen["reference"].steps == 100
    assert cli(*options, "--gate").code == 1
    assert json.loads(cli(*options, "--json").out)["checks"][1]["figures"]["rms"] is None


def test_bad_usage_is_said(cli, pair, weights, root, told):
    table = root / "nuaa.csv"
    for options, message in (
        (["--manifest", table, "--images", root], "name one"),
        (["--split", "dev"], "--split is for"),
        (["--manifest", table, "--species", "print"], "are simulated"),
    ):
        answer = cli("bench", "student", *pair, *options)
        assert answer.code == 64 and message in answer.err, answer.err
    for options, message in (
        (["--weights", weights, *pair[2:]], "expected a student"),
        ([*pair[:2], "--teacher", pair[1]], "which has no bridge"),
    ):
        answer = cli("bench", "student", *options, "--manifest", table)
        assert answer.code == 2 and message in answer.err
    assert not told
