import json
import re

import numpy as np
import pytest

HEADER = "path,subject,label,species,score"


@pytest.fixture
def scored(tmp_path):
    def write(name, seed=0, gap=2.0, n=60):
        rng = np.random.default_rng(seed)
        lines = [
            f"{kind}{i},s{i % 9},{kind},{species},{mean + rng.normal():.6f}"
            for kind, species, mean in (("live", "", gap), ("attack", "print/a4", 0.0))
            for i in range(n)
        ]
        path = tmp_path / name
        path.write_text("\n".join([HEADER, *lines]))
        return path

    return write


def test_a_table_with_counts_and_intervals(cli, scored):
    done = cli("evaluate", scored("test.csv"), "--dev", scored("dev.csv", 1), "--draws", "200")
    assert done.code == 0 and not done.err
    for text in ("60 live, 60 attacks", "dev EER (dev.csv, n = 120)", "APCER MAX", "/60", "AUC"):
        assert text in done.out
    assert re.search(r"BPCER100 \(oracle\) +n/a", done.out) and "oracle:" not in done.out


def test_oracle_is_in_every_output(cli, scored, tmp_path):
    path = scored("test.csv")
    assert "oracle: chosen on these scores" in cli("evaluate", path, "--draws", "0").out
    done = cli("evaluate", path, "--json", "--draws", "0", "-o", tmp_path / "out")
    values = json.loads(done.out)
    assert values["oracle"] and "oracle" in values["threshold_chosen"]
    assert values["report"] == str(tmp_path / "out" / "report.html")
    assert "Oracle: chosen on these scores" in (tmp_path / "out" / "report.html").read_text()


def test_systems_are_compared(cli, scored):
    paths = [scored("a.csv"), scored("b.csv", 1, gap=0.5)]
    shown = cli("evaluate", *paths, "--threshold", "1", "--draws", "200")
    assert shown.code == 0 and "b - a" in shown.out and "adjusted by Holm" in shown.out
    lines = cli("evaluate", *paths, "--json", "--draws", "200").out.splitlines()
    assert [json.loads(line).get("name") for line in lines] == ["a", "b", None]
    (pair,) = json.loads(lines[2])["comparisons"]
    assert pair["oracle"] is True and pair["hter_difference_ci95"][0] > 0
    assert "differences of best cases" in cli("evaluate", *paths, "--draws", "0").out


def test_higher_is_attack_turns_scores_and_threshold(cli, scored, tmp_path):
    path = scored("test.csv")
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    turned = tmp_path / "turned.csv"
    turned.write_text(
        "\n".join(["file,truth,p", *(f"{r[0]},{r[2] == 'live':d},{-float(r[4])}" for r in rows)])
    )
    straight = json.loads(cli("evaluate", path, "--threshold", "1", "--json").out)
    columns = "path=file,label=truth,score=p,live=1,attack=0"
    done = cli(
        "evaluate", turned, "--columns", columns, "--higher-is", "attack", "--threshold", "-1",
        "--json",
    )  # fmt: skip
    values = json.loads(done.out)
    assert values["bpcer"] == straight["bpcer"] and values["threshold"] == 1
    assert any("times −1" in note for note in values["notes"])


def test_one_class_at_a_given_threshold(cli, scored, tmp_path):
    path = tmp_path / "live.csv"
    path.write_text("\n".join(scored("t.csv").read_text().splitlines()[:61]))
    done = cli("evaluate", path, "--threshold", "1")
    assert done.code == 0 and "BPCER" in done.out and "AUC" not in done.out


def test_an_audit_is_shown(cli, scored, tmp_path):
    audit = tmp_path / "audit.json"
    audit.write_text(
        json.dumps({"cues": [], "verdict": "It can rank.", "can_rank": True, "limit": 0.9,
                    "n_live": 1, "n_attack": 1})
    )  # fmt: skip
    done = cli("evaluate", scored("t.csv"), "--audit", audit, "-o", tmp_path / "o", "--draws", "0")
    assert done.code == 0 and "It can rank." in (tmp_path / "o" / "report.html").read_text()


@pytest.fixture
def folder(scored, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "b.csv", "d.csv"):
        scored(name)
    (tmp_path / "bad.csv").write_text(f"{HEADER}\na,s,live,,x\n")
    (tmp_path / "list.json").write_text("[1]")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["a.csv", "--dev", "d.csv", "--threshold", "1"], 64, "give one of them"),
        (["a.csv", "b.csv", "--dev", "d.csv"], 64, "repeat --dev once for each"),
        (["a.csv", "--threshold", "1", "--threshold", "2"], 64, "give one, or one each"),
        (["a.csv", "a.csv"], 64, "given twice"),
        (["a.csv", "--threshold", "nan"], 64, "not finite"),
        (["none.csv"], 2, "No score file at none.csv"),
        (["bad.csv"], 2, "bad.csv, line 2: score 'x' is not a number"),
        (["a.csv", "--audit", "bad.csv"], 2, "no readable audit"),
        (["a.csv", "--audit", "list.json"], 2, "is no audit"),
        ([], 64, "Missing argument"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(cli, folder, arguments, code, message):
    done = cli("evaluate", *arguments)
    assert done.code == code and message in done.err and done.err.count("\n") == 1
