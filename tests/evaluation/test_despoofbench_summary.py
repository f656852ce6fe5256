import dataclasses
import json
import math

import numpy as np
import pytest

from despoof.core.errors import InputError
from despoof.evaluation.despoofbench import classical
from despoof.evaluation.despoofbench.figures import PairFigures
from despoof.evaluation.despoofbench.methods import DEFAULT_CROP, Answer, Method
from despoof.evaluation.despoofbench.report import cell, markdown, table_rows, write_table
from despoof.evaluation.despoofbench.run import PairResult
from despoof.evaluation.despoofbench.summary import separations, summarise


def result(person="a", value=0.5, species="print/x", **changes):
    figures = PairFigures(value, 1 - value, (value, 1.0), (value, 0.5), -3.0, 20 + value, value)
    made = PairResult(person, species, figures, 0.01, 0.1, 5.0, -1.0, 1.0)
    return dataclasses.replace(made, **changes)


def many(people=12, each=3, seed=0):
    rng = np.random.default_rng(seed)
    return [
        result(f"p{p}", float(rng.normal(p / people, 0.05)), ("print/x", "replay/y")[k % 2])
        for p in range(people)
        for k in range(each + p % 2)
    ]


def test_values_are_numpys_on_the_pairs():
    rows = many()
    values = [r.figures.correlation for r in rows]
    found = summarise(rows, draws=50)
    assert found["correlation"].value == pytest.approx(np.median(values))
    assert found["correlation_p5"].value == pytest.approx(np.quantile(values, 0.05))
    assert found["live_residual"].value == pytest.approx(0.01)
    assert found["band_0"].value == pytest.approx(np.median(values))
    assert found["band_correlation_1"].value == 0.5
    assert found["psnr_db"].n == len(rows)


def test_the_interval_is_that_of_resampled_people():
    """Against the plainest bootstrap: lists of whole people, numpy's median."""
    rows = many()
    people = sorted({r.person for r in rows})
    by = {p: [r.figures.correlation for r in rows if r.person == p] for p in people}
    picks = np.random.default_rng(7).integers(len(people), size=(400, len(people)))
    draws = [np.median([v for i in pick for v in by[people[i]]]) for pick in picks]
    found = summarise(rows, draws=400, seed=7)["correlation"]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])))


def test_more_pictures_of_the_same_people_do_not_narrow_the_interval():
    one = [result(f"p{p}", p / 10) for p in range(10)]
    few, much = (summarise(one * k, draws=500)["correlation"] for k in (1, 9))
    assert (much.low, much.high) == pytest.approx((few.low, few.high), abs=0.06)


def test_the_order_of_the_pairs_does_not_matter():
    rows = many()
    mixed = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    assert summarise(rows, draws=60)["ssim"] == summarise(mixed, draws=60)["ssim"]


def test_a_figure_that_few_pairs_have_is_left_open():
    none = dataclasses.replace(result().figures, peak_kept=math.nan)
    rows = [result(f"p{i}", 0.1 * i, figures=none) for i in range(9)]
    found = summarise(rows, draws=20)
    assert math.isnan(found["peak_kept_db"].value) and found["peak_kept_db"].n == 0
    some = [*rows, *(result(f"q{i}") for i in range(6))]
    kept = summarise(some, draws=200)["peak_kept_db"]
    assert kept.value == -3 and kept.n == 6 and kept.low == kept.high == -3


def test_one_person_has_no_interval_and_nobody_is_an_error():
    found = summarise([result(), result()], draws=20)["correlation"]
    assert found.value == 0.5 and math.isnan(found.low)
    with pytest.raises(InputError, match="No pair was measured"):
        summarise([])


def test_separation_by_score_and_by_the_size_of_the_noise():
    assert separations([result(), result()]) == {"auc_noise": 1.0, "auc_score": 1.0}
    silent = result(residual=0.0, attack_size=0.0, attack_score=None, live_score=None)
    assert separations([silent] * 3) == {"auc_noise": 0.5, "auc_score": None}


@pytest.fixture
def table():
    rows = many()
    methods = [
        Method(name, name.title(), DEFAULT_CROP, lambda face: Answer(classical.zero(face)), 7)
        for name in ("first", "second")
    ]
    return table_rows(methods, {"first": rows, "second": rows}, draws=30)


def test_the_table_is_strict_json_with_families_and_species(table, tmp_path):
    assert json.loads(json.dumps(table, allow_nan=False)) == table
    first, second = table["rows"]
    assert first["overall"] == second["overall"], "the same draws for every row"
    assert list(first["by_family"]) == ["print", "replay"]
    assert list(first["by_species"]) == ["print/x", "replay/y"]
    assert table["n_people"] == 12 and table["n_pairs"] == len(many())
    assert first["overall"]["correlation"]["ci95"][0] < first["overall"]["correlation"]["value"]
    write_table(tmp_path / "new", table)
    assert json.loads((tmp_path / "new/despoofbench.json").read_text()) == table
    assert markdown(table) in (tmp_path / "new/despoofbench.md").read_text()


def test_the_markdown_has_every_row_and_whole_lines(table):
    text = markdown(table)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert sum("First" in line for line in lines) == sum("Second" in line for line in lines) == 5
    for block in text.split("###")[1:]:
        widths = {line.count("|") for line in block.splitlines() if line.startswith("|")}
        assert len(widths) == 1
    assert cell({"value": None, "ci95": None}, 3) == "–"
    assert cell({"value": 0.5, "ci95": None}, 1) == "0.5"
