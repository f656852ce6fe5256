"""CASIA-MFSD on a made-up complete tree: seven scenarios, with and without a dev split."""

from dataclasses import replace
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
    the_problem,
)
from data.datasets.trees_video_sets import casia
from despoof.core.errors import DataError
from despoof.data.datasets.casia_mfsd import DATASET, clip_of, index, video_path

ROOT = Path("copy")
BY_QUALITY, BY_QUALITY_DEV = "20/60 0/0 30/90", "15/45 5/15 30/90"
BY_KIND, BY_KIND_DEV = "60/60 0/0 90/90", "45/45 15/15 90/90"
TABLE = {
    **dict.fromkeys(("low", "normal", "high"), BY_QUALITY),
    **dict.fromkeys(("low-dev", "normal-dev", "high-dev"), BY_QUALITY_DEV),
    **dict.fromkeys(("warped", "cut", "video"), BY_KIND),
    **dict.fromkeys(("warped-dev", "cut-dev", "video-dev"), BY_KIND_DEV),
    "overall": "60/180 0/0 90/270",
    "overall-dev": "45/135 15/45 90/270",
}
CODES = {
    ("normal", 0): "1",
    ("low", 0): "2",
    ("normal", 1): "3",
    ("low", 1): "4",
    ("normal", 2): "5",
    ("low", 2): "6",
    ("normal", 3): "7",
    ("low", 3): "8",
    **{("high", kind): f"HR_{kind + 1}" for kind in range(4)},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("sets") / "casia", casia())


@pytest.fixture(scope="module")
def clips(root):
    return check_index("casia-mfsd", root, 600)


def test_the_published_counts_of_every_scenario(clips):
    check_protocols("casia-mfsd", clips, TABLE)


def test_a_manifest_divides_as_the_index_does(clips, tmp_path):
    check_manifest("casia-mfsd", clips, tmp_path / "m.csv")


def test_test_people_are_others_than_train_people(clips):
    people = {split: {c.subject for c in clips if c.split == split} for split in ("train", "test")}
    assert people["train"] == {f"{n:02d}" for n in range(1, 21)}
    assert people["test"] == {f"{n:02d}" for n in range(21, 51)}


def test_a_scenario_holds_its_kind_alone(clips):
    assert {c.extra["quality"] for c in DATASET.protocols["low"].divide(clips).test} == {"low"}
    cut = DATASET.protocols["cut"].divide(clips)
    assert {c.species for c in cut.train + cut.test} == {"live", "print/cut"}
    assert {c.extra["file"] for c in cut.test} == {"1", "2", "HR_1", "5", "6", "HR_3"}
    assert "no dev split" in cut.notes[0]


@given(
    some.sampled_from(sorted(CODES)),
    some.one_of(
        some.tuples(some.just("train"), some.integers(1, 20)),
        some.tuples(some.just("test"), some.integers(1, 30)),
    ),
)
def test_a_path_gives_its_fields_back(code, place):
    (quality, kind), (split, person) = code, place
    name = video_path(split, person, kind, quality) + ".avi"
    assert name.endswith(f"/{CODES[code]}.avi")
    clip = clip_of(ROOT, name)
    assert (clip.split, clip.device, clip.extra["quality"]) == (split, quality, quality)
    assert clip.extra["file"] == CODES[code]
    assert int(clip.subject) == person + (20 if split == "test" else 0)
    families = ("live", "print/warped", "print/cut", "replay/tablet")
    assert clip.species == families[kind] and clip.live == (kind == 0)


@given(some.text("0123456789_/.HRtrainesl", max_size=30))
def test_no_text_crashes_the_reader(text):
    clip = clip_of(ROOT, text)
    assert clip is None or clip.name == text


def test_missing_and_misnamed_files_are_counted_and_shown(tmp_path):
    kept = [name for name in casia() if not name.startswith(("test_release/7/HR", "train_"))]
    odd = ["test_release/31/1.avi", "test_release/2/9.avi", "test_release/2/HR_5.avi"]
    found = index(plant(tmp_path, [*kept, *odd, "readme.txt", "test_release/2/.1.avi"]))
    assert len(found.clips) == 360 - 4
    misnamed = the_problem(found, "does not follow")
    assert (misnamed.count, misnamed.example) == (3, "test_release/2/9.avi")
    lost = the_problem(found, "should be there")
    assert (lost.count, lost.example) == (4, "test_release/7/HR_1")
    assert the_problem(found, "train_release").count == 240


def test_other_folders_are_refused(root, tmp_path):
    check_wrong_roots("casia-mfsd", tmp_path, root)


def test_protocols_say_what_clips_lack(clips):
    check_protocols_need("casia-mfsd", clips)
    with pytest.raises(DataError, match="no quality"):
        DATASET.protocols["low"].divide([replace(clips[0], extra={})])
    half = [clip for clip in clips if int(clip.subject) < 16]
    with pytest.raises(DataError, match="meant for dev"):
        DATASET.protocols["overall-dev"].divide(half)
