import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import DataError, InputError
from despoof.data.manifest import Clip
from despoof.data.sampler import balanced

ROWS = st.lists(
    st.tuples(st.sampled_from(["live", "attack"]), st.sampled_from("ocim"), st.sampled_from("pr")),
    min_size=1,
    max_size=40,
)
LEVELS = st.permutations(["label", "dataset", "species"]).flatmap(
    lambda levels: st.integers(0, 3).map(lambda n: levels[:n])
)


def clips_of(rows):
    return [
        Clip(None, f"{i}", label, dataset=dataset, species=species)
        for i, (label, dataset, species) in enumerate(rows)
    ]


def drawn(sampler, start, count):
    return [sampler.clip(sampler.draw(n)) for n in range(start, start + count)]


@settings(deadline=None)
@given(ROWS, LEVELS, st.integers(0, 99), st.integers(0, 500), st.integers(1, 120))
def test_any_run_of_draws_is_balanced_to_within_one_at_every_level(rows, levels, seed, start, n):
    clips = clips_of(rows)
    picked = [clips[i] for i in drawn(balanced(clips, levels, seed), start, n)]
    value = {
        "label": lambda c: c.label, "dataset": lambda c: c.dataset, "species": lambda c: c.species
    }  # fmt: skip
    for depth, level in enumerate(levels):
        above = [tuple(value[name](c) for name in levels[:depth]) for c in clips]
        for parent in set(above):
            inside = {value[level](c) for c, a in zip(clips, above, strict=True) if a == parent}
            got = [
                value[level](c)
                for c in picked
                if tuple(value[name](c) for name in levels[:depth]) == parent
            ]
            counts = [got.count(v) for v in inside]
            assert max(counts) - min(counts) <= 1


@settings(deadline=None)
@given(ROWS, LEVELS, st.integers(0, 99), st.integers(1, 300))
def test_every_clip_of_a_group_comes_once_before_any_comes_twice(rows, levels, seed, n):
    clips = clips_of(rows)
    sampler = balanced(clips, levels, seed)
    assert sorted(i for group in sampler.groups for i in group) == list(range(len(clips)))
    counts = np.bincount(drawn(sampler, 0, n), minlength=len(clips))
    for group in sampler.groups:
        mine = counts[list(group)]
        assert mine.max() - mine.min() <= 1


@settings(deadline=None)
@given(ROWS, LEVELS, st.integers(0, 99), st.integers(0, 10**9))
def test_a_draw_needs_none_before_it(rows, levels, seed, number):
    clips = clips_of(rows)
    one, two = balanced(clips, levels, seed), balanced(clips, levels, seed)
    drawn(one, 0, 5)
    assert one.clip(one.draw(number)) == two.clip(two.draw(number))
    assert one.record() == two.record()


def test_passes_differ_and_so_do_seeds():
    clips = clips_of([("live", "o", "p")] * 50)
    one, other = balanced(clips, (), 1), balanced(clips, (), 2)
    first, second = drawn(one, 0, 50), drawn(one, 50, 50)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second and first != drawn(other, 0, 50)
    assert [one.draw(n).epoch for n in (0, 49, 50, 149)] == [0, 0, 1, 2]


def test_a_domain_of_one_class_does_not_tip_the_classes():
    clips = clips_of([("live", "o", "")] * 3 + [("attack", "o", "")] * 30 + [("live", "c", "")] * 9)
    picked = [clips[i] for i in drawn(balanced(clips, ("label", "dataset"), 0), 0, 40)]
    assert sum(c.live for c in picked) == 20
    assert sum(c.live and c.dataset == "c" for c in picked) == 10
    # AG-FAS: the same share of each domain, both classes alike within it.
    picked = [clips[i] for i in drawn(balanced(clips, ("dataset", "label"), 0), 0, 40)]
    assert sum(c.dataset == "o" for c in picked) == 20
    assert sum(c.dataset == "o" and c.live for c in picked) == 10


def test_subjects_take_turns_by_person_not_by_name_alone():
    clips = [Clip(None, str(i), "live", dataset=d, subject="1") for i, d in enumerate("aab")]
    assert len(balanced(clips, ("subject",), 0).groups) == 2


def test_what_is_recorded_is_enough_to_draw_again():
    clips = clips_of([("live", "o", "p"), ("attack", "o", "p"), ("attack", "c", "p")])
    sampler = balanced(clips, ("label",), 5)
    assert sampler.record() == {
        "seed": 5,
        "levels": ["label"],
        "groups": {"attack": 2, "live": 1},
    }
    again = balanced(clips, sampler.record()["levels"], sampler.record()["seed"])
    assert drawn(again, 0, 20) == drawn(sampler, 0, 20)


def test_nonsense_is_refused():
    with pytest.raises(DataError, match="no clips"):
        balanced([], ("label",), 0)
    with pytest.raises(InputError, match="twice"):
        balanced(clips_of([("live", "o", "")]), ("label", "label"), 0)
    with pytest.raises(InputError, match="-1"):
        balanced(clips_of([("live", "o", "")]), (), 0).draw(-1)
