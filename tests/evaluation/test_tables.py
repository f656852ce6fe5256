import json

import numpy as np
import pytest

from despoof.core.errors import InputError
from despoof.evaluation.rows import Threshold, breakdown, eer_threshold, evaluation_row
from despoof.evaluation.tables import to_json, to_markdown, to_plain
from despoof.metrics.scores import make_scores

DEV = make_scores([0.8, 0.7, 0.3, 0.2], [1, 1, 0, 0])  # EER threshold 0.5
TEST = make_scores(
    [0.9, 0.8, 0.6, 0.4, 0.7, 0.3, 0.2, 0.1],
    [1, 1, 1, 1, 0, 0, 0, 0],
    ["live"] * 4 + ["print/a4", "replay/phone", "replay/phone", "replay/phone"],
    ["s1", "s1", "s2", "s2", "s1", "s1", "s2", "s3"],
)


def test_a_row_by_hand():
    row = evaluation_row("toy", TEST, DEV, draws=50)
    assert row.threshold == Threshold(0.5, "dev EER") == eer_threshold(DEV)
    assert (row.n_live, row.n_attack, row.live_groups, row.attack_groups) == (4, 4, 2, 3)
    assert row.auc == 14 / 16
    assert row.auc_interval.low <= row.auc <= row.auc_interval.high
    assert (row.apcer_pooled.k, row.apcer_pooled.n) == (1, 4)
    assert (row.apcer_max.k, row.apcer_max.n) == (1, 1)
    assert list(row.apcer_by_species) == ["print/a4", "replay/phone"]
    assert (row.bpcer.k, row.bpcer.n) == (1, 4)
    assert row.hter.value == row.acer_pooled.value == 0.25
    assert row.acer_max.value == (1 + 0.25) / 2
    assert row.hter_interval.value == 0.25
    assert row.eer.value == row.eer_interval.value == 0.25
    assert 0 <= row.eer_interval.low <= 0.25 <= row.eer_interval.high <= 1


def test_a_threshold_from_the_test_set_is_called_an_oracle():
    row = evaluation_row("toy", TEST, draws=0)
    assert row.threshold == Threshold(row.eer.threshold, "oracle (test EER)")
    assert row.auc_interval is None


def test_a_fixed_threshold_keeps_its_origin():
    row = evaluation_row("toy", TEST, Threshold(0.75, "from train"), draws=0)
    assert row.threshold.chosen == "from train"
    assert (row.apcer_pooled.k, row.bpcer.k) == (0, 2)


def test_a_missing_class_leaves_gaps_and_not_errors():
    attacks = make_scores([0.1, 0.9], [0, 0])
    row = evaluation_row("attacks", attacks, DEV)
    assert row.apcer_pooled.k == 1
    assert (row.auc, row.eer, row.hter, row.bpcer, row.auc_interval) == (None,) * 5
    live = evaluation_row("live", make_scores([0.1, 0.9], [1, 1]), DEV)
    assert (live.bpcer.k, live.apcer_max, live.apcer_by_species) == (1, None, {})
    assert "–" in to_markdown([row, live])
    assert [part["auc"] for part in json.loads(to_json([row, live]))] == [None, None]


def test_json_has_the_agreed_names_and_rates_as_fractions():
    plain = json.loads(to_json([evaluation_row("toy", TEST, DEV, draws=20)]))[0]
    assert plain == json.loads(json.dumps(to_plain(evaluation_row("toy", TEST, DEV, draws=20))))
    agreed = ["n_live", "n_attack", "auc", "eer", "eer_threshold", "threshold", "apcer_pooled"]
    agreed += ["apcer_max", "apcer_by_species", "bpcer", "acer_pooled", "acer_max", "hter"]
    assert set(agreed) <= set(plain)
    for rate in ("apcer_pooled", "apcer_max", "bpcer"):
        low, high = plain[f"{rate}_ci95"]
        assert low <= plain[f"{rate}_k"] / plain[f"{rate}_n"] == plain[rate] <= high
    for name in ("auc", "hter", "acer_max", "acer_pooled", "hter_group"):
        assert len(plain[f"{name}_ci95"]) == 2
    assert plain["apcer_by_species"]["replay/phone"]["n"] == 3
    assert plain["threshold_chosen"] == "dev EER"


def test_markdown_has_one_line_a_row_and_counts_beside_rates():
    text = to_markdown([evaluation_row("a|b", TEST, DEV, draws=20)] * 2)
    lines = text.splitlines()
    assert len(lines) == 6
    assert lines[2].startswith("| a\\|b | 4 | 4 | 2/3 | 0.875 [")
    assert "25.0 (1/4) [4.6, 69.9]" in lines[2]
    assert "0.5, dev EER" in lines[2]
    assert lines[0].count("|") == lines[1].count("|") == lines[3].replace("\\|", "").count("|")


def test_every_part_is_judged_at_the_threshold_of_the_whole():
    parts = breakdown("toy", TEST, TEST.group, DEV, draws=20)
    assert [row.name for row in parts] == ["toy [s1]", "toy [s2]", "toy [s3]"]
    assert {row.threshold for row in parts} == {Threshold(0.5, "dev EER")}
    assert [row.n_live for row in parts] == [2, 2, 0]
    assert parts[0].auc == 1
    assert parts[0].auc_interval is None  # one subject: nothing to resample
    assert parts[2].auc is None
    total = sum(row.apcer_pooled.k for row in parts)
    assert total == evaluation_row("toy", TEST, DEV, draws=0).apcer_pooled.k
    oracle = breakdown("toy", TEST, np.array(["x", "y"] * 4), draws=0)
    assert {row.threshold.chosen for row in oracle} == {"oracle (test EER)"}


def test_bad_requests_are_refused():
    with pytest.raises(InputError, match="no test scores"):
        evaluation_row("none", make_scores([], []), DEV)
    with pytest.raises(InputError, match="one key a score"):
        breakdown("toy", TEST, np.array(["a"]), DEV)
    with pytest.raises(InputError, match="not finite"):
        Threshold(float("inf"), "wish")
    with pytest.raises(InputError, match="needs both classes"):
        evaluation_row("toy", TEST, make_scores([1.0], [1]))
