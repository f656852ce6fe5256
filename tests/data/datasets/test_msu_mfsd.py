"""MSU-MFSD on a made-up complete tree: the official split, lists, turned clips."""

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
from data.datasets.trees_video_sets import MSU_TEST, MSU_TRAIN, msu
from despoof.core.errors import DataError
from despoof.data.datasets.msu_mfsd import SPECIES, clip_of, index, video_path

ROOT = Path("copy")
TABLE = {"official": "30/90 0/0 40/120", "official-dev": "20/60 10/30 40/120"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("sets") / "msu", msu())


@pytest.fixture(scope="module")
def clips(root):
    return check_index("msu-mfsd", root, 280)


def test_the_published_counts(clips):
    check_protocols("msu-mfsd", clips, TABLE)
    assert sum(clip.live for clip in clips) == 70


def test_a_manifest_divides_as_the_index_does(clips, tmp_path):
    check_manifest("msu-mfsd", clips, tmp_path / "m.csv")


def test_scene01_itself_may_be_the_root(root, clips):
    inner = index(root / "scene01")
    assert inner.problems == ()
    assert [clip.path for clip in inner.clips] == [clip.path for clip in clips]


def test_six_android_clips_are_marked_as_turned(clips):
    turned = [clip for clip in clips if clip.extra["turned"] == "180"]
    assert [clip.subject for clip in turned] == ["03", "05", "06", "07", "08", "09"]
    assert {(clip.device, clip.label) for clip in turned} == {("android", "live")}


@given(
    some.sampled_from(MSU_TRAIN + MSU_TEST),
    some.sampled_from(["android", "laptop"]),
    some.sampled_from(["", "ipad_video", "iphone_video", "printed_photo"]),
)
def test_a_path_gives_its_fields_back(subject, device, medium):
    clip = clip_of(ROOT, video_path(subject, device, medium) + ".mov")
    assert (clip.subject, clip.device) == (subject, device)
    assert clip.split == ("train" if subject in MSU_TRAIN else "test")
    assert clip.live == (medium == "") and clip.species == SPECIES.get(medium, "live")


@given(some.text("0123456789_/.realclientSDscene", max_size=60))
def test_no_text_crashes_the_reader(text):
    clip = clip_of(ROOT, text)
    assert clip is None or clip.name == text


def test_missing_and_misnamed_files_are_counted_and_shown(tmp_path):
    kept = [name for name in msu() if "client055" not in name]
    odd = "scene01/real/real_client004_android_SD_scene01.mp4"  # not in the public part
    found = index(plant(tmp_path, [*kept, odd]))
    misnamed = the_problem(found, "does not follow")
    assert (misnamed.count, misnamed.example) == (1, odd)
    lost = the_problem(found, "should be there")
    assert lost.count == 8 and "client055" in lost.example


def test_lists_that_agree_are_no_problem_and_others_are(tmp_path):
    copy = plant(tmp_path / "copy", msu())
    (copy / "train_sub_list.txt").write_text("\r\n".join(MSU_TRAIN) + "\r\n")
    (copy / "test_sub_list.txt").write_text("\n".join(MSU_TEST))
    assert index(copy).problems == ()
    (copy / "train_sub_list.txt").write_text("\n".join([*MSU_TRAIN[1:], "01"]))
    wrong = the_problem(index(copy), "a list differs")
    assert (wrong.count, wrong.example) == (2, "train_sub_list.txt: 01")
    (copy / "train_sub_list.txt").write_bytes(b"\xff\xff")
    with pytest.raises(DataError, match="cannot be read"):
        index(copy)


def test_other_folders_are_refused(root, tmp_path):
    check_wrong_roots("msu-mfsd", tmp_path, root)
    check_protocols_need("msu-mfsd", ())
