"""OULU-NPU on a made-up complete tree: published counts, names, lists, trouble."""

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
    the_problem,
)
from data.datasets.trees_video_sets import OULU_USERS, oulu
from despoof.core.errors import DataError
from despoof.data.datasets.oulu_npu import DATASET, PROTOCOLS, clip_of, index, video_name

ROOT = Path("copy")
NAMES = [
    (part, *numbers)
    for part, users in OULU_USERS.items()
    for numbers in product(range(1, 7), range(1, 4), users, range(1, 6))
]
TABLE = {
    "p1": "240/960 180/720 120/480",
    "p2": "360/720 270/540 360/720",
    **{f"p3_{k}": "300/1200 225/900 60/240" for k in range(1, 7)},
    **{f"p4_{k}": "200/400 150/300 20/40" for k in range(1, 7)},
    "grandtest": "360/1440 270/1080 360/1440",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("sets") / "oulu", oulu())


@pytest.fixture(scope="module")
def clips(root):
    return check_index("oulu-npu", root, 4950)


def test_the_published_counts_of_every_protocol(clips):
    check_protocols("oulu-npu", clips, TABLE)


def test_a_manifest_divides_as_the_index_does(clips, tmp_path):
    check_manifest("oulu-npu", clips, tmp_path / "m.csv")


def test_fold_k_leaves_out_phone_k(clips):
    for k in range(1, 7):
        for name in (f"p3_{k}", f"p4_{k}"):
            division = PROTOCOLS[name].divide(clips)
            assert {clip.device for clip in division.test} == {f"phone{k}"}
            assert f"phone{k}" not in {clip.device for clip in division.train + division.dev}
        species = {clip.species for clip in division.test}
        assert species == {"live", "print/printer2", "replay/display2"}
        assert {clip.session for clip in division.test} == {"3"}


@given(some.sampled_from(NAMES))
def test_a_path_gives_its_fields_back(fields):
    part, phone, session, user, file = fields
    name = f"{part}_files/{video_name(phone, session, user, file)}.avi"
    clip = clip_of(ROOT, name)
    assert clip.path == ROOT / name and clip.name == name and clip.split == part.lower()
    found = (clip.device, clip.session, int(clip.subject), int(clip.extra["file"]))
    assert found == (f"phone{phone}", str(session), user, file)
    assert clip.live == (file == 1)
    kinds = {1: "live", 2: "print", 3: "print", 4: "replay", 5: "replay"}
    assert clip.species.partition("/")[0] == kinds[file]


@given(some.text("0123456789_/.abcdefTrainDev", max_size=30))
def test_no_text_crashes_the_reader(text):
    clip = clip_of(ROOT, text)
    assert clip is None or clip.name == text


def test_missing_and_misnamed_files_are_counted_and_shown(tmp_path):
    names = [name for name in oulu() if name.endswith(".avi")]
    kept = [name for name in names if "_files/2_1_03_" not in name and "Dev_files" not in name]
    odd = ["Train_files/7_1_01_1.avi", "Train_files/1_1_40_1.avi", "loose.avi"]
    found = index(plant(tmp_path, kept + odd + ["Train_files/1_1_01_1.mp4"]))
    assert len(found.clips) == 1800 + 1800 - 5
    misnamed = the_problem(found, "does not follow")
    assert (misnamed.count, misnamed.example) == (3, "Train_files/1_1_40_1.avi")
    twins = the_problem(found, "suffix")
    assert (twins.count, twins.example) == (1, "Train_files/1_1_01_1.mp4")
    lost = the_problem(found, "should be there")
    assert (lost.count, lost.example) == (5, "Train_files/2_1_03_1")
    folder = the_problem(found, "Dev_files")
    assert folder.count == 1350
    assert all(problem.advice for problem in found.problems)


def test_lists_that_agree_are_no_problem_and_others_are(clips, root, tmp_path):
    signs = {"live": "+1", "print": "-1", "replay": "-2"}
    copy = plant(tmp_path / "copy", oulu())
    for name in ("p1", "p3_4"):
        number, _, fold = name[1:].partition("_")
        folder = copy / "Protocols" / f"Protocol_{number}"
        folder.mkdir(parents=True)
        for part in ("train", "dev", "test"):
            lines = [
                f"{signs[clip.species.partition('/')[0]]},{clip.path.stem}"
                for clip in getattr(PROTOCOLS[name].divide(clips), part)
            ]
            file = folder / f"{part.title()}{f'_{fold}' if fold else ''}.txt"
            file.write_text("\r\n".join(lines))
    assert index(copy).problems == ()
    test = copy / "Protocols/Protocol_1/Test.txt"
    test.write_text(test.read_text().replace("-1,1_3_36_2", "+1,1_3_36_2"))
    found = index(copy)
    wrong = the_problem(found, "against the published rule")
    assert (wrong.count, wrong.example) == (1, "Protocols/Protocol_1/Test.txt: +1,1_3_36_2")
    assert the_problem(found, "lack by").example.endswith("-1,1_3_36_2")
    test.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(DataError, match=r"Test\.txt cannot be read"):
        index(copy)


def test_other_folders_are_refused(root, tmp_path):
    check_wrong_roots("oulu-npu", tmp_path, root)
    with pytest.raises(DataError, match="above it"):
        index(root / "Train_files")


def test_protocols_say_what_clips_lack(clips):
    check_protocols_need("oulu-npu", clips)
    clipped = [replace(clip, session="") for clip in clips[:7]]
    with pytest.raises(DataError, match=r"7 of 7 clips have no session, e\.g\. Dev_files/1_1_21_1"):
        DATASET.protocols["p1"].divide(clipped)
