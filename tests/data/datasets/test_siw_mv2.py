"""SiW-Mv2 on a made-up complete tree with the authors' lists (their sizes, not their numbers)."""

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
from data.datasets.trees_video_sets import SIW_MV2, siw_mv2, siw_mv2_lists
from despoof.core.errors import DataError
from despoof.data.datasets.siw_mv2 import ATTACKS, DATASET, clip_of, index
from despoof.data.datasets.siw_types import PREFIXES

ROOT = Path("copy")
SIZES = {"cosmetic": 52, "impersonation": 61, "obfuscation": 22, "mannequin": 40, "print": 135}
SIZES |= {"silicone-mask": 17, "replay": 98, "funny-eye": 179, "paper-glasses": 76}
SIZES |= {"partial-eye": 57, "partial-mouth": 29, "half-mask": 72, "paper-mask": 17}
SIZES |= {"transparent-mask": 60}
TABLE = {
    "p1": "531/533 0/0 265/362",
    **{f"p2-{kind}": f"531/{915 - n} 0/0 265/{n}" for kind, n in SIZES.items()},
    **{f"p3-{letter}": "20/1 0/0 10/5" for letter in "abcde"},
}


def plant_lists(root, **changes):
    (root / "pro_3_text").mkdir()
    for name, text in (siw_mv2_lists() | changes).items():
        (root / "pro_3_text" / f"{name}.txt").write_text(text)
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return plant_lists(plant(tmp_path_factory.mktemp("sets") / "siw-mv2", siw_mv2()))


@pytest.fixture(scope="module")
def clips(root):
    return check_index("siw-mv2", root, 796 + 915)


def test_the_counts_of_every_protocol(clips):
    assert len(SIZES) == 14 and sum(SIZES.values()) == ATTACKS == 915
    check_protocols("siw-mv2", clips, TABLE)


def test_lists_that_repeat_their_lines_count_them_once(clips):
    division = DATASET.protocols["p1"].divide(clips)
    silicone = [clip for clip in division.train if clip.species == "mask/silicone"]
    assert len(silicone) == 9
    assert siw_mv2_lists()["trainlist_all"].count("Mask_Silicone_1\n") > 9


def test_a_left_out_type_is_in_test_alone(clips):
    division = DATASET.protocols["p2-replay"].divide(clips)
    assert {clip.species for clip in division.test} == {"live", "replay/screen"}
    assert len({clip.species for clip in division.train}) == 14


def test_a_manifest_divides_as_the_index_does(clips, tmp_path):
    check_manifest("siw-mv2", clips, tmp_path / "m.csv")


@given(some.sampled_from(["Live/Live", *(f"Spoof/{stem}" for stem in SIW_MV2)]), some.integers(0))
def test_a_path_gives_its_fields_back(stem, number):
    clip = clip_of(ROOT, f"{stem}_{number}.mov")
    assert clip.species == PREFIXES[stem.rpartition("/")[2]]
    assert clip.extra["number"] == str(number) and clip.live == (stem == "Live/Live")


@given(some.text("0123456789_/.SpofLivePaper", max_size=40))
def test_no_text_crashes_the_reader(text):
    clip = clip_of(ROOT, text)
    assert clip is None or clip.name == text


def test_the_release_lacks_eleven_of_the_listed_live_clips(tmp_path):
    found = index(plant_lists(plant(tmp_path, siw_mv2(live=785))))
    absent = the_problem(found, "a list names")
    assert (absent.count, absent.example) == (11, "testlist_live.txt: Live_786")
    assert len(found.problems) == 1


def test_missing_and_misnamed_files_are_counted_and_shown(tmp_path):
    kept = [name for name in siw_mv2() if "Replay" not in name]
    found = index(plant(tmp_path, [*kept, "Live/Paper_3.mov", "Live_9.mov"]))
    misnamed = the_problem(found, "does not follow")
    assert (misnamed.count, misnamed.example) == (2, "Live/Paper_3.mov")
    assert the_problem(found, "of replay that are not there, of 98").count == 98


def test_without_lists_protocols_say_where_they_are_to_be_had(tmp_path):
    clips = index(plant(tmp_path, siw_mv2())).clips
    for name in TABLE:
        with pytest.raises(DataError, match="needs the authors' lists"):
            DATASET.protocols[name].divide(clips)


@pytest.mark.parametrize(
    ("text", "words"), [("Gold_3\n", "'Gold_3' is no name"), (b"\xff\xfe\xff", "cannot be read")]
)
def test_broken_lists_are_refused(tmp_path, text, words):
    plant(tmp_path, ["Live/Live_1.mov"])
    (tmp_path / "testlist_all.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=words):
        index(tmp_path)


def test_two_lists_of_a_name_must_agree(tmp_path):
    plant_lists(plant(tmp_path, siw_mv2()))
    copy = tmp_path / "testlist_all.txt"
    copy.write_text(siw_mv2_lists()["testlist_all"])
    assert index(tmp_path).problems == ()
    copy.write_text("Paper_1\n")
    with pytest.raises(DataError, match="differs from another"):
        index(tmp_path)


def test_other_folders_are_refused(root, tmp_path):
    check_wrong_roots("siw-mv2", tmp_path, root)
    check_protocols_need("siw-mv2", ())
