"""SiW-M on a made-up complete tree: each of thirteen types left out."""

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
from data.datasets.trees_video_sets import SIW_M, siw_m
from despoof.data.datasets.siw_m import ATTACKS, DATASET, clip_of, index, last_fifth
from despoof.data.datasets.siw_types import PREFIXES, read_stem

ROOT = Path("copy")
SIZES = {"replay": 99, "print": 118, "half-mask": 72, "silicone-mask": 27, "transparent-mask": 88}
SIZES |= {"papercraft-mask": 17, "mannequin": 40, "obfuscation": 23, "impersonation": 61}
SIZES |= {"cosmetic": 50, "funny-eye": 160, "paper-glasses": 127, "partial-paper": 86}
TABLE = {f"loo-{kind}": f"528/{968 - n} 0/0 132/{n}" for kind, n in SIZES.items()}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return plant(tmp_path_factory.mktemp("sets") / "siw-m", siw_m())


@pytest.fixture(scope="module")
def clips(root):
    return check_index("siw-m", root, 660 + 968)


def test_the_counts_of_every_type(clips):
    assert len(SIZES) == 13 and sum(SIZES.values()) == ATTACKS == 968
    check_protocols("siw-m", clips, TABLE)


def test_the_left_out_type_is_in_test_alone(clips):
    for protocol in DATASET.protocols.values():
        division = protocol.divide(clips)
        attacks = [
            {c.species for c in part if not c.live} for part in (division.train, division.test)
        ]
        assert not attacks[0] & attacks[1]
        assert attacks[0] | attacks[1] == {c.species for c in clips if not c.live}
        assert any("subject" in note for note in division.notes)


def test_live_clips_are_divided_alike_whatever_is_left_out(clips):
    lives = {
        frozenset(clip.name for clip in protocol.divide(clips).test if clip.live)
        for protocol in DATASET.protocols.values()
    }
    assert lives == {last_fifth(clips)}
    numbers = sorted(int(Path(name).stem.split("_")[1]) for name in last_fifth(clips))
    assert numbers == list(range(529, 661))


def test_a_manifest_divides_as_the_index_does(clips, tmp_path):
    check_manifest("siw-m", clips, tmp_path / "m.csv")


@given(some.sampled_from([*SIW_M, "Live/Train/Live", "Live/Test/Live"]), some.integers(0, 9999))
def test_a_path_gives_its_fields_back(stem, number):
    name = f"{stem}_{number}.mov"
    clip = clip_of(ROOT, name)
    prefix = stem.rpartition("/")[2]
    assert clip.species == PREFIXES[prefix] and clip.extra["number"] == str(number)
    assert clip.live == (prefix == "Live") and clip.subject == ""
    assert clip.split == ("" if not clip.live else stem.split("/")[1].lower())
    if not clip.live:
        assert clip_of(ROOT, f"Spoof/{name}").species == clip.species
        assert clip_of(ROOT, f"Live/Test/{prefix}_{number}.mov") is None


@given(some.sampled_from(sorted(PREFIXES)), some.integers(0))
def test_a_prefix_never_reads_as_another(prefix, number):
    assert read_stem(f"{prefix}_{number}") == (PREFIXES[prefix], str(number))


@given(some.text("0123456789_/.MaskPaperLiv", max_size=40))
def test_no_text_crashes_the_reader(text):
    clip = clip_of(ROOT, text)
    assert clip is None or clip.name == text


def test_missing_and_misnamed_files_are_counted_and_shown(tmp_path):
    kept = [name for name in siw_m() if "Partial_Mouth" not in name and "Live_6" not in name]
    found = index(plant(tmp_path, [*kept, "Mask/Mask_Gold_1.mov", "Live/Paper_1.mov"]))
    misnamed = the_problem(found, "does not follow")
    assert (misnamed.count, misnamed.example) == (2, "Live/Paper_1.mov")
    assert the_problem(found, "of partial-paper that are not there, of 86").count == 29
    assert the_problem(found, "of live").count == 1 + 10 + 61


def test_other_folders_are_refused(root, tmp_path):
    check_wrong_roots("siw-m", tmp_path, root)
    check_protocols_need("siw-m", ())
