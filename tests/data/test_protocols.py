"""Protocols across datasets, of unseen species, by person; which are offered for what."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from data.datasets.checks import sizes
from data.datasets.trees_video_sets import casia, msu, oulu, replay
from despoof.core.errors import DataError, InputError
from despoof.data.datasets import casia_mfsd, msu_mfsd, oulu_npu, replay_attack
from despoof.data.datasets.dividing import shared_subjects
from despoof.data.datasets.tree import with_suffix
from despoof.data.manifest import Clip, read_manifest
from despoof.data.manifest_writer import write_manifest
from despoof.data.protocols.choose import protocol_named, protocols_for
from despoof.data.protocols.cross import CROSS
from despoof.data.protocols.parts import part_of
from despoof.data.protocols.tables import divided, read_manifests

C, M, I, O = "casia-mfsd", "msu-mfsd", "replay-attack", "oulu-npu"  # noqa: E741
WITHOUT_DEV = {C: (150, 450), M: (70, 210), I: (140, 700), O: (720, 2880)}  # SPEC §4.13
OTHERS = {
    "limited-to-replay-attack": "220/660 0/0 140/700",
    "limited-to-oulu-npu": "220/660 0/0 720/2880",
    "limited-to-replay-attack-strict": "195/585 25/75 140/700",
    "limited-to-oulu-npu-strict": "195/585 25/75 720/2880",
    "casia-to-replay": "60/180 90/270 80/400",
    "replay-to-casia": "60/300 60/300 90/270",
}
STRICT_DEV = {C: "330/1380", M: "330/1380", I: "270/1080", O: "60/300"}


@pytest.fixture(scope="module")
def four():
    """All clips of the four complete sets, read from the names of their files."""
    sets = ((casia_mfsd, casia()), (msu_mfsd, msu()), (replay_attack, replay()), (oulu_npu, oulu()))
    clips = []
    for module, names in sets:
        root = Path(module.DATASET.name)
        clips += [clip for name in with_suffix(names) if (clip := module.clip_of(root, name))]
    return clips


@pytest.mark.parametrize("target", [C, M, I, O])
def test_leave_one_out_has_the_published_sizes(four, target):
    sides = [WITHOUT_DEV[name] for name in WITHOUT_DEV if name != target]
    train = "/".join(str(sum(pair[side] for pair in sides)) for side in (0, 1))
    test = "/".join(map(str, WITHOUT_DEV[target]))
    published = protocol_named(four, f"ocim-to-{target}").divide(four)
    assert sizes(published) == f"{train} 0/0 {test}" and "oracle" in published.notes[0]
    strict = protocol_named(four, f"ocim-to-{target}-strict").divide(four)
    assert sizes(strict) == f"{train} {STRICT_DEV[target]} {test}"
    assert {clip.dataset for clip in published.test} == {target}
    assert target not in {clip.dataset for clip in (*strict.train, *strict.dev)}


@pytest.mark.parametrize("name", OTHERS)
def test_other_cross_protocols_have_their_sizes(four, name):
    assert sizes(protocol_named(four, name).divide(four)) == OTHERS[name]


@pytest.mark.parametrize("name", CROSS)
def test_every_cross_protocol_keeps_its_promises(four, name):
    protocol = CROSS[name].protocol
    division = protocol.divide(four)
    assert protocol.name == name and division.counts() == protocol.counts
    assert shared_subjects(division) == [] and division.notes
    rows = divided(division)
    assert len({clip.path for clip in rows}) == len(rows)


def test_cross_protocols_are_offered_where_all_sets_are_there(four):
    assert set(CROSS) <= set(protocols_for(four))
    two = [clip for clip in four if clip.dataset in (C, I)]
    assert set(CROSS) & set(protocols_for(two)) == {"casia-to-replay", "replay-to-casia"}
    with pytest.raises(DataError, match="ocim-to-msu-mfsd needs clips of msu-mfsd, oulu-npu, too"):
        protocol_named(two, "ocim-to-msu-mfsd")
    with pytest.raises(DataError, match="Did you mean casia-to-replay"):
        protocol_named(two, "casia-to-reply")
    assert "p3_1" in protocols_for([clip for clip in four if clip.dataset == O])


def test_a_cross_protocol_needs_every_part(four):
    lame = [clip for clip in four if not (clip.dataset == O and clip.split == "dev")]
    with pytest.raises(DataError, match="no dev clips of oulu-npu"):
        protocol_named(four, "ocim-to-replay-attack-strict").divide(lame)
    blank = [replace(clip, split="") for clip in four]
    with pytest.raises(DataError, match="has no split"):
        protocol_named(four, "ocim-to-replay-attack").divide(blank)


def test_manifests_are_taken_together_once_each(four, tmp_path):
    tables = [tmp_path / f"{name}.csv" for name in (C, I)]
    for table, name in zip(tables, (C, I), strict=True):
        write_manifest(table, [clip for clip in four if clip.dataset == name])
    clips = read_manifests(tables)
    assert sizes(protocol_named(clips, "casia-to-replay").divide(clips)) == "60/180 90/270 80/400"
    with pytest.raises(DataError, match="Keep one row"):
        read_manifests([tables[0], tables[0]])
    with pytest.raises(InputError, match="There is no file"):
        read_manifests([tmp_path / "none.csv"])


def test_one_species_or_family_is_left_out(four):
    clips = [clip for clip in four if clip.dataset == O]
    unseen = {name for name in protocols_for(clips) if name.startswith("unseen-")}
    kinds = ("print-printer1", "print-printer2", "replay-display1", "replay-display2")
    assert unseen == {f"unseen-{kind}" for kind in ("print", "replay", *kinds)}
    division = protocol_named(clips, "unseen-print-printer2").divide(clips)
    assert sizes(division) == "360/1080 270/810 360/360"
    assert {clip.species for clip in division.test} == {"live", "print/printer2"}
    assert not any(clip.species == "print/printer2" for clip in (*division.train, *division.dev))
    family = protocol_named(clips, "unseen-replay").divide(clips)
    assert sizes(family) == "360/720 270/540 360/720" and shared_subjects(family) == []


def make_clips(people, kinds=("print/a4", "replay/phone"), split=""):
    return [
        Clip(Path(f"{who}-{kind}"), f"{who}-{kind}", label, "mine", str(who), species=kind)
        for who in range(people)
        for kind, label in (("live", "live"), *((kind, "attack") for kind in kinds))
    ]


def test_without_splits_people_are_divided():
    clips = make_clips(200)
    division = protocol_named(clips, "unseen-replay").divide(clips)
    assert shared_subjects(division) == []
    assert {clip.species for clip in division.test if not clip.live} == {"replay/phone"}
    assert 80 < len({clip.subject for clip in division.train}) < 150
    assert "people, 6 to 2 to 2" in division.notes[0]


def test_one_kind_alone_cannot_be_left_out():
    clips = make_clips(9, kinds=("print/a4",))
    assert not any(name.startswith("unseen") for name in protocols_for(clips))
    clips = [replace(c, split="train" if c.species == "print/a4" else "test") for c in clips]
    clips.append(Clip(Path("z"), "z", "attack", species="mask/x", split="train"))
    with pytest.raises(DataError, match="nothing can be judged"):
        protocol_named(clips, "unseen-print").divide(clips)


@given(some.permutations(range(60)), some.integers(1, 3))
def test_a_person_is_in_one_part_whatever_the_order(order, each):
    clips = [
        Clip(Path(f"{who}/{n}"), f"{who}/{n}", "live", "set", f"p{who}")
        for who in order
        for n in range(each)
    ]
    division = protocol_named(clips, "by-person").divide(clips)
    assert shared_subjects(division) == []
    assert {clip.subject for clip in division.train} == {
        f"p{who}" for who in range(60) if part_of(f"set/p{who}") == "train"
    }


def test_clips_that_name_nobody_are_said():
    clips = [Clip(Path(f"{n}"), f"{n}", "live") for n in range(50)]
    division = protocol_named(clips, "by-person").divide(clips)
    assert "50 clips name nobody" in division.notes[0]
    assert sum(map(len, (division.train, division.dev, division.test))) == 50


def test_all_and_given_are_for_any_manifest():
    clips = [replace(clip, split="dev") for clip in make_clips(3)] + make_clips(1)[:1]
    assert sizes(protocol_named(clips, "all").divide(clips)) == "0/0 0/0 4/6"
    assert sizes(protocol_named(clips, "given").divide(clips)) == "0/0 3/6 0/0"
    with pytest.raises(DataError, match="no clips"):
        protocol_named(clips, "given").divide(clips[-1:])


def test_a_division_becomes_a_manifest(four, tmp_path):
    clips = [clip for clip in four if clip.dataset == O]
    division = protocol_named(clips, "p3_2").divide(clips)
    write_manifest(tmp_path / "p.csv", divided(division))
    again = read_manifest(tmp_path / "p.csv")
    assert sizes(protocol_named(again, "given").divide(again)) == sizes(division)
