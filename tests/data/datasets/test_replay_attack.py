"""Replay-Attack on a made-up complete tree: seven protocols, each fixed, in a hand, and both."""

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
from data.datasets.trees_video_sets import replay
from despoof.core.errors import DataError
from despoof.data.datasets.replay_attack import (
    DATASET,
    LIGHTS,
    MEDIA,
    SUPPORTS,
    attack_path,
    clip_of,
    index,
    real_path,
)

ROOT = Path("copy")
FOLDERS = {"train": "train", "devel": "dev", "test": "test"}
ALL, HALF = "60/300 60/300 80/400", "60/150 60/150 80/200"
EIGHT, FOUR, TWELVE = "60/120 60/120 80/160", "60/60 60/60 80/80", "60/180 60/180 80/240"
TABLE = {"grandtest": ALL, "fixed": HALF, "hand": HALF, "print": FOUR, "photo": TWELVE}
TABLE |= {"mobile": EIGHT, "highdef": EIGHT, "video": EIGHT, "digitalphoto": EIGHT}
for _support in ("fixed", "hand"):
    TABLE |= {f"{kind}-{_support}": FOUR for kind in ("mobile", "highdef", "video", "digitalphoto")}
    TABLE |= {f"print-{_support}": "60/30 60/30 80/40", f"photo-{_support}": "60/90 60/90 80/120"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("sets") / "replay", replay())


@pytest.fixture(scope="module")
def clips(root):
    return check_index("replay-attack", root, 1200)


def test_the_published_counts_of_every_protocol(clips):
    check_protocols("replay-attack", clips, TABLE)


def test_attacks_over_all_splits_are_those_of_the_interface_of_idiap(clips):
    totals = {"grandtest": 1000, "print": 200, "mobile": 400, "highdef": 400, "photo": 600}
    totals |= {"video": 400, "digitalphoto": 400}
    for name, total in totals.items():
        parts = DATASET.protocols[name].divide(clips).counts().values()
        assert sum(part["attack"] for part in parts) == total


def test_a_manifest_divides_as_the_index_does(clips, tmp_path):
    check_manifest("replay-attack", clips, tmp_path / "m.csv")


@given(
    some.sampled_from(list(product(FOLDERS, SUPPORTS, MEDIA, LIGHTS))),
    some.integers(0, 999),
)
def test_an_attack_s_path_gives_its_fields_back(fields, client):
    folder, support, medium, light = fields
    name = attack_path(folder, support, f"{client:03d}", medium, light) + ".mov"
    clip = clip_of(ROOT, name)
    assert (clip.split, clip.subject, clip.label) == (FOLDERS[folder], f"{client:03d}", "attack")
    cells = clip.extra
    assert f"{cells['instrument']}_{cells['shown']}" == medium
    assert (cells["light"], cells["support"], cells["take"]) == (light, support, "")
    species = {"print": "print/a4", "mobile": "replay/mobile", "highdef": "replay/highdef"}
    assert clip.species == species[medium.partition("_")[0]]


@given(
    some.sampled_from(list(product(FOLDERS, LIGHTS, (1, 2)))),
    some.integers(0, 999),
)
def test_a_live_path_gives_its_fields_back(fields, client):
    folder, light, take = fields
    clip = clip_of(ROOT, real_path(folder, f"{client:03d}", light, take) + ".mov")
    assert (clip.split, clip.subject, clip.live) == (FOLDERS[folder], f"{client:03d}", True)
    assert (clip.extra["light"], clip.extra["take"]) == (light, str(take))
    assert clip.session == "01" and clip.extra["support"] == ""


@given(some.text("0123456789_/.realattackfixd", max_size=60))
def test_no_text_crashes_the_reader(text):
    clip = clip_of(ROOT, text)
    assert clip is None or clip.name == text


def test_impossible_attacks_do_not_parse():
    base = "train/attack/hand/attack_{}_client001_session01_{}_adverse.mov"
    assert clip_of(ROOT, base.format("print", "highdef_photo"))
    assert not clip_of(ROOT, base.format("print", "highdef_video"))
    assert not clip_of(ROOT, base.format("mobile", "highdef_photo"))


def test_missing_and_misnamed_files_are_counted_and_shown(tmp_path):
    kept = [name for name in replay() if not name.startswith("devel/")]
    kept = [name for name in kept if "highdef_client101" not in name]
    odd = ["train/real/client001_webcam.mov", "train/real/client101_session01_webcam.mov"]
    stranger = (
        "train/real/client101_session01_webcam_authenticate_adverse_1.mov"  # of the test people
    )
    found = index(plant(tmp_path, [*kept, *odd, stranger]))
    misnamed = the_problem(found, "does not follow")
    assert (misnamed.count, misnamed.example) == (2, odd[0])
    assert the_problem(found, "people that dev lacks, of 15").count == 15
    shared = the_problem(found, "two splits")
    assert (shared.count, shared.example) == (1, "101")
    lost = the_problem(found, "should be there")
    assert lost.count == 8 + 23  # highdef attacks of 101 in test; all but one file of 101 in train
    assert lost.example.startswith("train/") and "client101" in lost.example


def test_enrolment_is_left_out(clips):
    assert not [clip for clip in clips if "enroll" in clip.name]


def test_other_folders_are_refused(root, tmp_path):
    check_wrong_roots("replay-attack", tmp_path, root)


def test_protocols_say_what_clips_lack(clips):
    check_protocols_need("replay-attack", clips)
    with pytest.raises(DataError, match="no support"):
        DATASET.protocols["hand"].divide([replace(clips[0], extra={})])
