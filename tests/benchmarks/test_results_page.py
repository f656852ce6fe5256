"""The commands that a row of docs/results.md names are those that made it."""

from benchmarks.programs import program

page = program("results_page")


def result(*views, every=1, n_attack=9):
    rows = [{"view": view, "by": None} for view in views]
    return {"rows": rows, "every": every, "thresholds": {"own": {"n_attack": n_attack}}}


def test_a_rows_command_is_read_off_its_figures():
    assert page.asked(result("tight", "wide")) == ""
    assert page.asked(result("tight", "tight, stressed", every=3)) == " --shown tight --every 3"
    assert page.asked(result("own crop", n_attack=0)) == " --shown own --live-only"


def test_a_mean_is_made_of_both_its_runs():
    made = page.making("texture_mean")
    runs = ("texture_long", "texture_colour")
    assert all(f"despoof train experiments/small/{run}.yaml && " in made for run in runs)
    assert made.endswith(
        "python benchmarks/mean_weights.py runs/texture_long runs/texture_colour "
        "-o runs/texture_mean --side 224 --scale 1.45"
    )
    assert page.making("texture_one_look") == "despoof train experiments/small/texture.yaml"
