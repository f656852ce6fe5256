"""Dividing clips: parts are apart, nothing is lost, and what lacks is told."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from despoof.core.errors import DataError
from despoof.data.datasets.contract import Division
from despoof.data.datasets.dividing import (
    by_split,
    carve_dev,
    cell,
    divide,
    live_attack,
    need_columns,
    published,
    shared_subjects,
)
from despoof.data.manifest import Clip

ROWS = some.lists(
    some.tuples(
        some.sampled_from(["train", "dev", "test"]),
        some.sampled_from("stuvw"),
        some.sampled_from(["live", "attack"]),
    ),
    min_size=1,
)


def clips_of(rows):
    return [
        Clip(Path(f"{n}"), f"{n}", label, dataset="d", subject=subject, split=split)
        for n, (split, subject, label) in enumerate(rows)
    ]


@given(ROWS)
def test_splits_are_divided_without_loss_in_order(rows):
    clips = clips_of(rows)
    division = by_split(clips, "Set")
    for split in ("train", "dev", "test"):
        names = [clip.name for clip in getattr(division, split)]
        assert names == [clip.name for clip in clips if clip.split == split]
    assert sum(sum(part.values()) for part in division.counts().values()) == len(clips)


@given(ROWS)
def test_dev_and_test_follow_train_unless_they_are_told_otherwise(rows):
    clips = clips_of(rows)
    lives = by_split(clips, "Set", train=lambda clip: clip.live)
    assert all(clip.live for clip in lives.train + lives.dev + lives.test)
    mixed = by_split(clips, "Set", train=lambda clip: clip.live, test=lambda clip: not clip.live)
    assert all(clip.live for clip in mixed.train + mixed.dev)
    assert not any(clip.live for clip in mixed.test)


@given(ROWS)
def test_carving_moves_people_whole(rows):
    division = by_split(clips_of(rows), "Set")
    people = {clip.subject for clip in division.train}
    chosen = set(sorted(people)[:2])
    if not people:
        carved = carve_dev(division, {"s"}, "note")
        assert carved.train == () and carved.dev == division.dev
        return
    carved = carve_dev(division, chosen, "note")
    assert {clip.subject for clip in carved.train} == people - chosen
    assert len(carved.train) + len(carved.dev) == len(division.train) + len(division.dev)
    assert carved.test == division.test and carved.notes == ("note",)
    with pytest.raises(DataError, match=r"meant for dev \(x, y\)"):
        carve_dev(division, {"x", "y"}, "note")


@given(ROWS)
def test_shared_subjects_are_those_of_two_parts(rows):
    division = by_split(clips_of(rows), "Set")
    places = {}
    for split, subject, _ in rows:
        places.setdefault(f"d/{subject}", set()).add(split)
    assert shared_subjects(division) == sorted(s for s, parts in places.items() if len(parts) > 1)


def test_clips_without_a_subject_are_not_shared():
    clip = Clip(Path("a"), "a", "live")
    assert shared_subjects(Division((clip,), (), (clip,))) == []


def test_conditions_divide_in_order():
    clips = clips_of([("", "s", "live"), ("", "t", "attack"), ("", "u", "live")])
    division = divide(
        clips,
        train=lambda clip: clip.subject == "u",
        dev=lambda _: False,
        test=lambda clip: clip.subject < "u",
        notes=("n",),
    )
    names = [[c.name for c in part] for part in (division.train, division.dev, division.test)]
    assert names == [["2"], [], ["0", "1"]] and division.notes == ("n",)


def test_columns_may_be_extra_and_must_be_filled():
    clip = Clip(Path("a"), "a", "live", session="1", extra={"light": "dim"})
    assert (cell(clip, "session"), cell(clip, "light"), cell(clip, "label")) == ("1", "dim", "live")
    assert cell(clip, "nothing") == ""
    need_columns([clip], "Set", "session", "light")
    with pytest.raises(DataError, match=r"1 of 1 clips have no device, e\.g\. a;.*Set"):
        need_columns([clip], "Set", "light", "device")
    with pytest.raises(DataError, match="no clips of Set"):
        need_columns([], "Set")
    with pytest.raises(DataError, match="no split"):
        by_split([clip], "Set")


def test_published_counts_are_spelled_as_a_division_spells_them():
    clips = clips_of([("train", "s", "live"), ("test", "t", "attack")])
    assert published("1/0 0/0 0/1") == by_split(clips, "Set").counts()
    assert published("- - 0/1") == live_attack(test=(0, 1))
    with pytest.raises(ValueError, match="argument 2"):
        published("1/2 3/4")
