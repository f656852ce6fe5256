import json

import pytest

from despoof.diffusion.bridge import PAPER, BridgeConfig
from despoof.diffusion.solver_table import judge, level_rows, paper_sentence, planned, solver_rows


@pytest.mark.parametrize(
    ("steps", "error", "correlation"), [(50, 0.82, 0.72), (100, 0.42, 0.987), (250, 0.17, 0.99)]
)
def test_the_papers_solver_is_as_far_off_as_the_spec_says(toy, steps, error, correlation):
    """SPEC §8.2 item 1. Its moiré and floor are not given: figures agree to a few per cent."""
    row = judge(toy, PAPER.model_copy(update={"steps": steps, "t_min": 0.0}))
    assert row.nfe == 2 * steps
    assert row.error == pytest.approx(error, rel=0.1)
    assert row.correlation == pytest.approx(correlation, abs=0.06)


@pytest.mark.parametrize(
    ("solver", "steps", "error"),
    [
        ("dpm-solver", 20, 0.023),
        ("dpm-solver", 10, 0.28),
        ("heun", 20, 0.07),
        ("inverse-ddim", 8, 0.013),
        ("inverse-ddim", 5, 0.137),
        ("o-belm", 20, 0.006),
        ("o-belm", 15, 0.009),
        ("o-belm", 10, 0.045),
        ("o-belm", 8, 0.11),
    ],
)
def test_the_better_solvers_rank_as_the_spec_says(toy, solver, steps, error):
    """SPEC §8.2 items 2 and 3: within a factor of 2.2; ours are the better side of it."""
    row = judge(toy, BridgeConfig(solver=solver, steps=steps))
    assert error / 2.2 < row.error < error * 1.1


def test_at_25_steps_the_noise_is_worse_than_none(toy):
    row = judge(toy, PAPER.model_copy(update={"steps": 25, "t_min": 0.0}))
    assert row.correlation < 0 and row.error > 1


def test_cancelled_ddim_has_the_shape_but_half_the_size(toy):
    """SPEC §8.2 item 4."""
    row = judge(toy, BridgeConfig(solver="ddim", steps=8, against="round-trip"))
    assert row.nfe == 24 and row.correlation > 0.999 and 0.3 < row.error < 0.6
    assert row.method == "ddim (cancelled)"


def test_four_levels_of_score_difference(toy):
    """SPEC §8.2 item 6: correlation .985 from 8 evaluations; more levels gain nothing."""
    rows = {row.steps: row for row in level_rows(toy)}
    assert rows[4].nfe == 8 and rows[4].correlation == pytest.approx(0.985, abs=0.01)
    assert rows[3].correlation == pytest.approx(0.94, abs=0.02)
    assert rows[8].correlation < rows[4].correlation and rows[4].latent_error is None


def test_the_plan_is_filtered_and_starts_with_the_paper():
    whole = planned()
    assert whole[1] == PAPER.model_copy(update={"t_min": 0.0}) and PAPER in whole
    assert len({config.digest() for config in whole}) == len(whole)
    few = planned(["o-belm"], ["log-snr"], [1, 6])
    assert few == [BridgeConfig(steps=6)]


def test_the_sentence_needs_its_rows(small_toy):
    rows = list(solver_rows(small_toy, planned(["ddim", "o-belm"], ["uniform"], [50])))
    text = paper_sentence(rows)
    assert text is not None and "50 + 50" in text and f"{rows[0].error:.0%}" in text
    assert paper_sentence(rows[1:]) is None


def test_the_command_prints_the_table(cli):
    done = cli("bench", "solvers", "--steps", "4", "--grid", "log-snr", "--solver", "o-belm")
    assert done.code == 0 and not done.err
    assert "o-belm" in done.out and "latent error" in done.out and "50 + 50" not in done.out


def test_the_command_as_json(cli):
    done = cli(
        "bench", "solvers", "--steps", "50", "--grid", "uniform", "--solver", "ddim", "--json"
    )
    (line,) = done.out.splitlines()
    found = json.loads(line)
    assert [row["grid"] for row in found["rows"]] == ["uniform from 0", "uniform"]
    assert found["rows"][0]["nfe"] == 100 and "75%" in found["paper"]


@pytest.mark.parametrize("option", ["--solver", "--grid"])
def test_an_unknown_name_is_one_line(cli, option):
    done = cli("bench", "solvers", option, "euler")
    assert done.code == 64 and done.err.count("\n") == 1 and "'euler'" in done.err


def test_a_plan_of_nothing_is_said(cli):
    done = cli("bench", "solvers", "--solver", "o-belm", "--steps", "1")
    assert done.code == 64 and "at least 2" in done.err
