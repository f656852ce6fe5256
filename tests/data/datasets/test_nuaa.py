"""NUAA on a made-up complete tree: lists, people, and the dev split that is ours."""

from pathlib import Path

import pytest

from data.datasets.checks import (
    check_index,
    check_manifest,
    check_wrong_roots,
    plant,
    sizes,
    the_problem,
)
from data.datasets.trees_picture_sets import nuaa, plant_lists
from data.made_up_data import make_data_root
from despoof.core.errors import DataError
from despoof.data.datasets.dividing import shared_subjects
from despoof.data.datasets.nuaa import DATASET, NUAA_DEV_SUBJECTS, index
from despoof.data.manifest import read_manifest
from despoof.data.samples import read_samples

OFFICIAL = DATASET.protocols["official"].divide
DISJOINT = DATASET.protocols["subject-disjoint"].divide


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    names, lists = nuaa()
    root = plant(tmp_path_factory.mktemp("sets") / "nuaa", names)
    plant_lists(root / "raw", lists)
    return root


@pytest.fixture(scope="module")
def clips(root):
    return check_index("nuaa", root, 12614)


def test_the_published_counts(clips):
    counts = OFFICIAL(clips).counts()
    assert counts["test"] == DATASET.protocols["official"].counts["test"]
    assert counts["test"] == {"live": 3362, "attack": 5761}
    assert counts["train"]["live"] + counts["dev"]["live"] == 1743
    assert counts["train"]["attack"] + counts["dev"]["attack"] == 1748
    assert {clip.session for clip in clips if clip.split == "train"} == {"01", "02"}
    assert {clip.session for clip in clips if clip.split == "test"} == {"03"}


def test_the_official_split_shares_people_and_its_twin_does_not(clips):
    official, twin = OFFICIAL(clips), DISJOINT(clips)
    assert not DATASET.protocols["official"].disjoint
    assert len(shared_subjects(official)) == 9 and shared_subjects(twin) == []
    assert {clip.subject for clip in twin.test} == {f"{n:04d}" for n in range(10, 17)}
    assert {clip.subject for clip in twin.dev} == NUAA_DEV_SUBJECTS
    assert twin.train == official.train and set(twin.test) < set(official.test)


def test_names_parse_back(clips):
    for clip in clips[:: len(clips) // 50]:
        folder = "ClientRaw" if clip.live else "ImposterRaw"
        stem = f"{clip.subject}_{clip.extra['glasses']}_{clip.extra['place']}_{clip.session}_"
        assert clip.name.startswith(f"raw/{folder}/{clip.subject}/{stem}")


def test_a_manifest_divides_as_the_index_does(clips, tmp_path):
    check_manifest("nuaa", clips, tmp_path / "m.csv")


def test_dividing_twice_is_dividing_once(clips):
    from despoof.data.protocols.tables import divided

    once = divided(OFFICIAL(clips))
    assert sizes(OFFICIAL(once)) == sizes(OFFICIAL(clips))


def test_the_packaged_table_is_an_index_too(tmp_path):
    table = make_data_root(tmp_path)
    clips = index(table).clips
    assert {clip.name for clip in clips} == {c.name for c in read_manifest(table / "nuaa.csv")}
    assert clips[0].box is not None and clips[0].landmarks is not None
    division = OFFICIAL(clips)
    samples = read_samples(table, "nuaa")  # the same dev people, by the other road
    for part in ("train", "dev", "test"):
        ours = {clip.name for clip in getattr(division, part)}
        assert ours == {sample.name for sample in samples if sample.split == part}


def small(tmp_path, *names, lists=("client_train_raw.txt",)):
    root = plant(tmp_path / "small", names)
    (root / "raw/ClientRaw").mkdir(parents=True, exist_ok=True)
    plant_lists(root / "raw", {name: "0001\\0001_00_00_01_7.jpg\n" for name in lists})
    return root


def test_trouble_is_counted_with_an_example(tmp_path):
    good = "raw/ClientRaw/0001/0001_00_00_01_"
    root = small(tmp_path, f"{good}7.jpg", f"{good}8.jpg", "raw/ClientRaw/0001/0002_00_00_01_7.jpg")
    found = index(root)
    assert [clip.split for clip in found.clips] == ["train", ""]
    assert the_problem(found, "naming").example.endswith("0002_00_00_01_7.jpg")
    assert the_problem(found, "no list names").example == f"{good}8.jpg"
    assert the_problem(found, "lists").count == 3
    with pytest.raises(DataError, match="None of the people meant for dev"):
        OFFICIAL(found.clips)
    (root / f"{good}7.jpg").unlink()
    missing = the_problem(index(root), "should be there")
    assert missing.count == 1 and missing.example == "ClientRaw/0001/0001_00_00_01_7.jpg"


def test_lists_may_have_any_folder_before_the_names(tmp_path):
    name = "raw/ClientRaw/0001/0001_00_00_01_7.jpg"
    root = small(tmp_path, name)
    (root / "raw/client_train_raw.txt").write_text(f"/kaggle/input/nuaaaa/{name}\n")
    assert [clip.split for clip in index(root).clips] == ["train"]
    assert index(root / "raw").clips[0].name == name.removeprefix("raw/")


def test_wrong_roots_are_refused(root, tmp_path):
    check_wrong_roots("nuaa", tmp_path, root)


def test_a_division_needs_people_and_splits(clips):
    from dataclasses import replace

    with pytest.raises(DataError, match="no clips"):
        OFFICIAL([replace(clip, split="") for clip in clips[:9]])
    with pytest.raises(DataError, match="have no subject"):
        OFFICIAL([replace(clip, subject="") for clip in clips])
    train = [clip for clip in clips if clip.split == "train"]
    known = [replace(clip, split="test") for clip in train[:40]]
    with pytest.raises(DataError, match="nothing is left"):
        DISJOINT(train[40:] + known)


def test_the_real_table_divides():
    table = Path("../shared/data/nuaa.csv")
    if not table.is_file():
        pytest.skip("no ../shared/data/nuaa.csv")
    clips = read_manifest(table)
    assert sizes(OFFICIAL(clips)) == "332/343 112/97 564/967"
    assert sizes(DISJOINT(clips)) == "332/343 112/97 334/372"
