"""From frame to frame: how often there is a search and a look, and what errors do."""

import math
from dataclasses import replace

import numpy as np
import pytest

from despoof.core.errors import InputError, MediaError
from despoof.core.types import Face, Frame, Verdict
from despoof.detector.live.config import LiveConfig, TrackingConfig
from despoof.detector.live.following import LOST, NO_FACE, State, given, step
from despoof.detector.live.totals import tally, whole

CONFIG = LiveConfig()
PICTURE = np.zeros((48, 64, 3), np.uint8)
FACE = Face((10.0, 10.0, 40.0, 40.0))
OTHER = Face((100.0, 10.0, 130.0, 40.0))


class Scene:
    """A made-up world: which faces there are when, and what is said of them."""

    def __init__(self, faces=lambda time: [FACE], score=lambda time: 1.0, rate=25.0):
        self.faces, self.score, self.rate = faces, score, rate
        self.searched, self.looked, self.time = [], [], 0.0

    def find(self, image):
        self.searched.append(self.time)
        return self.faces(self.time)

    def judge(self, frame, faces):
        self.looked.append((frame.time, len(faces)))
        return [self.verdict(frame, face, self.score(frame.time)) for face in faces]

    @staticmethod
    def verdict(frame, face, score):
        label, reason = ("live" if score > 0 else "spoof"), ""
        if math.isnan(score):
            label, score, reason = "undecided", None, "the network's score is nan"
        return Verdict(label, score, 0.0, reason, face.box, frame.source, frame.index, frame.time)

    def run(self, seconds, config=CONFIG, state=None):
        """The states after each frame."""
        states = []
        state = state or State()
        for index in range(round(seconds * self.rate)):
            self.time = index / self.rate
            frame = Frame(PICTURE, "made", index, self.time)
            state = step(state, frame, self.find, self.judge, config)
            states.append((frame, state))
        return states


def labels(states):
    return [state.verdict(frame, 0.0).label for frame, state in states]


def test_searches_and_looks_keep_their_pace():
    scene = Scene()
    scene.run(4)
    assert np.diff(scene.searched) == pytest.approx(0.08)
    times = [time for time, _ in scene.looked]
    assert np.diff(times) == pytest.approx(0.24)  # the first search from 0.2 s on
    assert set(times) <= set(scene.searched)


@pytest.mark.parametrize("rate", [5, 10, 24000 / 1001, 30, 60])
def test_at_any_frame_rate_looks_are_as_often_as_stated(rate):
    scene = Scene(rate=rate)
    scene.run(3)
    longest = max(CONFIG.score_every + CONFIG.detect_every, 1 / rate) + 1 / rate
    assert max(np.diff([time for time, _ in scene.looked])) <= longest + 1e-9


def test_a_live_face_is_live_after_the_least_time_and_a_spoof_a_spoof():
    for score, label in ((1.0, "live"), (-1.0, "spoof")):
        states = Scene(score=lambda time, score=score: score).run(3)
        course = labels(states)
        first = course.index(label)
        assert set(course[:first]) == {"undecided"} and set(course[first:]) == {label}
        assert CONFIG.evidence.min_seconds <= states[first][0].time <= 1.1


def test_a_print_slid_over_a_live_face_is_seen_in_the_stated_time():
    states = Scene(score=lambda time: 3.0 if time < 3 else -0.1).run(6)
    course = dict(zip([round(frame.time, 2) for frame, _ in states], labels(states), strict=True))
    longest = CONFIG.score_every + CONFIG.detect_every
    assert course[2.96] == "live"
    assert "live" not in [label for time, label in course.items() if time >= 3 + 0.41 + longest]
    assert {label for time, label in course.items() if time >= 3 + 1.29 + longest} == {"spoof"}
    numbers = {face.track.number for _, state in states for face in state.faces}
    assert numbers == {1}


def test_each_face_is_decided_for_itself_and_the_worst_counts():
    scene = Scene(faces=lambda time: [FACE, OTHER])
    scene.judge = lambda frame, faces: [
        Scene.verdict(frame, face, 1.0 if face is FACE else -1.0) for face in faces
    ]
    frame, state = scene.run(2)[-1]
    assert [face.label for face in state.faces] == ["live", "spoof"]
    assert state.verdict(frame, 0.0).label == "spoof"


def test_a_face_that_is_not_found_is_not_live_in_that_frame_and_lost_after_the_gap():
    states = Scene(faces=lambda time: [FACE] if time < 2 else []).run(3.5)
    assert states[49][1].faces[0].label == "live"
    missed = states[50][1].faces[0]
    assert (missed.label, missed.reason) == ("undecided", LOST)
    last, empty = states[-1]
    assert empty.faces == () and empty.verdict(last, 0.0).reason == NO_FACE


def test_a_miss_of_one_search_keeps_the_evidence():
    states = Scene(faces=lambda time: [] if 2 <= time < 2.08 else [FACE]).run(3)
    assert labels(states)[-1] == "live" and states[-1][1].faces[0].track.number == 1


@pytest.mark.parametrize("where", ["find", "judge", "nan"])
def test_nothing_is_live_after_an_error_until_there_is_enough_again(where):
    scene = Scene()
    real = {"find": scene.find, "judge": scene.judge}

    def failing(*arguments):
        if 2 <= scene.time < 2.3:
            raise MediaError("the lens fell off")
        return real[where](*arguments)

    if where == "nan":
        scene.score = lambda time: float("nan") if 2 <= time < 2.3 else 1.0
    else:
        setattr(scene, where, failing)
    states = scene.run(5)
    told = zip(states, labels(states), strict=True)
    course = {frame.time: (state, label) for (frame, state), label in told}
    failed = next(t for t, (state, _) in course.items() if state.faces[0].evidence.since is None)
    assert 2 <= failed <= 2.3
    quiet = [label for t, (_, label) in course.items() if failed <= t < 2.3 + 0.8]
    assert set(quiet) == {"undecided"}
    assert labels(states)[-1] == "live"
    reason = course[failed][0].faces[0].reason
    assert reason == ("the network's score is nan" if where == "nan" else "the lens fell off")


def test_a_search_that_fails_without_any_face_says_so():
    def failing(image):
        raise InputError("a bad picture")

    frame = Frame(PICTURE, "made", 0, 0.0)
    state = step(State(), frame, failing, Scene().judge, CONFIG)
    verdict = state.verdict(frame, 0.0)
    assert verdict.label == "undecided" and "a bad picture" in verdict.reason


def test_a_bug_passes_through():
    scene = Scene(score=lambda time: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        scene.run(1)


def test_time_that_goes_back_or_stops_begins_anew():
    scene = Scene()
    ((_, state),) = scene.run(2)[-1:]
    assert state.faces[0].label == "live"
    again = step(state, Frame(PICTURE, "made", 0, 0.5), scene.find, scene.judge, CONFIG)
    (face,) = again.faces
    assert face.label == "undecided" and face.track.number == 2
    for _ in range(30):  # a source without times can never decide
        again = step(again, Frame(PICTURE, "made", 0, None), scene.find, scene.judge, CONFIG)
        assert all(f.label == "undecided" for f in again.faces)


def test_a_detector_that_is_told_the_faces_judges_those_and_stays_as_it_was(weights):
    import despoof

    detector = despoof.load(weights, quality=None)
    frame = Frame(np.full((120, 160, 3), 90, np.uint8), "made", 3, 1.5)
    faces = [Face((10.0, 10.0, 60.0, 60.0)), Face((80.0, 20.0, 140.0, 100.0))]
    verdicts = given(detector, faces).check([frame])
    assert [v.box for v in verdicts] == [face.box for face in faces]
    assert {(v.index, v.time) for v in verdicts} == {(3, 1.5)}
    assert detector.face_detector is not given(detector, faces).face_detector


def totals(states):
    kept = {}
    for frame, state in states:
        for face in state.faces:
            number = face.track.number
            kept[number] = tally(kept.get(number), face, frame.time)
    return list(kept.values())


def summed(scene, seconds, error=""):
    return whole(totals(scene.run(seconds)), "made", 0.0, TrackingConfig(), error)


def test_the_whole_is_the_worst_face_and_remembers_a_spoof():
    assert summed(Scene(), 3).label == "live"
    assert summed(Scene(score=lambda t: -1.0), 3).label == "spoof"
    turned = Scene(score=lambda t: -1.0 if t < 2 else 1.0)
    states = turned.run(6)
    assert labels(states)[-1] == "live"
    assert whole(totals(states), "made", 0.0, TrackingConfig()).label == "spoof"


def test_the_score_of_the_whole_is_the_mean_of_its_looks():
    scene = Scene(score=lambda t: 1.0 + t)
    verdict = summed(scene, 3)
    assert verdict.score == pytest.approx(np.mean([1.0 + t for t, _ in scene.looked]))


@pytest.mark.parametrize(
    ("scene", "seconds", "reason"),
    [
        (Scene(faces=lambda t: []), 2, NO_FACE),
        (Scene(faces=lambda t: [FACE] if t < 0.1 else []), 2, "long enough"),
        (Scene(), 0.7, "too little evidence"),
        (Scene(score=lambda t: float("nan")), 2, "nan"),
        (Scene(score=lambda t: 1.0 if t < 2 else float("nan")), 3, "nan"),
        (Scene(score=lambda t: 1.0 if t < 2 else -9.0), 2.5, "disagree"),
    ],
    ids=["empty", "a flash", "short", "nan", "nan at the end", "a turn at the end"],
)
def test_the_whole_is_undecided_with_the_reason(scene, seconds, reason):
    verdict = summed(scene, seconds)
    assert verdict.label == "undecided" and reason in verdict.reason


def test_a_face_that_mostly_could_not_be_judged_is_undecided():
    scene = Scene()
    scene.judge = lambda frame, faces: [
        Scene.verdict(frame, f, 1.0)
        if frame.time < 1.5
        else replace(Scene.verdict(frame, f, 1.0), label="undecided", reason="too dark")
        for f in faces
    ]
    verdict = summed(scene, 6)
    assert verdict.label == "undecided" and "too dark" in verdict.reason


def test_after_an_error_the_whole_is_never_live_but_stays_a_spoof():
    verdict = summed(Scene(), 3, "the camera is gone")
    assert (verdict.label, verdict.reason) == ("undecided", "the camera is gone")
    assert summed(Scene(score=lambda t: -1.0), 3, "the camera is gone").label == "spoof"
