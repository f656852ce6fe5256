"""`despoof score` and `despoof data audit`: exit codes, JSON, files, progress."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest
from data.made_up_data import make_data_root
from PIL import Image

from despoof.cli.score import _Rate
from despoof.evaluation.score_file import read_scores


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return make_data_root(tmp_path_factory.mktemp("data")) / "nuaa.csv"


def test_a_manifest_is_scored(cli, table, weights, tmp_path):
    out = tmp_path / "scores.csv"
    done = cli("score", table, "--split", "test", "-o", out, "--weights", weights)
    assert done.code == 0, done.err
    assert len(read_scores(out)) == 10 and "10 scored, 0 failed" in done.out
    again = cli("score", table, "--split", "test", "-o", out, "--weights", weights, "--json")
    (summary,) = map(json.loads, again.out.splitlines())
    assert summary["n"] == summary["n_scored"] == 10 and summary["errors"] is None
    assert (summary["n_live"], summary["n_failed"], summary["n_resumed"]) == (5, 0, 0)
    assert summary["output"] == str(out) and summary["per_second"] > 0


def test_folders_are_scored_and_failures_make_2(cli, weights, tmp_path, portrait):
    for name in ("live", "attack/print"):
        (tmp_path / name).mkdir(parents=True)
    face = portrait[50:210, 150:300]
    Image.fromarray(face).save(tmp_path / "live" / "a.png")
    Image.fromarray(face).save(tmp_path / "attack" / "print" / "b.png")
    Image.fromarray(face // 20).save(tmp_path / "live" / "dark.png")
    (tmp_path / "attack" / "c.jpg").write_bytes(b"no")
    folders = ("--live", tmp_path / "live", "--attack", tmp_path / "attack")
    out = tmp_path / "scores.csv"
    done = cli("score", *folders, "-o", out, "--weights", weights, "--cropped")
    assert done.code == 2 and "3 scored, 1 failed" in done.out and "c.jpg" in done.out
    assert "1 of the scored would be undecided" in done.out and "scores.csv.errors.csv" in done.out
    found = {row.path.rpartition("/")[2]: (row.label, row.species) for row in read_scores(out)}
    assert found["a.png"] == ("live", "live") and found["b.png"] == ("attack", "print")
    done = cli("score", *folders, "-o", out, "--weights", weights, "--cropped", "--json")
    summary = json.loads(done.out)
    assert (summary["n_failed_attack"], summary["n_failed_live"]) == (1, 0)
    assert summary["n_undecided"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["m.csv"],
        ["--live", "none"],
        ["{table}", "--live", "."],
        ["--live", ".", "--split", "test"],
        ["{table}", "--frames", "0"],
        ["{table}", "--cropped", "--detect"],
    ],
)
@pytest.mark.parametrize("command", [["score"], ["data", "audit"]], ids=["score", "audit"])
def test_wrong_usage_is_64(cli, table, command, arguments):
    done = cli(*command, *(word.format(table=table) for word in arguments))
    assert done.code == 64 and done.err.startswith("despoof: ") and done.err.count("\n") == 1


def test_a_bad_table_is_2(cli, tmp_path):
    (tmp_path / "m.csv").write_text("path,label\na,1\n")
    done = cli("score", tmp_path / "m.csv")
    assert done.code == 2 and "line 2: label '1' does not say which class is live" in done.err


def test_a_name_that_is_too_long_costs_its_row_alone(table, tmp_path, weights, portrait):
    Image.fromarray(portrait[50:210, 150:300]).save(tmp_path / "a.png")
    rows = ["a.png,real", f"{'y' * 400}.png,attack"]
    (tmp_path / "m.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    files = [str(tmp_path / "m.csv"), "-o", str(tmp_path / "s.csv"), "--weights", str(weights)]
    command = [sys.executable, "-m", "despoof", "score", *files, "--cropped", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    summary = json.loads(done.stdout)
    assert (done.returncode, summary["n_scored"], summary["n_failed_attack"]) == (2, 1, 1)
    # What a word was read as is said, and nothing else.
    assert done.stderr.startswith("despoof: ") and "label 'real' was read as live" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_killed_run_goes_on(table, weights, tmp_path):
    out = tmp_path / "s.csv"
    journal = tmp_path / "s.csv.journal"
    # Waits at its second batch to be caught at work.
    code = (
        "import sys, time\nwaits = iter([0, float(sys.argv[1]), 0])\n"
        "from despoof.detector import Detector\n"
        "check = Detector.check\n"
        "def slow(*a, **k):\n"
        "    time.sleep(next(waits))\n"
        "    return check(*a, **k)\n"
        "Detector.check = slow\n"
        "from despoof.cli.main import main\n"
        "sys.exit(main(sys.argv[2:]))\n"
    )
    arguments = ["score", str(table), "-o", str(out), "--weights", str(weights), "--json"]
    command = [sys.executable, "-c", code]
    with subprocess.Popen([*command, "60", *arguments], stdout=subprocess.PIPE) as process:
        until = time.monotonic() + 60
        while not (journal.exists() and journal.read_bytes().count(b"\n") > 1):
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert not out.exists()
    done = subprocess.run([*command, "0", *arguments], capture_output=True, text=True, check=True)
    summary = json.loads(done.stdout)
    assert summary["n_resumed"] == 16 and summary["n_scored"] == summary["n"] == len(
        read_scores(out)
    )
    assert not journal.exists()


def test_what_was_done_before_a_stop_is_said(cli, table, weights, tmp_path, monkeypatch):
    from despoof.evaluation import bulk

    def torn(path, rows):
        raise KeyboardInterrupt

    arguments = ["score", table, "--split", "test", "-o", tmp_path / "s.csv", "--weights", weights]
    with monkeypatch.context() as patch:
        patch.setattr(bulk, "write_scores", torn)
        assert cli(*arguments).code == 130
    done = cli(*arguments)
    assert done.code == 0 and "10 were done before the stop" in done.out


def test_the_bar_says_the_rate(monkeypatch):
    shown = []
    times = iter([0.0, 0.0, 2.0])
    with ExitStack() as stack:
        bar = _Rate(stack, wanted=False, clock=lambda: next(times))
        bar.begin(2)
        bar.bar = shown.append
        bar.show("a")
        bar.show("b")
    assert shown == ["a", "0.5/s b"]


def test_the_audit_prints_what_it_found(cli, table):
    done = cli("data", "audit", table, "--draws", 20)
    assert done.code == 0, done.err
    assert "sharpness" in done.out and "AUC in the better direction" in done.out
    done = cli("data", "audit", table, "--draws", 0, "--limit", 0.5, "--split", "test", "--json")
    report = json.loads(done.out)
    assert report["flagged"] and not report["can_rank"] and report["not_measured"] == []
    assert len(report["cues"]) == 11 and report["n_live"] == report["n_attack"] == 5
    assert "exceeds 0.5" in cli("data", "audit", table, "--draws", 0, "--limit", 0.5).out


def test_the_audit_names_what_it_could_not_measure(cli, table):
    text = table.read_text().splitlines(keepends=True)
    broken = table.with_name("broken.csv")
    broken.write_text(text[0] + text[1].replace(".png", ".gone.png", 1) + "".join(text[2:]))
    done = cli("data", "audit", broken, "--draws", 0)
    assert done.code == 2 and "There is no file" in done.err and "1 of " in done.err


def test_data_alone_prints_its_help(cli):
    assert "audit" in cli("data").out
