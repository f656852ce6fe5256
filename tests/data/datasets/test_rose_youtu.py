"""ROSE-Youtu on a made-up tree with the published totals."""

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from data.datasets.checks import (
    check_index,
    check_manifest,
    check_protocols_need,
    check_wrong_roots,
    plant,
    the_problem,
)
from data.datasets.trees_picture_sets import ROSE, rose_youtu
from despoof.data.datasets.dividing import shared_subjects
from despoof.data.datasets.rose_youtu import DATASET, DEVICES, SPECIES, _clip, index

GRADIANT, OFFICIAL = (DATASET.protocols[name].divide for name in ("gradiant", "official"))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("sets") / "rose", rose_youtu())


@pytest.fixture(scope="module")
def clips(root):
    return check_index("rose-youtu", root, 3497)


def test_the_published_totals(clips):
    division = GRADIANT(clips)
    parts = {"train": division.train, "dev": division.dev, "test": division.test}
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 1389,
        "dev": 359,
        "test": 1749,
    }
    for name, (people, _) in ROSE.items():
        assert {clip.subject for clip in parts[name]} == set(map(str, people))
    assert shared_subjects(division) == []


def test_the_official_split_has_ten_people_to_train_and_no_dev(clips):
    division = OFFICIAL(clips)
    assert (len(division.train), len(division.dev), len(division.test)) == (1748, 0, 1749)
    assert len({clip.subject for clip in division.train}) == 10
    assert shared_subjects(division) == [] and "No dev set" in division.notes[0]


def test_every_kind_is_there(clips):
    kinds = Counter(clip.species for clip in clips)
    assert set(kinds) == set(SPECIES.values()) and {c.device for c in clips} == {*DEVICES.values()}


@given(
    kind=some.sampled_from(sorted(SPECIES)),
    speech=some.sampled_from(["T", "NT"]),
    device=some.sampled_from(sorted(DEVICES)),
    glasses=some.sampled_from(["g", "wg"]),
    place=some.sampled_from("ABCDE"),
    person=some.integers(1, 40),
    number=some.integers(0, 99),
)
def test_names_parse_back(*, kind, speech, device, glasses, place, person, number):
    name = f"{person}/{kind}_{speech}_{device}_{glasses}_{place}_{person}_{number}.mp4"
    clip = _clip(Path("copy"), name)
    assert (clip.subject, clip.session, clip.species) == (str(person), place, SPECIES[kind])
    assert clip.device == DEVICES[device] and clip.live == (kind == "G")
    assert clip.extra["speech"] == ("talking" if speech == "T" else "silent")
    assert clip.extra["glasses"] == ("yes" if glasses == "g" else "no")
    assert _clip(Path("copy"), re.sub(r"_\d+_(\d+\.mp4)", r"_99_\1", name)) is None


def test_a_manifest_divides_as_the_index_does(clips, tmp_path):
    check_manifest("rose-youtu", clips, tmp_path / "m.csv")
    check_protocols_need("rose-youtu", clips)


def test_trouble_is_counted_with_an_example(tmp_path):
    found = index(plant(tmp_path, ["8/G_T_HS_g_A_8_1.mp4", "2/X_T_HS_g_A_2_1.mp4"]))
    assert the_problem(found, "no split names").example == "8/G_T_HS_g_A_8_1.mp4"
    assert the_problem(found, "naming").example == "2/X_T_HS_g_A_2_1.mp4"
    assert the_problem(found, "people without").count == 21


def test_wrong_roots_are_refused(root, tmp_path):
    check_wrong_roots("rose-youtu", tmp_path, root)
