"""`despoof watch`, end to end on made videos and made cameras."""

import itertools
import json
import time

import av
import numpy as np
import pytest
from PIL import Image

from cli.watch_world import BROKEN, LIVE, NOTHING, SIZE, SPOOF, detector, picture, write_clip
from despoof.core.errors import MediaError
from despoof.core.types import Frame

FRAME = {"kind", "source", "index", "time", "label", "reason", "dropped", "faces"}
PLAIN = {"track", "label", "score", "threshold", "reason", "box"}
FACE = PLAIN | {"found", "live", "spoof", "unjudged", "look"}
EVENT = PLAIN | {"kind", "event", "source", "index", "time", "was"}
SUMMARY = {
    *("kind", "source", "label", "score", "threshold", "reason", "frames", "dropped"),
    *("seconds", "frames_per_second", "faces"),
}
TOTAL = {
    *("track", "label", "score", "threshold", "reason", "begin", "end", "looks", "judged"),
}


@pytest.fixture(autouse=True)
def world(monkeypatch):
    monkeypatch.setattr("despoof.detector.load", lambda *a, threshold=None, **k: detector())


@pytest.fixture
def clip(tmp_path):
    """Two seconds live, two seconds spoof, 20 frames a second."""
    return write_clip(tmp_path / "turns.mp4", [LIVE] * 40 + [SPOOF] * 40)


def lines(done):
    def refuse(constant):
        raise AssertionError(f"{constant} is not strict JSON")

    return [json.loads(line, parse_constant=refuse) for line in done.out.splitlines()]


def camera_of(frames, monkeypatch):
    """Put a made camera in the place of the real one; return what tells whether it was closed."""
    closed = []

    def opened(index):
        def given():
            try:
                yield from frames(f"camera:{index}")
            finally:
                closed.append(index)

        return given()

    monkeypatch.setattr("despoof.media.camera.open_camera", opened)
    return closed


def ticking(colour, rate=50.0, count=10**6):
    """Frames at their own pace."""

    def frames(source):
        start = time.monotonic()
        for index in range(count):
            time.sleep(max(0.0, start + index / rate - time.monotonic()))
            yield Frame(picture(colour, index), source, index, time.monotonic() - start)

    return frames


def test_every_frame_is_a_line_of_the_documented_fields_and_then_the_summary(cli, clip):
    done = cli("watch", clip, "--json")
    *frames, summary = lines(done)
    assert done.code == 1 and not done.err
    assert len(frames) == 80 and all(set(f) == FRAME and f["kind"] == "frame" for f in frames)
    assert [f["index"] for f in frames] == list(range(80))
    assert [f["time"] for f in frames] == pytest.approx([i / 20 for i in range(80)])
    faces = [face for f in frames for face in f["faces"]]
    assert len(faces) == 80 and all(set(face) == FACE and face["track"] == 1 for face in faces)
    looks = [face["look"] for face in faces if face["look"]]
    assert all(set(look) == {"label", "score", "reason", "quality"} for look in looks)
    assert 10 < len(looks) < 30
    assert all((f["label"] == "undecided") == bool(f["reason"]) for f in frames)
    assert set(summary) == SUMMARY | {"colour"} and summary["kind"] == "summary"
    assert summary["colour"] == "no colour matrix given: BT.601 assumed"
    assert (summary["label"], summary["frames"], summary["dropped"]) == ("spoof", 80, 0)
    (face,) = summary["faces"]
    assert set(face) == TOTAL and face["label"] == "spoof" and face["judged"] == len(looks)


@pytest.mark.parametrize("empty", [True, False])
def test_the_summary_says_where_nobody_vouches_for_the_weights(cli, tmp_path, monkeypatch, empty):
    path = write_clip(tmp_path / "short.mp4", [None if empty else LIVE] * 20)
    sealed = lines(cli("watch", path, "--json"))[-1]
    assert "sealed" not in sealed
    monkeypatch.setattr("despoof.detector.load", lambda *a, **k: detector(sealed=False))
    unsealed = lines(cli("watch", path, "--json"))[-1]
    assert unsealed["sealed"] is False and set(unsealed) == set(sealed) | {"sealed"}


def test_the_course_of_a_turn_from_live_to_spoof(cli, clip):
    *frames, _ = lines(cli("watch", clip, "--json"))
    course = [f["label"] for f in frames]
    assert set(course[:16]) == {"undecided"} and set(course[22:40]) == {"live"}
    assert "live" not in course[40 + round(20 * (0.41 + 0.28)) + 1 :]
    assert course[-1] == "spoof"
    order = [label for label, _ in itertools.groupby(course)]
    assert order == ["undecided", "live", "undecided", "spoof"]


def test_events_are_the_changes_alone(cli, clip):
    *events, summary = lines(cli("watch", clip, "--json", "--events"))
    assert all(set(e) == EVENT and e["kind"] == "event" for e in events)
    assert [(e["event"], e["was"], e["label"]) for e in events] == [
        ("began", None, "undecided"),
        ("changed", "undecided", "live"),
        ("changed", "live", "undecided"),
        ("changed", "undecided", "spoof"),
    ]
    assert summary["kind"] == "summary"


def test_a_face_that_leaves_is_told_and_undecided(cli, tmp_path):
    clip = write_clip(tmp_path / "leaves.mp4", [LIVE] * 40 + [NOTHING] * 20)
    done = cli("watch", clip, "--json", "--events")
    *events, summary = lines(done)
    last = events[-1]
    assert (last["event"], last["label"], last["reason"]) == ("ended", "undecided", "the face left")
    assert summary["label"] == "live" and done.code == 0


def test_people_get_lines_and_a_table(cli, clip):
    done = cli("watch", clip)
    assert done.code == 1 and not done.err
    text = done.out
    assert "face 1  live" in text and "face 1  spoof" in text
    assert text.splitlines()[-1].split()[:3] == ["face", "1", "spoof"]
    assert "turns.mp4" in text and "looks disagree" in text


@pytest.mark.parametrize(
    ("colours", "code", "reason"),
    [
        ([LIVE] * 40, 0, ""),
        ([SPOOF] * 40, 1, ""),
        ([NOTHING] * 10, 2, "no face found"),
        ([LIVE] * 10, 2, "too little evidence"),
        ([BROKEN] * 40, 2, "not a number"),
        ([LIVE] * 40 + [BROKEN] * 8, 2, "not a number"),
    ],
    ids=["live", "spoof", "empty", "short", "broken", "breaks"],
)
def test_the_exit_code_is_the_verdict(cli, tmp_path, colours, code, reason):
    done = cli("watch", write_clip(tmp_path / "clip.mp4", colours), "--json")
    summary = lines(done)[-1]
    assert done.code == code and reason in summary["reason"]


def test_weights_without_a_threshold_decide_nothing(cli, clip, monkeypatch):
    monkeypatch.setattr("despoof.detector.load", lambda *a, **k: detector(threshold=None))
    done = cli("watch", clip, "--json")
    *frames, summary = lines(done)
    assert done.code == 2 and {f["label"] for f in frames} == {"undecided"}
    assert "threshold" in summary["reason"]


def read_back(path):
    with av.open(str(path)) as container:
        return [
            (frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)
        ]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_annotated_video_has_the_frames_at_their_times_and_the_boxes(
    cli, clip, tmp_path, suffix
):
    out = tmp_path / f"out{suffix}"
    assert cli("watch", clip, "--out", out).code == 1
    was, now = read_back(clip), read_back(out)
    assert len(now) == len(was) == 80
    assert [t for t, _ in now] == pytest.approx([t for t, _ in was], abs=2e-3)
    assert now[0][1].shape == (SIZE[1], SIZE[0], 3)
    assert any(
        np.abs(a.astype(int) - b).max() > 100 for (_, a), (_, b) in zip(was, now, strict=True)
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([clip.name, out.name])


def test_uneven_frame_times_are_kept(cli, tmp_path, monkeypatch):
    times = [0.0, 0.04, 0.1, 0.35, 0.351, 1.2]
    frames = [Frame(picture(LIVE), "clip", i, t) for i, t in enumerate(times)]
    monkeypatch.setattr("despoof.cli.watch_source.video_frames", lambda name: (f for f in frames))
    out = tmp_path / "out.mp4"
    assert cli("watch", "clip", "--out", out).code == 2
    assert [t for t, _ in read_back(out)] == pytest.approx(times, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "message"),
    [("out.avi", "expected a name"), ("no/out.mp4", "no folder"), ("turns.mp4", "is watched")],
)
def test_an_output_that_cannot_be_is_refused_at_once(cli, clip, tmp_path, name, message):
    before = clip.read_bytes()
    done = cli("watch", clip, "--out", tmp_path / name)
    assert done.code == 64 and message in done.err and done.err.count("\n") == 1
    assert clip.read_bytes() == before


def test_a_camera_is_watched_until_its_time_is_over_and_then_released(cli, monkeypatch):
    closed = camera_of(ticking(LIVE), monkeypatch)
    done = cli("watch", "--camera", 0, "--seconds", 1.5, "--json")
    *frames, summary = lines(done)
    assert summary["source"] == "camera:0" == frames[0]["source"]
    assert frames[-1]["time"] < 1.5 and closed == [0]
    assert summary["dropped"] == sum(f["dropped"] for f in frames)
    assert frames[-1]["index"] + 1 == summary["frames"] + summary["dropped"]


def test_frames_that_come_while_the_network_is_busy_are_dropped(cli, monkeypatch):
    slow = detector()
    real = slow.system.score

    def busy(faces):
        time.sleep(0.15)
        return real(faces)

    slow.system.score = busy
    monkeypatch.setattr("despoof.detector.load", lambda *a, **k: slow)
    camera_of(ticking(LIVE, rate=100.0), monkeypatch)
    *frames, summary = lines(cli("watch", "--camera", 0, "--seconds", 1.5, "--json"))
    assert summary["dropped"] > 20
    assert any(f["dropped"] >= 5 for f in frames)


def test_a_file_drops_nothing_however_slow_unless_it_is_played(cli, tmp_path, monkeypatch):
    slow = detector()
    real = slow.system.score

    def busy(faces):
        time.sleep(0.12)
        return real(faces)

    slow.system.score = busy
    monkeypatch.setattr("despoof.detector.load", lambda *a, **k: slow)
    clip = write_clip(tmp_path / "clip.mp4", [LIVE] * 24)
    whole, played = (
        lines(cli("watch", clip, "--json", *more))[-1] for more in ([], ["--realtime"])
    )
    assert (whole["frames"], whole["dropped"]) == (24, 0)
    assert played["dropped"] > 0 and played["frames"] + played["dropped"] == 24


def test_a_camera_that_stops_is_undecided_and_says_why(cli, monkeypatch):
    def failing(source):
        yield from ticking(LIVE, count=90)(source)
        raise MediaError(f"{source} stopped. Connect it again.")

    camera_of(failing, monkeypatch)
    done = cli("watch", "--camera", 0, "--json")
    summary = lines(done)[-1]
    assert done.code == 2 and summary["label"] == "undecided"
    assert summary["error"] == "camera:0 stopped. Connect it again." == summary["reason"]
    told = cli("watch", "--camera", 0)
    assert told.code == 2 and told.err == "despoof: camera:0 stopped. Connect it again.\n"


def test_a_camera_that_is_not_there_is_one_line(cli):
    done = cli("watch", "--camera", 97)
    assert done.code == 2 and done.err.count("\n") == 1 and not done.out
    assert "Camera 97 cannot be opened" in done.err


def test_an_interrupt_sums_up_finishes_the_video_and_is_130(cli, tmp_path, monkeypatch):
    def stopping(name):
        for index in range(30):
            yield Frame(picture(LIVE), name, index, index / 20)
        raise KeyboardInterrupt

    monkeypatch.setattr("despoof.cli.watch_source.video_frames", stopping)
    out = tmp_path / "out.mp4"
    done = cli("watch", "clip", "--out", out, "--json")
    assert done.code == 130 and lines(done)[-1]["frames"] == 30
    assert len(read_back(out)) == 30


def test_a_bug_is_told_in_the_summary_and_is_never_live(cli, clip, monkeypatch):
    broken = detector()

    def failing(faces):
        raise ZeroDivisionError("oops")

    broken.system.score = failing
    monkeypatch.setattr("despoof.detector.load", lambda *a, **k: broken)
    done = cli("watch", clip, "--json")
    assert done.code == 2 and "unexpected ZeroDivisionError: oops" in done.err
    assert lines(done)[-1]["label"] == "undecided" and "oops" in lines(done)[-1]["error"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["clip.mp4", "--camera", "0"],
        ["--camera", "-1"],
        ["clip.mp4", "--events"],
        ["clip.mp4", "--set", "detect_evry=1", "--json"],
        ["clip.mp4", "--set", "score_every=9"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_64_and_one_line(cli, arguments):
    done = cli("watch", *arguments)
    assert done.code == 64 and done.err.startswith("despoof: ") and done.err.count("\n") == 1


def test_what_is_no_video_says_so(cli, tmp_path):
    photo, text = tmp_path / "photo.jpg", tmp_path / "notes.mp4"
    Image.fromarray(picture(LIVE)).save(photo)
    text.write_text("Dear reader")
    assert "despoof check" in cli("watch", photo).err
    assert "is a folder" in cli("watch", tmp_path).err
    gone = cli("watch", tmp_path / "gone.mp4")
    assert gone.code == 2 and "There is no file" in gone.err
    bad = cli("watch", text, "--out", tmp_path / "out.mp4")
    assert bad.code == 2 and "cannot be read as a video" in bad.err
    assert not (tmp_path / "out.mp4").exists()


def test_a_window_without_a_display_is_a_clear_error(cli, clip, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    done = cli("watch", clip, "--window")
    assert done.code == 64 and "needs a display" in done.err and done.err.count("\n") == 1


def test_the_window_shows_every_frame_and_q_ends(cli, clip, monkeypatch):
    shown = []
    monkeypatch.setenv("DISPLAY", ":made-up")
    for name in ("namedWindow", "resizeWindow", "destroyAllWindows"):
        monkeypatch.setattr(f"cv2.{name}", lambda *a: None)
    monkeypatch.setattr("cv2.imshow", lambda title, image: shown.append(image))
    monkeypatch.setattr("cv2.getWindowProperty", lambda *a: 1.0)
    monkeypatch.setattr("cv2.waitKey", lambda ms: ord("q") if len(shown) == 30 else -1)
    done = cli("watch", clip, "--window", "--json")
    assert done.code == 0 and lines(done)[-1]["frames"] == 30 == len(shown)
    b, g, r = shown[0][30, 30].astype(int)
    assert g > 180 and max(b, r) < 120  # OpenCV counts blue first


def test_the_help_has_an_example(cli):
    shown = cli("watch", "--help")
    assert shown.code == 0 and "Example: despoof watch" in shown.out
    assert all(option in shown.out for option in ("--json", "--debug", "--version", "--realtime"))
