"""A user's own folders and tables."""

import pytest

from data.datasets.checks import plant, the_problem
from despoof.core.errors import DataError
from despoof.data.datasets.folders import index


def test_labels_splits_and_species_come_from_folders(tmp_path, caplog):
    names = [
        "training/real/a.jpg",
        "val/Bona-Fide/deep/b.mp4",
        "test/spoof/print/a4/c.png",
        "fake/replay/eval/d.mov",
        "attack/e.jpg",
        "attack/e.png",
        "notes.txt",
    ]
    found = index(plant(tmp_path, names))
    assert found.problems == ()
    assert {c.name: (c.label, c.species, c.split) for c in found.clips} == {
        "training/real/a.jpg": ("live", "live", "train"),
        "val/Bona-Fide/deep/b.mp4": ("live", "live", "dev"),
        "test/spoof/print/a4/c.png": ("attack", "print", "test"),
        "fake/replay/eval/d.mov": ("attack", "replay", "test"),
        "attack/e.jpg": ("attack", "", ""),
        "attack/e.png": ("attack", "", ""),
    }
    (said,) = caplog.messages
    assert "label 'Bona-Fide' was read as live" in said and "split 'val' was read as dev" in said
    assert "deep" not in said and "'test'" not in said


def test_files_without_a_label_are_counted(tmp_path):
    found = index(plant(tmp_path, ["live/a.jpg", "b.jpg", "faces/c.jpg"]))
    assert [clip.name for clip in found.clips] == ["live/a.jpg"]
    assert the_problem(found, "no folder called").count == 2


def test_a_table_is_read_as_it_is(tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text("path,label,dataset\nx.jpg,live,ours\n")
    (clip,) = index(table).clips
    assert clip.dataset == "ours" and clip.path == tmp_path / "x.jpg"


def test_nothing_to_index_is_an_error(tmp_path):
    with pytest.raises(DataError, match="There is no folder or table"):
        index(tmp_path / "none")
    with pytest.raises(DataError, match="below a folder that is called live"):
        index(plant(tmp_path, ["a.jpg"]))
