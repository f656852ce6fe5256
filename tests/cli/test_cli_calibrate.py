import json

import numpy as np
import pytest

from despoof.weights.record import read_record

HEADER = "path,subject,label,species,score,split"


@pytest.fixture
def scored(tmp_path):
    def write(n=80, split="dev", name="scores.csv"):
        rng = np.random.default_rng(0)
        lines = [
            f"{kind}{i},s{i},{kind},{species},{mean + rng.normal():.6f},{split}"
            for kind, species, mean in (("live", "", 3.0), ("attack", "print/a4", 0.0))
            for i in range(n)
        ]
        path = tmp_path / name
        path.write_text("\n".join([HEADER, *lines]))
        return path

    return write


def test_a_threshold_with_its_guarantee(cli, scored):
    done = cli("calibrate", scored(), "--criterion", "apcer=0.05")
    assert done.code == 0 and not done.err
    for text in ("threshold ", "apcer=0.05, order statistic", "APCER", "print/a4", "confidence"):
        assert text in done.out
    assert "oracle" not in done.out


def test_json_and_saving_live_only(cli, scored, make_weights, tmp_path):
    make_weights(tmp_path / "run" / "weights", threshold=None)
    done = cli(
        "calibrate", scored(), "--criterion", "bpcer=0.05", "--live-only", "--json",
        "--save", tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0, done.err
    values = json.loads(done.out)
    assert values["method"] == "split conformal" and values["n_attack"] == 0
    assert values["bounds"][0]["n"] == 80 and values["bounds"][0]["k"] == 3
    assert "4/81" in values["guarantee"] and "APCER" in values["limits"][0]
    record = read_record(tmp_path / "run" / "weights")
    assert record.threshold.value == values["threshold"]
    assert values["saved"].endswith("record.json")
    shown = cli("calibrate", scored(), "--save", tmp_path / "run")
    assert "Written to" in shown.out.replace("\n", " ")


def test_test_scores_make_an_oracle(cli, scored):
    shown = cli("calibrate", scored(split="test"))
    assert shown.code == 0 and "oracle: these are test scores" in shown.out
    assert json.loads(cli("calibrate", scored(split="test"), "--json").out)["oracle"] is True


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--criterion", "apcer=0.01"], 2, "80 print/a4 attacks cannot support .* 299 or more"),
        (["--criterion", "hter"], 64, "Expected eer, apcer=X or bpcer=X"),
        (["--live-only"], 64, "say nothing about attacks"),
        (["--by", "frame"], 64, "expected presentation or subject"),
        (["--higher-is", "up"], 64, "expected live or attack"),
        (["--columns", "x"], 64, "OURS=THEIRS"),
        (["--confidence", "2"], 64, "between 0 and 1"),
        (["--save", "nowhere"], 2, "holds no weights"),
    ],
)
def test_refusals(cli, scored, arguments, code, message):
    import re

    done = cli("calibrate", scored(), *arguments)
    assert done.code == code and not done.out
    assert re.search(message, done.err) and done.err.count("\n") == 1
