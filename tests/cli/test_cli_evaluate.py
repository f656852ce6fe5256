import json
import re

import numpy as np
import pytest
from PIL import Image

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
def pictured(tmp_path):
    """Write a score file with its pictures beside it; live ones are bright; in a manifest, too."""
    rng = np.random.default_rng(0)
    rows, listed = [HEADER], ["path,label,box"]
    for i in range(24):
        label = "live" if i % 2 else "attack"
        name = f"{label}{i}.png"
        level = 150 if label == "live" else 100
        pixels = rng.normal(level, 20, (20, 20, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
        rows.append(f"{name},s{i % 8},{label},,{rng.normal(label == 'live'):.5f}")
        listed.append(f"{name},{label},1 1 19 19")
    (tmp_path / "manifest.csv").write_text("\n".join(listed))
    (tmp_path / "a.csv").write_text("\n".join(rows))
    (tmp_path / "b.csv").write_text("\n".join(rows))
    return tmp_path


def test_cues_are_measured_where_the_pictures_are_at_hand(cli, pictured):
    done = cli(
        "evaluate", pictured / "a.csv", "--cropped", "--threshold", "0", "--draws", "50",
        "-o", pictured / "o",
    )  # fmt: skip
    assert done.code == 0 and not done.err
    for text in ("Shortcut audit: trivial cues alone", "brightness", "This set cannot rank",
                 "against the best cue", "12 of 12 live and 12 of 12 attack clips"):  # fmt: skip
        assert text in done.out, text
    page = (pictured / "o" / "report.html").read_text()
    assert "Systems against the best cue" in page and "data:image/jpeg" in page


def test_the_audit_is_in_the_json_of_every_system(cli, pictured):
    paths = [pictured / "a.csv", pictured / "b.csv"]
    done = cli(
        "evaluate", *paths, "--manifest", pictured / "manifest.csv", "--json", "--draws", "200",
        "--audit-most", "10", "-o", pictured / "o", "--no-thumbnails",
    )  # fmt: skip
    first, second, _ = (json.loads(line) for line in done.out.splitlines())
    assert first["audit"]["n_live"] == 10 and not first["audit"]["can_rank"]
    assert "20 were looked for, evenly spread" in first["audit"]["sample"]
    assert "the manifest's box" in first["audit"]["sample"]
    for one in (first, second):
        assert one["audit"]["against_best_cue"]["system"] == one["name"]
        assert one["audit"]["against_best_cue"]["cue"] == first["audit"]["cues"][0]["name"]
    page = (pictured / "o" / "report.html").read_text()
    assert "data:image" not in page and "pictures were left out on purpose" in page


def test_the_audit_can_be_left_out_or_is_said_to_be_missing(cli, pictured, scored):
    done = cli("evaluate", pictured / "a.csv", "--no-audit", "--draws", "0", "--json")
    assert json.loads(done.out)["audit"] is None
    path = scored("t.csv")
    done = cli("evaluate", path, "--draws", "0")
    assert "Shortcut audit: not run. None of the 120 pictures" in done.out
    values = json.loads(cli("evaluate", path, "--draws", "0", "--json").out)
    assert "--images DIR" in values["audit"]["not_run"]
    assert values["audit"]["against_best_cue"] is None


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
        (["a.csv", "--audit", "list.json", "--no-audit"], 64, "give one of them"),
        (["a.csv", "--manifest", "none.csv"], 2, "no manifest none.csv"),
        ([], 64, "Missing argument"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(cli, folder, arguments, code, message):
    done = cli("evaluate", *arguments)
    assert done.code == code and message in done.err and done.err.count("\n") == 1
