"""The parts of `despoof watch`: pacing, the slot for the newest frame, drawing, the inset."""

import itertools
import json
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.watch_world import LIVE, detector, picture
from despoof.cli.watch_inset import SIDE, NoiseInset
from despoof.cli.watch_overlay import annotated
from despoof.cli.watch_source import newest, paced
from despoof.core.errors import InputError, MediaError
from despoof.core.types import Face, Frame
from despoof.detector.live.evidence import Evidence
from despoof.detector.live.following import Followed
from despoof.detector.live.tracking import Track

QUICK = settings(deadline=None, max_examples=40)
numbers = st.floats(-1e9, 1e9) | st.sampled_from([float("nan"), float("inf"), -0.0])


def frames(times):
    return [Frame(picture(LIVE), "made", i, t) for i, t in enumerate(times)]


def followed(box, label="live", *, found=True, seen=0.0, number=1):
    evidence = Evidence(label, "" if label != "undecided" else "why", 0.5, 0.0, 0, 0, 1, 1.0)
    return Followed(Track(number, Face(box), seen, found), evidence)


@QUICK
@given(st.lists(st.floats(0, 10), max_size=8).map(sorted), st.floats(0, 2))
def test_a_paced_frame_never_comes_early_and_waits_no_longer_than_needed(times, work):
    now = [100.0]
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    for frame in paced(iter(frames(times)), lambda: now[0], sleep):
        assert now[0] >= 100 + frame.time - times[0] - 1e-9
        now[0] += work
    assert all(seconds > 0 for seconds in slept)
    if times and work == 0:
        assert sum(slept) == pytest.approx(times[-1] - times[0])


def test_the_newest_frame_is_given_and_the_last_one_always():
    taken = []
    for frame in newest(iter(frames([i / 10 for i in range(50)]))):
        taken.append(frame.index)
        time.sleep(0.02)
    assert taken == sorted(set(taken)) and taken[-1] == 49 and len(taken) < 50


def test_the_reader_is_closed_in_its_own_thread_when_the_caller_leaves():
    closed = []

    def endless():
        try:
            for index in itertools.count():
                time.sleep(0.005)
                yield Frame(picture(LIVE), "made", index, index / 200)
        finally:
            closed.append(threading.current_thread().name)

    given_frames = newest(endless())
    next(given_frames)
    given_frames.close()
    assert closed == ["frames"]


def test_an_error_of_the_reader_comes_after_its_frames():
    def failing():
        yield Frame(picture(LIVE), "made", 0, 0.0)
        raise MediaError("unplugged")

    taken = newest(failing())
    assert next(taken).index == 0
    with pytest.raises(MediaError, match="unplugged"):
        next(taken)


def test_a_camera_that_is_silent_is_an_error_after_a_while():
    free = threading.Event()

    def silent():
        yield Frame(picture(LIVE), "made", 0, 0.0)
        free.wait(10)

    taken = newest(silent(), patience=0.1)
    next(taken)
    begin = time.monotonic()
    try:
        with pytest.raises(MediaError, match=r"No picture came for 0\.1 s"):
            next(taken)
        assert time.monotonic() - begin < 5
    finally:
        free.set()


def test_the_overlay_draws_on_a_copy():
    image = np.full((120, 160, 3), 50, np.uint8)
    before = image.copy()
    drawn = annotated(image, [followed((40, 50, 90, 100))])
    assert (image == before).all() and drawn.shape == image.shape and drawn.dtype == np.uint8
    changed = np.nonzero((drawn != image).any(axis=2))
    assert (drawn[75, 65] == 50).all()  # the face itself stays visible
    assert changed[0].min() >= 25 and changed[0].max() <= 110


@QUICK
@given(
    st.lists(st.tuples(numbers, numbers, numbers, numbers), max_size=3),
    st.sampled_from(["live", "spoof", "undecided"]),
    st.booleans(),
    st.tuples(st.integers(1, 150), st.integers(1, 150)),
)
def test_any_box_on_any_picture_can_be_drawn(boxes, label, found, size):
    image = np.zeros((*size, 3), np.uint8)
    inset = np.full((SIDE, SIDE, 3), 9, np.uint8)
    faces = [followed(box, label, found=found) for box in boxes]
    assert annotated(image, faces, inset).shape == image.shape


def test_labels_have_their_colours_and_the_inset_its_corner():
    image = np.full((240, 320, 3), 50, np.uint8)
    inset = np.full((SIDE, SIDE, 3), 200, np.uint8)
    edges = {}
    for label in ("live", "spoof", "undecided"):
        drawn = annotated(image, [followed((40, 60, 140, 160), label)], inset)
        edges[label] = tuple(drawn[110, 40])
        assert (drawn[60, 260] == 200).all()
    assert len(set(edges.values())) == 3 and edges["live"][1] > edges["live"][0]
    assert edges["spoof"][0] > edges["spoof"][1]


def counted(values):
    """A detector whose decompositions are counted."""
    made = detector()
    real = made.system.decompose

    def decompose(faces):
        values.append(len(faces))
        return real(faces)

    made.system.decompose = decompose
    return made


def test_the_inset_is_of_the_largest_face_and_renewed_in_its_time():
    calls = []
    inset = NoiseInset(counted(calls), every=1.0)
    for index in range(20):
        frame = Frame(picture(LIVE), "made", index, index / 10)
        small = followed((0, 0, 10, 10), seen=frame.time, number=1)
        large = followed((16, 16, 48, 48), seen=frame.time, number=2)
        assert inset(frame, [small, large]).shape == (SIDE, SIDE, 3)
    assert calls == [1, 1]  # at 0 and 1 s
    frame = Frame(picture(LIVE), "made", 20, 1.95)
    inset(frame, [followed((16, 16, 48, 48), seen=1.95, number=3)])
    assert calls == [1, 1, 1]  # another face: at once
    held = followed((16, 16, 48, 48), seen=1.95, number=3)
    assert inset(Frame(picture(LIVE), "made", 99, 9.0), [held]) is not None
    assert calls == [1, 1, 1]  # not found in this frame: its box is not where the face is


def test_no_face_no_inset_and_a_failure_costs_only_the_inset():
    frame = Frame(picture(LIVE), "made", 0, 0.0)
    face = followed((16, 16, 48, 48))
    assert NoiseInset(detector(), 1.0)(frame, []) is None
    assert NoiseInset(detector(), 0.0)(frame, [face]) is None
    assert NoiseInset(detector(), 1.0)(frame, [followed((16, 16, 48, 48), found=False)]) is None
    broken = detector()

    def failing(faces):
        raise InputError("no")

    broken.system.decompose = failing
    assert NoiseInset(broken, 1.0)(frame, [face]) is None


def test_a_real_face_is_found_followed_and_judged_by_a_real_system(cli, weights, face_clip):
    """One second, ten frames: the first decision can fall at 0.8 s. Threshold -1 calls all live."""
    done = cli("watch", face_clip, "--weights", weights, "--json")
    *seen, summary = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 0 and not done.err and summary["label"] == "live"
    assert [frame["label"] for frame in seen] == ["undecided"] * 8 + ["live"] * 2
    assert {face["track"] for frame in seen for face in frame["faces"]} == {1}
    assert seen[0]["faces"][0]["look"]["quality"]["face"] > 48
    spoofed = cli("watch", face_clip, "--weights", weights, "--threshold", 1, "--json")
    assert spoofed.code == 1
