"""The student's page says what its figures say, failures and gaps too."""

import json

import pytest

from benchmarks.programs import program

GATES = {
    "sets": [
        {"name": "people", "n_live": 8, "n_attack": 8, "n_people": 12, "missing": ""},
        {"name": "prints", "n_live": 0, "n_attack": 0, "n_people": 0, "missing": "no NUAA here"},
    ],
    "checks": [
        {
            "name": "correlation, people",
            "passed": True,
            "figures": {"correlation_median": 0.961, "correlation_5th": 0.9},
        },
        {
            "name": "bands, people",
            "passed": False,
            "figures": {"band_1": 0.7, "band_2": 1.1},
        },
        {
            "name": "task, people",
            "passed": None,
            "figures": {},
            "words": "Not measured: too few.",
        },
        {
            "name": "latency",
            "passed": True,
            "words": "Medians.",
            "figures": {
                "ms_student": 10.04,
                "ms_student_bf16": 5.0,
                "ms_paper": 2000.0,
                "faces_per_second": 99.6,
                "ratio_paper": 199.2,
                "ratio_exact": 30.0,
            },
        },
    ],
}


@pytest.fixture
def page(monkeypatch, tmp_path):
    gates = program("student_gates")
    monkeypatch.setattr(gates, "PAGE", tmp_path / "student.md")
    monkeypatch.setattr(gates, "OUT", tmp_path)
    where = {"date": "2026-01-02", "commit": "abc", "machine": "two cores", "torch": "9"}
    row = {"run": "student_a", "how": "torch fp32", "parameters": 2_100_000, "front": True}
    row |= {"ms": 12.34, "relative_l2": 0.2, "correlation_median": 0.9, "correlation_5th": 0.8}
    unknown = {"run": "student_b", "how": "torch fp32", "parameters": 1, "front": False, "ms": 1}
    front = {"count": 64, "reference_steps": 50, "rows": [row, unknown], **where}
    kept = {**GATES, "command": "despoof bench student --count 16", **where}
    (tmp_path / "student_gates.json").write_text(json.dumps(kept))
    (tmp_path / "student_pareto.json").write_text(json.dumps(front))
    gates.write_page()
    return (tmp_path / "student.md").read_text()


@pytest.mark.parametrize(
    "said",
    [
        "| people | 8 + 8, 12 people | 0.961 / 0.900 passed | 0.70–1.10 **failed** |",
        "not measured: Not measured: too few.",
        "| prints | 0 + 0, 0 people | no NUAA here | – | – |",
        "10.0 ms a face in fp32 (bf16 5.0), 100 faces/s one at a time, 199 × as fast",
        "`despoof bench student --count 16`; 2026-01-02, commit abc; two cores, torch 9.",
        "| **student_a, torch fp32** | 2.10 | 12.3 | 0.200 | 0.900 / 0.800 |",
    ],
)
def test_the_page_says(page, said):
    assert said in page


def test_nothing_is_left_to_fill_in_and_no_error_is_made_up(page):
    assert "{{" not in page
    assert "student_b" not in page, "nobody measured its error"


def test_gates_that_did_not_run_are_no_page(monkeypatch):
    gates = program("student_gates")
    with pytest.raises(SystemExit, match="failed:"):
        gates.measured(["--weights", "no-such-weights", "--teacher", "student"])
