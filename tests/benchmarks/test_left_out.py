"""Thresholds and weights from other sources: cases worked by hand, and what must not leak."""

import csv
import json

import numpy as np

from benchmarks.programs import program
from despoof.metrics.scores import make_scores


def test_the_threshold_is_where_both_mean_errors_of_the_folds_are_equal():
    table = program("left_out_table")
    one = make_scores([3.0, 4.0, 1.0, 2.0], [True, True, False, False])
    assert table.chosen_threshold([one]) == 2.5
    # The second fold has ten times the pictures and still counts once: at 3.5 it lets half of its
    # attacks pass, and the first one refuses half of its live faces.
    other = make_scores([7.0] * 10 + [1.0] * 10 + [5.0] * 10, [True] * 10 + [False] * 20)
    assert table.chosen_threshold([other]) == 6.0
    assert table.chosen_threshold([one, other]) == 3.5


def test_rates_count_a_tie_as_an_attack():
    table = program("left_out_table")
    found = table.rates(make_scores([1.0, 2.0, 2.0, 3.0], [True, True, False, False]), 2.0)
    assert (found["bpcer"]["k"], found["bpcer"]["n"]) == (2, 2)
    assert (found["apcer"]["k"], found["apcer"]["n"]) == (1, 2)
    alone = table.rates(make_scores([1.0], [False]), 0.0)
    assert alone["bpcer"] is None and alone["apcer"]["k"] == 1


def write_fold(folder, name, dataset, seed, useful):
    """A fold in which one logit separates and the others are noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for n in range(200):
        live = n % 2 == 0
        values = {key: rng.normal() for key in ("near", "taught", "labelled")}
        values[useful] += 1.5 if live else -1.5
        fixed = {"path": f"{n}.png", "subject": str(n), "label": "live" if live else "attack"}
        fixed |= {"species": "live" if live else "print/a4", "camera": dataset, "score": 0.0}
        shown = ("plain", "stressed", "tight")[n // 2 % 3]
        rows.append({**fixed, "shown": shown, "reach": 2.0, **values})
    with (folder / f"{name}--{dataset}.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_fold_is_weighed_by_the_others_alone(tmp_path, monkeypatch, capsys):
    """The odd fold out is told apart by a logit that no other fold could recommend."""
    table, fusion = program("left_out_table"), program("left_out_fusion")
    monkeypatch.setattr(table, "SCORES", tmp_path)
    monkeypatch.setattr(fusion, "SCORES", tmp_path)
    monkeypatch.setattr(fusion, "read_table", table.read_table)
    for seed, dataset in enumerate(table.FOLDS):
        write_fold(tmp_path, "x", dataset, seed, "near" if dataset == "nuaa" else "taught")
    argv = ["left_out_fusion.py", "--name", "x", "-o", str(tmp_path / "f.json")]
    monkeypatch.setattr("sys.argv", argv)
    fusion.main()
    found = table.measured("x-fused", draws=50)["folds"]
    assert all(found[d]["auc"]["value"] > 0.92 for d in table.FOLDS if d != "nuaa")
    assert found["nuaa"]["auc"]["value"] < 0.9
    weights = json.loads((tmp_path / "f.json").read_text())
    assert weights["taught"][1] > weights["labelled"][1] >= 0
    capsys.readouterr()
