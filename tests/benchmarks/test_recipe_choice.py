"""Recipes are compared on NUAA unseen: who has seen it is refused, and the best stands first."""

import pytest

from benchmarks.programs import program
from despoof.core.errors import InputError

EXPERIMENT = """
system: texture
output: {folder}
data:
  sources:
    - {{dataset: lfw, label: live, weight: 0.5}}
    - {{dataset: nuaa, label: attack, weight: 0.5}}
  dev: [nuaa]
train: {{steps: 1}}
"""


def test_a_run_that_learnt_from_nuaa_is_no_judge_of_unseen_cameras(tmp_path):
    (tmp_path / "experiment.yaml").write_text(EXPERIMENT.format(folder=tmp_path))
    with pytest.raises(InputError, match="learnt from NUAA"):
        program("recipe_choice").judge(tmp_path, [], (1.2,), 192)


def test_the_best_mean_stands_first_with_its_interval():
    def row(run, mean, value):
        ends = [value - 0.1, value + 0.05]
        return {
            "run": run,
            "looks": "1.2 at 192 px",
            "steps": 5,
            "mean": mean,
            "auc": {"a": {"value": value, "ci95": ends}},
        }

    table = program("default_choice").recipe_table([row("x", 0.6, 0.7), row("y", 0.8, 0.5)])
    lines = table.splitlines()
    assert lines[2].startswith("| y | 1.2 at 192 px | 5 | 0.800 | 0.500 [0.400, 0.550]")
    assert lines[3].startswith("| x | 1.2 at 192 px | 5 | 0.600 | 0.700")


def test_rows_of_one_run_seen_in_two_ways_stand_beside_each_other():
    same = program("recipe_choice").same_choice
    row = {"run": "x", "looks": "1.2 at 192 px"}
    assert same(row, dict(row)) and not same(row, row | {"looks": "1.45 at 224 px"})
    assert not same(row, row | {"run": "y"})
