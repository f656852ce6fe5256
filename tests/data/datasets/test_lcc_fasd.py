"""LCC-FASD on a made-up complete tree."""

import pytest

from data.datasets.checks import (
    check_manifest,
    check_protocols,
    check_protocols_need,
    check_wrong_roots,
    plant,
    the_problem,
)
from data.datasets.trees_picture_sets import lcc_fasd
from despoof.data.datasets.lcc_fasd import index


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("sets") / "lcc", lcc_fasd())


@pytest.fixture(scope="module")
def clips(root):
    found = index(root)
    assert len(found.clips) == 18827 and found.problems == ()
    return found.clips


def test_the_published_counts(clips):
    check_protocols("lcc-fasd", clips, {"official": "1223/7076 405/2543 314/7266"})
    check_protocols_need("lcc-fasd", clips)


def test_names_say_who_where_they_do(clips):
    known = [clip for clip in clips if clip.subject]
    assert len(known) == 1223 + 405 + 314 and all(clip.live for clip in known)
    clip = next(clip for clip in known if clip.name.endswith("YOUTUBE_id99_s1_991.png"))
    assert (clip.subject, clip.session, clip.split) == ("YOUTUBE_id99", "1", "train")
    assert {clip.species for clip in clips if not clip.live} == {""}


def test_a_manifest_divides_as_the_index_does(clips, tmp_path):
    check_manifest("lcc-fasd", clips, tmp_path / "m.csv")


def test_trouble_is_counted_with_an_example(tmp_path):
    names = ("LCC_FASD_training/real/a.png", "LCC_FASD_training/fake/b.png")
    found = index(plant(tmp_path, names))
    assert the_problem(found, "naming").example == "LCC_FASD_training/fake/b.png"
    assert the_problem(found, "parts without").count == 2


def test_wrong_roots_are_refused(root, tmp_path):
    check_wrong_roots("lcc-fasd", tmp_path, root)


def test_the_folder_above_is_taken_too(tmp_path):
    name = "LCC_FASD/LCC_FASD_evaluation/spoof/spoof_980.png"
    (clip,) = index(plant(tmp_path, [name])).clips
    assert clip.name == name and clip.split == "test"
