"""`despoof check`: exit codes, JSON, table, explanations."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from despoof.cli.evidence import safe_name
from despoof.cli.main import main

FIELDS = {"source", "label", "score", "threshold", "reason", "frames", "faces"}
FACE_FIELDS = {"index", "time", "label", "score", "threshold", "reason", "box", "quality"}


def lines(result):
    def refuse(constant):
        raise AssertionError(f"{constant} is not strict JSON")

    return [json.loads(line, parse_constant=refuse) for line in result.out.splitlines()]


@pytest.fixture
def blank(tmp_path):
    path = tmp_path / "blank.png"
    Image.new("RGB", (200, 200), (90, 120, 150)).save(path)
    return path


@pytest.mark.parametrize(
    ("threshold", "expected"), [("-1", (0, "live")), ("1", (1, "spoof"))], ids=["live", "spoof"]
)
def test_the_exit_code_is_the_verdict(cli, weights, photo, threshold, expected):
    done = cli("check", photo, "--weights", weights, "--threshold", threshold)
    code, label = expected
    assert done.code == code and label in done.out and not done.err


def test_a_spoof_outweighs_what_is_undecided(cli, weights, photo, blank):
    undecided = cli("check", photo, blank, "--weights", weights)
    assert undecided.code == 2 and "no face found" in undecided.out
    assert cli("check", photo, blank, "--weights", weights, "--threshold", 1).code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["check"],
        ["chekc"],
        ["check", "x.jpg", "--threshold", "high"],
        ["check", "x.jpg", "--threshold", "nan"],
        ["check", "x.jpg", "--frames", "0"],
        ["check", "x.jpg", "--frobnicate"],
        ["check", "x.jpg", "--camera", "-1"],
        ["check", "-", "-"],
        ["train"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_64_and_one_line(cli, weights, arguments):
    if "nan" in arguments:
        arguments = [*arguments, "--weights", str(weights)]
    done = cli(*arguments)
    assert done.code == 64
    if arguments:
        assert done.err.startswith("despoof: ") and done.err.count("\n") == 1
        assert not done.out
    else:
        assert "Usage" in done.out + done.err


def test_a_device_that_is_not_there_is_wrong_usage(cli, weights, photo):
    done = cli("check", photo, "--weights", weights, "--device", "abacus")
    assert done.code == 64 and "Device 'abacus'" in done.err


def test_json_has_the_documented_fields_and_nothing_else_on_stdout(cli, weights, photo, blank):
    done = cli("check", photo, blank, "gone.jpg", "--weights", weights, "--json")
    seen, empty, gone = lines(done)
    assert done.code == 2 and not done.err
    assert set(seen) == set(empty) == FIELDS and set(gone) == FIELDS | {"error"}
    assert seen["source"] == str(photo) and seen["label"] == "live" and seen["frames"] == 1
    (face,) = seen["faces"]
    assert set(face) == FACE_FIELDS and len(face["box"]) == 4 and face["time"] is None
    assert face["score"] == seen["score"] and face["quality"]["face"] > 48
    assert (empty["label"], empty["reason"], empty["faces"]) == ("undecided", "no face found", [])
    assert (gone["label"], gone["score"], gone["faces"]) == ("undecided", None, [])
    assert "gone.jpg" in gone["error"]


def test_json_says_where_nobody_vouches_for_the_weights(cli, make_weights, tmp_path, photo, blank):
    folder = make_weights(tmp_path / "own")
    command = ("check", photo, blank, "gone.jpg", "--weights", folder, "--threshold", -1, "--json")
    sealed = lines(cli(*command))
    assert not any("sealed" in one for one in sealed)
    path = folder / "record.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in values.items() if k != "seal"}))
    assert lines(cli(*command)) == [one | {"sealed": False} for one in sealed]
    path.unlink()
    assert lines(cli(*command)) == [one | {"sealed": False} for one in sealed]


def test_a_video_is_one_object_with_its_frames(cli, weights, face_clip):
    done = cli("check", face_clip, "--weights", weights, "--frames", 3, "--json")
    (clip,) = lines(done)
    assert done.code == 0 and clip["frames"] == 3
    assert [face["index"] for face in clip["faces"]] == [0, 1, 2]
    times = [face["time"] for face in clip["faces"]]
    assert times == sorted(set(times))
    assert clip["score"] == min(face["score"] for face in clip["faces"])
    assert clip["colour"] == "no colour matrix given: BT.601 assumed"


def test_the_table_lists_the_faces_of_a_picture_with_several(cli, weights, tmp_path, portrait):
    path = tmp_path / "two [b]faces[bold].png"
    Image.fromarray(np.hstack([portrait, portrait])).save(path)
    done = cli("check", path, "--weights", weights)
    assert done.code == 0 and done.out.count("face ") == 2
    assert "[b]faces[bold]" in done.out.replace("\n", "")


def test_standard_input_is_read(weights, photo):
    done = subprocess.run(
        [sys.executable, "-m", "despoof", "check", "-", "--json", "--weights", str(weights)],
        input=photo.read_bytes(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0 and not done.stderr
    assert json.loads(done.stdout)["source"] == "-"


def test_cropped_pictures_need_no_detection(cli, weights, tmp_path, portrait):
    path = tmp_path / "crop.png"
    Image.fromarray(portrait[60:190, 160:290]).save(path)
    done = cli("check", path, "--cropped", "--weights", weights, "--json")
    (answer,) = lines(done)
    assert answer["label"] == "live" and answer["faces"][0]["box"] is not None


def test_a_missing_camera_is_one_line(cli, weights):
    done = cli("check", "--camera", 99, "--weights", weights)
    assert done.code == 2 and "Camera 99 cannot be opened" in done.err


def test_a_camera_gives_frames_that_lie_apart(cli, weights, portrait, monkeypatch):
    from despoof.core.types import Frame

    def endless(index):
        return (Frame(portrait, f"camera:{index}", i, i / 30) for i in range(10**9))

    monkeypatch.setattr("despoof.media.camera.open_camera", endless)
    done = cli("check", "--camera", 1, "--frames", 3, "--weights", weights, "--json")
    (answer,) = lines(done)
    times = [face["time"] for face in answer["faces"]]
    assert answer["source"] == "camera:1" and np.diff(times).min() >= 0.25


def test_explain_writes_one_picture_per_face_and_no_more(cli, weights, tmp_path, portrait):
    for name in ("a/Zoë 写真.png", "b/Zoë 写真.png"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True)
        Image.fromarray(np.hstack([portrait, portrait])).save(path)
    out = tmp_path / "deep" / "out"
    done = cli("check", tmp_path / "in", "--weights", weights, "--explain", out)
    assert done.code == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "Zoë_写真.png-face1.png",
        "Zoë_写真.png-face2.png",
        "Zoë_写真.png~2-face1.png",
        "Zoë_写真.png~2-face2.png",
    ]
    with Image.open(next(out.iterdir())) as picture:
        assert picture.width > 1000


def test_explain_of_a_video_names_the_frames(cli, weights, tmp_path, face_clip):
    out = tmp_path / "out"
    cli("check", face_clip, "--weights", weights, "--frames", 2, "--explain", out)
    names = sorted(path.name for path in out.iterdir())
    assert names == [f"face_clip.mp4-frame{i}-face1.png" for i in (1, 2)]


def test_explain_leaves_the_verdicts_as_they_are(cli, weights, photo, blank, face_clip):
    ask = ["check", photo, blank, face_clip, "--weights", weights, "--json", "--frames", 2]
    plain, explained = lines(cli(*ask)), lines(cli(*ask, "--explain", photo.parent / "out"))
    for one, other in zip(plain, explained, strict=True):
        assert one["score"] == pytest.approx(other.pop("score"), abs=1e-5)
        assert {**one, "score": 0, "faces": 0} == {**other, "score": 0, "faces": 0}


def test_a_folder_that_cannot_be_written_to_costs_the_pictures_not_the_verdicts(
    cli, weights, tmp_path, photo
):
    (tmp_path / "file").write_text("no folder")
    ask = ["check", photo, photo, "--weights", weights, "--explain", tmp_path / "file" / "out"]
    done = cli(*ask)
    assert done.code == 2 and done.out.count("live") == 2
    assert done.err.count("\n") == 1 and "cannot be written to" in done.err
    assert cli(*ask, "--threshold", 1).code == 1  # a spoof stays a spoof
    assert [a["label"] for a in lines(cli(*ask, "--json"))] == ["live", "live"]


def test_a_full_disk_leaves_no_half_picture(cli, weights, tmp_path, photo, monkeypatch):
    def full(self, target, *_):
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    out = tmp_path / "out"
    done = cli("check", photo, "--weights", weights, "--explain", out)
    assert done.code == 2 and "No space left" in done.err and list(out.iterdir()) == []


def test_an_interrupt_is_130_and_leaves_no_half_picture(cli, weights, tmp_path, photo, monkeypatch):
    def interrupted(self, target, *_):
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("PIL.Image.Image.save", interrupted)
    out = tmp_path / "out"
    done = cli("check", photo, "--weights", weights, "--explain", out)
    assert done.code == 130 and "Traceback" not in done.err and list(out.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_ctrl_c_ends_the_process_with_130(weights, tmp_path, photo):
    for number in range(200):
        (tmp_path / f"{number}.jpg").write_bytes(photo.read_bytes())
    process = subprocess.Popen(
        [sys.executable, "-m", "despoof", "check", tmp_path, "--json", "--weights", weights],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and json.loads(first)["label"] == "live"
    assert err == "despoof: stopped.\n"


@pytest.mark.skipif(os.name != "posix", reason="pipes as POSIX has them")
def test_a_reader_that_leaves_is_no_verdict(weights, photo):
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "despoof", "check", photo, "--json", "--weights", weights],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(write)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_progress_shows_on_a_terminal_only(weights, photo, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    code = main(["check", str(photo), str(photo), "--json", "--weights", str(weights)])
    out, err = capsys.readouterr()
    assert code == 0
    assert len(out.splitlines()) == 2 and all(json.loads(line) for line in out.splitlines())
    assert "0/2" in err
    capsys.readouterr()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    main(["check", str(photo), str(photo), "--json", "--weights", str(weights)])
    assert not capsys.readouterr().err  # the bar would run through the lines


def test_a_bug_is_one_line_and_exit_2_and_debug_shows_where(cli, weights, photo, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("despoof.detector.load", broken)
    done = cli("check", photo, "--weights", weights)
    assert done.code == 2 and done.err.count("\n") == 1
    assert "unexpected ZeroDivisionError: oops" in done.err
    assert "Traceback" in cli("check", photo, "--weights", weights, "--debug").err


def test_debug_shows_the_traceback_of_an_error(cli, photo):
    plain = cli("check", photo, "--weights", "no-such-weights")
    assert plain.code == 2 and "no-such-weights" in plain.err and "Traceback" not in plain.err
    assert "Traceback" in cli("check", photo, "--weights", "no-such-weights", "--debug").err


@pytest.mark.parametrize("command", ["check", "demo", "models", "train"])
def test_every_command_has_help_with_an_example_version_json_and_debug(cli, command):
    shown = cli(command, "--help")
    assert shown.code == 0 and f"Example: despoof {command}" in shown.out
    assert all(option in shown.out for option in ("--json", "--debug", "--version"))
    assert cli(command, "--version").out.startswith("despoof ")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a/../b/x.jpg", "x.jpg"),
        (".hidden", "hidden"),
        ("...", "picture"),
        ("con|nul?.jpg", "con_nul_.jpg"),
        ("caf\udce9.jpg", "caf_.jpg"),
        ("é" * 200 + ".jpg", "é" * 58 + ".jpg"),
    ],
)
def test_names_of_evidence_are_safe(source, name):
    assert safe_name(source) == name
    assert len(safe_name(source).encode()) <= 120
