"""System 1's evidence: what is trained, and that a page comes out of what was measured."""

import json
import sys

import pytest
import torch

from benchmarks.programs import program

pytest.importorskip("diffusers")
NAMES = ("runs", "ablation", "bridges", "page")


@pytest.fixture(scope="module")
def programs():
    yield {name: program(name, "system1") for name in NAMES}
    for name in (*NAMES, "noise"):  # as plain as these names are, others may have them
        sys.modules.pop(name, None)


def test_every_run_of_the_plan_is_a_valid_experiment(programs):
    runs = programs["runs"]
    places = set()
    for protocol, inputs, variant in runs.plan():
        made = runs.experiment(protocol, inputs, variant)
        assert made.model["detector"]["inputs"] == inputs
        places.add(made.output)
    assert len(places) == len(runs.plan())


def test_detectors_of_a_protocol_share_its_fields_and_variants_of_fields_do_not(programs):
    runs = programs["runs"]
    own = str(runs.folder("celeba", "noise") / "fields")
    assert runs.experiment("celeba", "noise").recipe["fields"].get("trained") is None
    assert runs.experiment("celeba", "rgb+noise").recipe["fields"]["trained"] == own
    assert runs.experiment("celeba", "noise", "signed").recipe["fields"]["trained"] == own
    share = runs.experiment("celeba", "noise", "share-10").recipe["fields"]
    assert share.get("trained") is None and share["live_share"] == 0.1


def test_no_protocol_trains_on_what_it_is_tested_on(programs):
    runs, tests = programs["runs"], programs["ablation"].TESTS
    for protocol in ("celeba", "nuaa"):
        trained = {s["dataset"] for s in runs.PROTOCOLS[protocol]["sources"]}
        first = tests[protocol][0]  # the transfer; the second is the set's own
        assert not any(first.startswith(name) for name in trained)
    for protocol, family in (("print", "replay"), ("replay", "print")):
        shown = {
            s for source in runs.PROTOCOLS[protocol]["sources"] for s in source.get("species", ())
        }
        assert shown == {protocol}
        assert tests[protocol][0] == f"simulated {family}s"


def test_cheap_ways_are_held_against_the_slow_one_that_turns_round_where_they_do(programs):
    bridges = programs["bridges"]
    cheap, dear = "O-BELM 10 + 10, t ≤ 400", "O-BELM 12 + 12, t ≤ 400"
    rows = [{"way": n, "nfe": 200 if "100 + 100" in n else 25} for n in bridges.WAYS]
    next(row for row in rows if row["way"] == dear)["nfe"] = 26
    far = {name: torch.tensor([1.0, 2, 3, 4]) for name in bridges.WAYS}
    far[cheap] = torch.tensor([0.5, 1, 6, 6])
    found = {row["way"]: row for row in bridges.closer(rows, far)}
    assert dear not in found, "more than an eighth"
    assert not set(bridges.SLOW) & set(found)
    one = found[cheap]
    assert one["slow"] == "DDIM 100 + 100, t ≤ 400" and one["ratio"] == 1.0
    assert (one["closer_k"], one["closer_n"], one["closer"]) == (2, 4, 0.5)
    assert found["O-BELM 10 + 10"]["slow"] == "DDIM 100 + 100"


def row(**changes):
    rate = {f"{name}{end}": value for name in ("apcer_pooled", "bpcer") for end, value in
            (("", 0.25), ("_k", 1), ("_n", 4), ("_ci95", [0.1, 0.5]))}  # fmt: skip
    return {
        "trained_on": "celeba", "inputs": "rgb", "set": "nuaa test", "auc": 0.875,
        "auc_ci95": [0.8, 0.9], "eer": 0.2, "eer_group_ci95": None, "hter": 0.21,
        "hter_group_ci95": [0.1, 0.3], "threshold_chosen": "EER on celeba-spoof dev",
        "n_live": 4, "n_attack": 4, "live_groups": 2, "attack_groups": 2, **rate, **changes,
    }  # fmt: skip


def test_the_page_says_what_was_measured_and_marks_an_oracle(programs):
    page = programs["page"]
    test = {
        "trained_on": "celeba", "set": "nuaa test", "first": "rgb", "second": "noise",
        "auc_first": 0.8, "auc_second": 0.7, "difference": -0.1, "difference_ci95": [-0.2, 0.0],
        "p_permutation": 0.03, "p_holm": 0.12, "groups": 9,
    }  # fmt: skip
    oracle = row(inputs="noise", threshold_chosen="oracle (test EER)")
    made = {"celeba": {"date": "2026-01-02", "commit": "abc1234", "machine": "a machine"}}
    text = page.ablation_tables({"rows": [row(), oracle], "tests": [test], "measured": made})
    assert "Measured 2026-01-02, abc1234, on a machine." in text
    assert "### CelebA-Spoof → nuaa test (4 live, 4 attack; 2/2 people)" in text
    assert "| rgb | 0.875 [0.800, 0.900] | 20.0 | 21.0 [10.0, 30.0] | 25.0 (1/4)" in text
    assert text.count("(oracle)") == 1
    assert "0.800 → 0.700 | -0.100 [-0.200, 0.000] | 0.030 (9 people) | 0.120" in text
    assert page.ablation_tables(None) == "Not measured yet."


def test_what_is_not_measured_again_keeps_its_rows_and_its_date(programs, tmp_path, monkeypatch):
    ablation = programs["ablation"]
    before = {"date": "2026-01-02", "commit": "abc1234", "machine": "a machine"}
    old = [row(trained_on="nuaa"), row(trained_on="celeba")]
    (tmp_path / "system1_ablation.json").write_text(
        json.dumps({"rows": old, "tests": [], **before})
    )
    monkeypatch.setattr(ablation, "OUT", tmp_path)
    monkeypatch.setattr(ablation, "measure", lambda name: ([row(trained_on=name, auc=0.5)], []))
    written = {}
    monkeypatch.setattr(ablation, "write", lambda name, values: written.update(values))
    monkeypatch.setattr(sys, "argv", ["ablation.py", "celeba"])
    ablation.main()
    assert [(one["trained_on"], one["auc"]) for one in written["rows"]] == [
        ("celeba", 0.5),
        ("nuaa", 0.875),
    ]
    assert written["measured"]["nuaa"] == before
    assert written["measured"]["celeba"]["date"] > before["date"]
