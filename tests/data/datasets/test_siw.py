"""SiW: protocols on trees whose totals are the published ones.

Which person lacks which video is not known here, so the trees spread the published totals over
people. What is proved: that our conditions select sums that agree with every published count at
once, that people do not mix, that names parse. What is not: that the real set lacks the same
videos. Two sets of totals are used: of the complete set, and of Idiap's first lists.
"""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from data.datasets.checks import (
    check_index,
    check_manifest,
    check_protocols,
    check_protocols_need,
    check_wrong_roots,
    plant,
    sizes,
    the_problem,
)
from data.datasets.trees_video_sets import SIW_4469, SIW_DEV, siw
from despoof.core.errors import DataError
from despoof.data.datasets.siw import DATASET, DEV_SUBJECTS, clip_of, index, video_path

ROOT = Path("copy")
COMPLETE = {
    "p1": "636/1505 78/198 599/1462",
    "p2_1": "636/884 78/120 599/300",
    "p2_2": "636/884 78/120 599/300",
    "p2_3": "636/885 78/120 599/298",
    "p2_4": "636/959 78/120 599/250",
    "p3_1": "636/301 78/38 599/1148",
    "p3_2": "636/1204 78/160 599/314",
}
FIRST_LISTS = {
    "p1": "636/1504 78/198 599/1454",
    "p2_1": "636/883 78/120 599/300",
    "p2_2": "636/883 78/120 599/296",
    "p2_3": "636/885 78/120 599/294",
    "p2_4": "636/958 78/120 599/250",
    "p3_1": "636/301 78/38 599/1140",
    "p3_2": "636/1203 78/160 599/314",
}
FIELDS = [*product("12", "1", "12", "12"), *product("12", "2", "12", "12")]
FIELDS += product("12", "3", "1234", "12")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("sets") / "siw", siw())


@pytest.fixture(scope="module")
def clips(root):
    return check_index("siw", root, 4478)


def test_the_published_counts_of_every_protocol(clips):
    check_protocols("siw", clips, COMPLETE)


def test_the_counts_of_the_first_lists_follow_from_the_same_rules():
    clips = [clip_of(ROOT, name) for name in siw(SIW_4469)]
    assert len(clips) == 4469
    divided = {name: sizes(p.divide(clips)) for name, p in DATASET.protocols.items()}
    assert divided == FIRST_LISTS


def test_people_are_80_10_and_75(clips):
    division = DATASET.protocols["p1"].divide(clips)
    parts = (division.train, division.dev, division.test)
    assert [len({clip.subject for clip in part}) for part in parts] == [80, 10, 75]
    assert {int(subject) for subject in DEV_SUBJECTS} == set(SIW_DEV)


def test_protocol_1_says_which_frames(clips, tmp_path):
    division = DATASET.protocols["p1"].divide(clips)
    assert {clip.frames for clip in division.train + division.dev} == {60}  # the loader stops there
    assert {clip.frames for clip in division.test} == {None}
    assert any("60 frames" in note for note in division.notes)
    counted = DATASET.protocols["p1"].divide([replace(clip, frames=45) for clip in clips])
    assert {clip.frames for clip in counted.train} == {45}  # shorter than sixty already


def test_a_left_out_screen_is_in_test_alone(clips):
    division = DATASET.protocols["p2_3"].divide(clips)
    assert {clip.species for clip in division.test} == {"live", "replay/galaxy-s8"}
    seen = {clip.species for clip in division.train + division.dev}
    assert seen == {"live", "replay/ipad-pro", "replay/iphone-7-plus", "replay/asus-mb168b"}


def test_a_manifest_divides_as_the_index_does(clips, tmp_path):
    check_manifest("siw", clips, tmp_path / "m.csv")


@given(some.sampled_from(FIELDS), some.integers(1, 165), some.sampled_from(["train", "test"]))
def test_a_path_gives_its_fields_back(fields, person, split):
    sensor, kind, medium, session = fields
    subject = f"{person:03d}"
    name = video_path(split, (subject, *fields)) + ".mov"
    assert name.endswith(f"{subject}/{subject}-{sensor}-{kind}-{medium}-{session}.mov")
    clip = clip_of(ROOT, name)
    assert (clip.subject, clip.session, clip.split) == (subject, session, split)
    assert clip.extra["medium"] == medium and clip.live == (kind == "1")
    assert clip.device == {"1": "canon-eos-t6", "2": "logitech-c920"}[sensor]
    assert clip.species.partition("/")[0] == {"1": "live", "2": "print", "3": "replay"}[kind]
    flat = name.replace(f"/{subject}/", "/")
    assert clip_of(ROOT, flat).species == clip.species


@given(some.text("0123456789-/.TrainlivespofTes", max_size=40))
def test_no_text_crashes_the_reader(text):
    clip = clip_of(ROOT, text)
    assert clip is None or clip.name == text


def test_missing_and_misnamed_files_are_counted_and_shown(tmp_path):
    kept = [name for name in siw() if not name.startswith("Test/live/")][:-3]
    odd = ["Train/live/001/002-1-1-1-1.mov", "Train/live/001/001-1-3-1-1.mov"]
    odd.append("Train/live/001/001-1-1-3-1.mov")
    mixed = "Test/spoof/001/001-1-3-1-1.mov"
    found = index(plant(tmp_path, [*kept, *odd, mixed]))
    misnamed = the_problem(found, "does not follow")
    assert (misnamed.count, misnamed.example) == (3, "Train/live/001/001-1-1-3-1.mov")
    assert the_problem(found, "Test/live lacks, of 599").count == 599
    assert the_problem(found, "Test/spoof lacks, of 1462").count == 2
    shared = the_problem(found, "Train and Test")
    assert (shared.count, shared.example) == (1, "001")


def test_other_folders_are_refused(root, tmp_path):
    check_wrong_roots("siw", tmp_path, root)


def test_protocols_say_what_clips_lack(clips):
    check_protocols_need("siw", clips)
    others = [clip for clip in clips if clip.subject not in DEV_SUBJECTS]
    with pytest.raises(DataError, match="meant for dev"):
        DATASET.protocols["p1"].divide(others)
