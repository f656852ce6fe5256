"""`check` and `score` on many files: what goes wrong with one costs that one."""

import csv
import json
import logging

import pytest

from despoof.detector import Detector
from despoof.evaluation.score_file import read_scores
from despoof.media import isolated

HOOKED = """
import os, signal
from despoof.media import worker
real = worker.read_frames
def hooked(path, count, limits):
    if "killed" in os.path.basename(path):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(path, count, limits)
worker.read_frames = hooked
worker.main()
"""


@pytest.fixture
def folder(tmp_path, photo):
    root = tmp_path / "many"
    root.mkdir()
    for name in ("a.jpg", "b_killed.jpg", "c.jpg", "d_killed.jpg", "e.jpg"):
        (root / name).write_bytes(photo.read_bytes())
    (root / "f.jpg").write_bytes(photo.read_bytes()[:3000])
    return root


def test_check_answers_for_every_file(cli, weights, folder, monkeypatch):
    monkeypatch.setattr(isolated, "PROGRAM", HOOKED)
    done = cli("check", folder, "--weights", weights, "--threshold", -1, "--json")
    answers = [json.loads(line) for line in done.out.splitlines()]
    labels = [answer["label"] for answer in answers]
    assert labels == ["live", "undecided", "live", "undecided", "live", "undecided"]
    assert "ended the process that reads files (signal 9)" in answers[1]["error"]
    assert [answer["reason"] for answer in answers[1::2]] == ["unreadable"] * 3
    assert done.code == 2


def test_score_answers_for_every_clip(cli, weights, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(isolated, "PROGRAM", HOOKED)
    out = tmp_path / "scores.csv"
    done = cli("score", "--live", folder, "-o", out, "--weights", weights)
    assert done.code == 2 and len(read_scores(out)) == 3
    with (tmp_path / "scores.csv.errors.csv").open() as file:
        reasons = {row["path"][-12:]: row["reason"] for row in csv.DictReader(file)}
    assert len(reasons) == 3
    assert sum("ended the process that reads files" in reason for reason in reasons.values()) == 2


def test_one_file_is_checked_without_another_process(cli, weights, photo, monkeypatch):
    monkeypatch.setattr(isolated, "_start", lambda: pytest.fail("a process was started"))
    assert cli("check", photo, "--weights", weights, "--threshold", -1).code == 0


def test_what_breaks_after_reading_costs_its_file_too(cli, weights, folder, tmp_path, monkeypatch):
    real = Detector._examine

    def odd(self, frames, *rest):
        if any("c.jpg" in frame.source for frame in frames):
            raise ZeroDivisionError("odd")
        return real(self, frames, *rest)

    monkeypatch.setattr(Detector, "_examine", odd)
    done = cli("check", folder, "--weights", weights, "--threshold", -1, "--json")
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert [a["label"] for a in answers] == ["live"] * 2 + ["undecided"] + ["live"] * 2 + [
        "undecided"
    ]
    assert "unexpected ZeroDivisionError: odd. This is a bug" in answers[2]["error"]


def test_debug_shows_what_happened_to_each_file(cli, weights, folder, tmp_path, caplog):
    (folder / "g.jpg").write_bytes(b"\xff\xd8\xff")
    for command in (["check", folder], ["score", "--live", folder, "-o", tmp_path / "s.csv"]):
        caplog.clear()
        cli(*command, "--weights", weights)
        assert not [record for record in caplog.records if record.exc_info]
        cli(*command, "--weights", weights, "--debug")
        if command[0] == "score":
            cli(*command, "--weights", weights, "--debug", "--fresh")
        assert "in read_noted" in caplog.text  # the line of the other process
        assert logging.getLogger("despoof").level == logging.NOTSET
