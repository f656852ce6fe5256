"""CASIA-SURF: a small tree of its naming, and the published counts by names alone."""

from pathlib import Path

import pytest

from data.datasets.checks import (
    check_manifest,
    check_protocols_need,
    check_wrong_roots,
    plant,
    sizes,
    the_problem,
)
from data.datasets.trees_picture_sets import (
    SURF,
    plant_lists,
    surf_kind,
    surf_other,
    surf_training,
)
from despoof.data.datasets.casia_surf import DATASET, _clip, index

OFFICIAL = DATASET.protocols["official"].divide


def make(root):
    """Twelve live and 24 attacks train; 6 and 4 pictures of Val and Testing with lists."""
    colour = {"train": list(surf_training(12, 24, people=4))}
    colour |= {"val": list(surf_other("Val", 6)), "test": list(surf_other("Testing", 4))}
    kinds = ("color", "depth", "ir")
    plant(root, [surf_kind(name, kind) for c in colour.values() for name in c for kind in kinds])
    lists = {}
    for part, names in colour.items():
        turned = names if part != "test" else [surf_kind(name, "depth") for name in names]
        lines = []
        for number, name in enumerate(turned):  # the order of the columns differs on purpose
            base = name.replace("depth", "color")
            others = [surf_kind(base, kind) for kind in kinds]
            live = "/real_part/" in name if part == "train" else number % 2 == 0
            lines.append(" ".join([*(others[::-1] if part == "test" else others), str(int(live))]))
        file = "train_list.txt" if part == "train" else f"{part}_private_list.txt"
        lists[file] = "\n".join(lines) + "\n"
    return plant_lists(root, lists)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make(tmp_path_factory.mktemp("sets") / "surf")


def test_a_small_tree_divides(root, tmp_path):
    found = index(root)
    assert found.problems == () and len(found.clips) == 46
    assert sizes(OFFICIAL(found.clips)) == "12/24 3/3 2/2"
    check_manifest("casia-surf", found.clips, tmp_path / "m.csv")
    check_protocols_need("casia-surf", found.clips)
    for clip in found.clips:
        assert all((root / clip.extra[kind]).is_file() for kind in ("depth", "ir"))
        assert bool(clip.subject) == (clip.split == "train")


def test_the_published_counts():
    labels = {}
    names = list(surf_training(*SURF["train"]))
    for folder, part in (("Val", "dev"), ("Testing", "test")):
        live, attack = SURF[part]
        for number, name in enumerate(surf_other(folder, live + attack)):
            labels[name] = "live" if number < live else "attack"
    clips = [_clip(Path("copy"), name, labels) for name in [*names, *labels]]
    assert OFFICIAL(clips).counts() == DATASET.protocols["official"].counts
    assert sizes(OFFICIAL(clips)) == "8942/20324 2994/6614 17458/40252"
    assert [sum(SURF[part]) for part in SURF] == [29266, 9608, 57710]


def test_names_parse_back():
    name = "Training/fake_part/CLKJ_BS0005/04_en_b.rssdk/color/101.jpg"
    clip = _clip(Path("copy"), name, {})
    assert (clip.subject, clip.species) == ("CLKJ_BS0005", "print/cut-eyes-nose-bent")
    assert (clip.session, clip.label) == ("04_en_b", "attack")
    assert clip.extra == {
        "depth": name.replace("color", "depth"),
        "ir": name.replace("color", "ir"),
    }
    assert _clip(Path("copy"), name.replace("fake", "real"), {}) is None
    assert _clip(Path("copy"), name.replace("04_en_b", "real"), {}) is None


def test_trouble_is_counted_with_an_example(tmp_path):
    root = make(tmp_path / "copy")
    (root / "val_private_list.txt").unlink()
    (root / "Testing/0000/000001-ir.jpg").unlink()
    (root / "Testing/0000/000002-color.jpg").unlink()
    with (root / "train_list.txt").open("a") as stream:
        stream.write("Training/real_part/x.jpg 1\n")
    found = index(root)
    assert the_problem(found, "without a label").count == 6
    assert the_problem(found, "lists that").example == "val_private_list.txt"
    assert the_problem(found, "lines of lists").example.endswith("x.jpg 1")
    assert the_problem(found, "without their depth").example == "Testing/0000/000001-color.jpg"
    assert the_problem(found, "should be there").example == "Testing/0000/000002-color.jpg"


def test_wrong_roots_are_refused(root, tmp_path):
    check_wrong_roots("casia-surf", tmp_path, root)
