"""Films that are part live and part attack: the attack part decides, wherever they are judged."""

from types import SimpleNamespace

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from despoof.cli.inputs import Item
from despoof.cli.judging import answer
from despoof.core.types import Verdict
from despoof.core.verdicts import clip_score, whole_clip
from despoof.data.manifest import Clip
from despoof.detector import Detector
from despoof.evaluation.clip_scoring import BulkSettings, score_clips
from despoof.face.crop import CropConfig

CROP = CropConfig(size=32, scale=1.0)
SHARES = [share / 10 for share in range(1, 10)]


class Bright:
    """Live, and very sure of it, is bright; an attack is dark."""

    config = SimpleNamespace(crop=CROP)

    def score(self, faces):
        return faces[:, 2, 20:, 20:].mean((1, 2)) * 4 + 1


DETECTOR = Detector(system=Bright(), crop=CROP, threshold=0.25, quality=None)


def film(path, share, begin):
    """Five seconds, of which a share is an attack that begins at a part of the rest."""
    times = np.arange(125) / 25
    at = begin * (1 - share) * 5
    attack = (times >= at - 1e-6) & (times < at + share * 5 - 1e-6)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"g": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for spoof in attack:
            grey = np.full((48, 64, 3), 40 if spoof else 220, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("begin", [0.0, 0.5, 1.0])
def test_check_score_and_judge_agree_that_the_attack_part_decides(share, begin, tmp_path):
    path = film(tmp_path / "film.mp4", share, begin)
    frames = 8 if share >= 0.25 else 16
    judged = DETECTOR.judge(path, cropped=True, frames=frames)
    assert judged.label == "spoof"
    checked = answer(DETECTOR, Item(str(path)), cropped=True, frames=frames).verdict
    assert (checked.label, checked.score) == (judged.label, judged.score)
    clip = Clip(path, "film.mp4", "attack")
    settings = BulkSettings(frames=frames, cropped=True)
    ((_, scored),) = next(score_clips(DETECTOR, [clip], settings))
    assert scored.score == pytest.approx(judged.score, abs=1e-6)


def test_a_film_that_is_live_throughout_is_live(tmp_path):
    path = film(tmp_path / "live.mp4", 0.0, 0.0)
    assert DETECTOR.judge(path, cropped=True).label == "live"
    assert DETECTOR.judge(path, cropped=True, frames=125).label == "live"


@pytest.mark.parametrize("count", [8, 10, 16, 24, 32, 100])
@pytest.mark.parametrize("share", SHARES)
def test_a_tenth_decides_in_any_number_of_frames_and_any_order(count, share):
    """However live the live frames look: 1,000 for an attack of −2.7."""
    rng = np.random.default_rng(round(count * share * 10))
    for _ in range(50):
        scores = rng.normal(1000, 0.3, count)
        spoofs = max(1, int(count * share))
        scores[rng.permutation(count)[:spoofs]] = rng.normal(-2.7, 0.3, spoofs)
        verdicts = [
            Verdict("live" if score > 0.25 else "spoof", float(score), 0.25, index=i)
            for i, score in enumerate(scores)
        ]
        assert whole_clip(verdicts).label == "spoof"


scores = st.lists(st.floats(-5, 5), min_size=1, max_size=70)


@given(scores, st.floats(0, 1e9))
def test_frames_above_the_worst_have_no_say_however_live_they_look(values, more):
    values = sorted(values)
    kept = max(1, len(values) // 10)
    raised = values[:kept] + [value + more for value in values[kept:]]
    assert clip_score(raised) == clip_score(values)


@given(scores)
def test_a_clip_is_between_its_worst_frame_and_its_mean(values):
    assert min(values) - 1e-9 <= clip_score(values) <= np.mean(values) + 1e-9
    assert clip_score(values) == clip_score(values[::-1])
    if len(values) < 20:
        assert clip_score(values) == min(values)


@given(scores, st.integers(0, 69), st.floats(0, 3))
def test_a_worse_frame_never_makes_a_clip_better(values, place, drop):
    lower = list(values)
    lower[place % len(values)] -= drop
    assert clip_score(lower) <= clip_score(values) + 1e-9


def test_what_a_live_film_loses_is_what_is_said():
    rng = np.random.default_rng(0)
    for count, loss in ((8, 1.4), (16, 1.8), (32, 1.7)):
        films = rng.normal(size=(2000, count))
        assert np.mean([clip_score(film) for film in films]) == pytest.approx(-loss, abs=0.1)
