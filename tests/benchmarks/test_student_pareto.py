"""The students' Pareto front in small: finished runs are measured, others are named."""

import json
import sys

import pytest
import yaml

from benchmarks.programs import program

pytest.importorskip("diffusers")


@pytest.fixture
def pareto():
    return program("student_pareto")


def run_of(folder, make_weights, teacher):
    make_weights(folder / "weights", "student")
    data = {"sources": [{"dataset": "lfw", "label": "live", "weight": 1}], "dev": ["nuaa"]}
    values = {"system": "student", "output": str(folder), "data": data, "train": {"steps": 1}}
    values["recipe"] = {} if teacher is None else {"teacher": str(teacher)}
    (folder / "experiment.yaml").write_text(yaml.safe_dump(values))
    return folder


def test_rows_of_finished_runs(pareto, make_weights, made_up_root, tmp_path, monkeypatch):
    monkeypatch.setenv("DESPOOF_DATA", str(made_up_root))
    teacher = make_weights(tmp_path / "teacher", "despoofing-diffusion")
    taught = run_of(tmp_path / "student_a", make_weights, teacher)
    alone = run_of(tmp_path / "student_b", make_weights, None)
    (tmp_path / "student_c").mkdir()

    def refusing_int8(weights, crop, precision):
        return None if precision == "int8" else lambda: None

    monkeypatch.setattr(pareto, "exported", refusing_int8)
    monkeypatch.setattr(pareto, "RESULT", tmp_path / "found.json")
    options = ["--count", "4", "--reference-steps", "4", "--repeats", "2"]
    folders = [str(f) for f in (taught, alone, tmp_path / "student_c")]
    monkeypatch.setattr(sys, "argv", ["student_pareto.py", *options, *folders])
    pareto.main()
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["skipped"] == [str(tmp_path / "student_c")]
    assert [(row["run"], row["how"]) for row in found["rows"]] == [
        (run, how)
        for run in ("student_a", "student_b")
        for how in ("torch fp32", "torch bf16", "openvino fp32", "openvino bf16")
    ]
    first, other = found["rows"][0], found["rows"][4]
    assert {"correlation_median", "relative_l2", "worst_band"} <= set(first)
    assert "relative_l2" not in other, "nobody knows the noise that the simulator's student misses"
    assert all(row["ms"] >= 0 and row["parameters"] > 0 for row in found["rows"])
    assert any(row["front"] for row in found["rows"]) and found["reference_steps"] == 4


def test_the_front_is_what_nothing_beats(pareto):
    rows = [{"ms": ms, "relative_l2": e} for ms, e in ((1, 0.9), (2, 0.5), (3, 0.6), (4, 0.4))]
    assert pareto.on_the_front([*rows, {"ms": 0.5}]) == [True, True, False, True, True]
