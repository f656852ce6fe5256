import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean

from despoof.core.errors import InputError
from despoof.metrics.clips import to_clips
from despoof.metrics.scores import make_scores
from metrics.score_strategies import calm

RULES = {
    "mean": np.mean,
    "median": np.median,
    "min": np.min,
    "trimmed": lambda values: trim_mean(values, 0.2),
}
clips_of_frames = st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), max_size=8)


def frames_of(clips, seed=0):
    rows = [(s, f"clip{i}", i % 2) for i, clip in enumerate(clips) for s in clip]
    rows = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    score, name, live = zip(*rows, strict=True) if rows else ((), (), ())
    return make_scores(score, live, group=name if rows else np.array([], "U1")), np.array(
        name, "U8"
    )


@calm
@given(clips_of_frames, st.sampled_from(list(RULES)), st.integers(0, 99))
def test_each_rule_is_its_plain_definition(clips, how, seed):
    frames, name = frames_of(clips, seed)
    found = to_clips(frames, name, how, trim=0.2)
    assert len(found.scores) == len(clips)
    assert found.clip.tolist() == list(dict.fromkeys(name.tolist()))
    for i, clip in enumerate(found.clip.tolist()):
        values = clips[int(clip[4:])]
        assert found.scores.score[i] == pytest.approx(RULES[how](values), rel=1e-9, abs=1e-9)
        assert min(values) <= found.scores.score[i] <= max(values)
        assert found.frames[i] == len(values)
        assert found.scores.group[i] == clip
        assert found.scores.live[i] == int(clip[4:]) % 2


def test_equal_frames_give_exactly_their_score():
    frames = make_scores([0.1] * 3 + [0.7] * 7, [1] * 10, group=["s"] * 10)
    found = to_clips(frames, np.array(["a"] * 3 + ["b"] * 7))
    assert found.scores.score.tolist() == [0.1, 0.7]


def test_huge_frames_do_not_overflow():
    frames = make_scores([1.7e308, 1.7e308], [1, 1], group=["s", "s"])
    for how in RULES:
        assert to_clips(frames, np.array(["a", "a"]), how).scores.score.tolist() == [1.7e308]


def test_the_rule_is_named():
    frames = make_scores([1, 0], [1, 0])
    names = np.array(["a", "b"])
    assert to_clips(frames, names).how == "mean"
    assert to_clips(frames, names, "trimmed").how.startswith("trimmed mean, 0.1 of")


@pytest.mark.parametrize(
    ("live", "species", "group", "what"),
    [
        ([1, 0], None, ["s", "s"], "class"),
        ([0, 0], ["print", "mask"], ["s", "s"], "species"),
        ([1, 1], None, ["s", "t"], "group"),
    ],
)
def test_a_clip_has_one_class_species_and_group(live, species, group, what):
    frames = make_scores([1, 0], live, species, group)
    with pytest.raises(InputError, match=f"Clip 'a' has frames of more than one {what}"):
        to_clips(frames, np.array(["a", "a"]))


def test_bad_requests_are_refused():
    frames = make_scores([1, 0], [1, 0])
    names = np.array(["a", "b"])
    with pytest.raises(InputError, match="one per frame"):
        to_clips(frames, names[:1])
    with pytest.raises(InputError, match="how='max' is unknown"):
        to_clips(frames, names, "max")
    with pytest.raises(InputError, match=r"trim=0\.5"):
        to_clips(frames, names, "trimmed", trim=0.5)
