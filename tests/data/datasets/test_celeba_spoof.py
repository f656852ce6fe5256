"""CelebA-Spoof: labels of inverted polarity, species, boxes, protocols of label files."""

import pytest
from PIL import Image

from data.datasets.checks import check_manifest, check_wrong_roots, plant, sizes, the_problem
from data.datasets.trees_picture_sets import celeba_metas, celeba_row
from despoof.core.errors import DataError
from despoof.data.datasets.celeba_spoof import DATASET, index, read_box
from despoof.data.datasets.celeba_spoof_labels import SPECIES, read_labels
from despoof.data.datasets.dividing import shared_subjects
from despoof.data.manifest import Clip

METAS = {
    "intra": "intra_test",
    "p1": "protocol1",
    "p2_low": "protocol2/test_on_low_quality_device",
    "p2_middle": "protocol2/test_on_middle_quality_device",
    "p2_high": "protocol2/test_on_high_quality_device",
}


def complete():
    """Return name → row: ten people train, five test; person 3 is in both."""
    rows = {}
    for split, people in (("train", range(10)), ("test", (*range(20, 25), 3))):
        for person in people:
            rows[f"Data/{split}/{person}/live/{person}00.png"] = celeba_row(0)
            for kind in range(1, 11):
                name = f"Data/{split}/{person}/spoof/{person}{kind:02d}.jpg"
                rows[name] = celeba_row(1, kind, kind % 4 + 1, kind % 2 + 1)
    return rows


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    rows = complete()
    root = plant(tmp_path_factory.mktemp("sets") / "celeba", rows)
    tables = {
        f"{place}/{part}": {name: row for name, row in rows.items() if f"/{part}/" in name}
        for place in METAS.values()
        for part in ("train", "test")
    }
    celeba_metas(root, tables)
    return root


@pytest.fixture(scope="module")
def clips(root):
    found = index(root)
    assert found.problems == ()
    return found.clips


def test_zero_means_live(clips):
    assert {clip.species for clip in clips if not clip.live} == set(SPECIES[1:])
    for clip in clips:
        assert clip.live == ("/live/" in clip.name) == (clip.species == "live")
    phone = next(clip for clip in clips if clip.name == "Data/test/21/spoof/2109.jpg")
    assert (phone.species, phone.subject, phone.split) == ("replay/phone", "21", "test")
    assert phone.extra["illumination"] == "strong" and phone.extra["environment"] == "outdoor"


def test_label_files_divide(clips, tmp_path):
    for name in METAS:
        assert sizes(DATASET.protocols[name].divide(clips)) == "10/100 0/0 6/60"
    intra = DATASET.protocols["intra"].divide(clips)
    assert shared_subjects(intra) == ["celeba-spoof/3"] and "again in test" in intra.notes[1]
    apart = DATASET.protocols["intra-disjoint"].divide(clips)
    assert sizes(apart) == "9/90 0/0 6/60" and shared_subjects(apart) == []
    check_manifest("celeba-spoof", clips, tmp_path / "m.csv")


def test_the_counts_of_the_intra_files(tmp_path):
    sides = {"train": (162462, 331943), "test": (19923, 47247)}
    clips = [
        Clip(tmp_path, "x", label, "celeba-spoof", part, extra={"intra": part})
        for part in sides
        for label in ("live", "attack")
    ]
    numbers = [number for pair in sides.values() for number in pair]
    many = [clip for clip, number in zip(clips, numbers, strict=True) for _ in range(number)]
    protocol = DATASET.protocols["intra"]
    assert protocol.divide(many).counts() == protocol.counts
    assert sum(numbers) == 561575


def test_the_label_file_goes_before_the_folder(tmp_path):
    names = ["Data/train/1/live/1.png", "Data/train/1/live/2.png", "Data/train/1/poster/3.png"]
    root = plant(tmp_path, names)
    rows = {"CelebA/" + names[0]: celeba_row(1, 9), "Data/train/1/spoof/9.png": celeba_row(1, 1)}
    celeba_metas(root, {"intra_test/train": rows})
    found = index(root)
    assert [clip.species for clip in found.clips] == ["replay/phone", "live"]
    assert the_problem(found, "differs from their folder").example == names[0]
    assert the_problem(found, "no label file names").example == names[1]
    assert the_problem(found, "naming").example == names[2]
    assert the_problem(found, "should be there").example == "Data/train/1/spoof/9.png"


def test_without_label_files_the_folder_says_live_or_attack(tmp_path):
    found = index(plant(tmp_path, ["Data/test/1/spoof/1.png", "Data/test/1/live/2.png"]))
    assert [(c.label, c.species) for c in found.clips] == [("live", "live"), ("attack", "")]
    assert the_problem(found, "label files").count == 1
    with pytest.raises(DataError, match="no clips of CelebA-Spoof"):
        DATASET.protocols["intra"].divide(found.clips)


def test_boxes_come_from_their_files_in_pixels(tmp_path):
    root = plant(tmp_path, ["Data/test/1/live/2.png"])
    for number in (1, 3):
        Image.new("RGB", (448, 672)).save(root / f"Data/test/1/live/{number}.png")
    for number, text in ((1, "10 20 100 112 0.99"), (2, "1 2 3 4 0.9"), (3, "10 20 0 5 0.9")):
        (root / f"Data/test/1/live/{number}_BB.txt").write_text(text)
    found = index(root)
    assert [clip.box for clip in found.clips] == [(20, 60, 220, 396), None, None]
    assert the_problem(found, "boxes").count == 2
    assert read_box(root / "none", root / "Data/test/1/live/1.png") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "no table"),
        ("{", "not readable"),
        ('{"a": [1]}', "expected 44"),
        ('{"a": 3}', "44 numbers"),
        (f'{{"Data/a": {celeba_row(2)}}}', "last 0"),
    ],
)
def test_a_malformed_label_file_is_named(tmp_path, text, words):
    (tmp_path / "metas/intra_test").mkdir(parents=True)
    (tmp_path / "metas/intra_test/test_label.json").write_text(text)
    with pytest.raises(DataError, match=words) as refused:
        read_labels(tmp_path)
    assert "test_label.json" in str(refused.value)


def test_wrong_roots_are_refused(root, tmp_path):
    check_wrong_roots("celeba-spoof", tmp_path, root)
