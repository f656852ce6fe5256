"""Manifests: CSV, Parquet, folders, and every way in which they can be wrong."""

import csv

import numpy as np
import pytest

from data.made_up_data import make_data_root
from despoof.core.errors import DataError
from despoof.data.manifest import from_folders, of_split, read_manifest

ROW = {
    "path": "a.png",
    "dataset": "d",
    "subject": "007",
    "session": "1",
    "device": "cam",
    "label": "attack",
    "species": "print/a4",
    "frames": "8",
    "split": "dev",
    "box": "1 2.5 30 40",
    "landmarks": "1 2,3 4,5 6,7 8,9 10",
    "light": "dim",
}


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_plain(clip):
    points = None if clip.landmarks is None else clip.landmarks.tolist()
    return {**vars(clip), "landmarks": points}


def test_every_column_of_a_csv_is_read(tmp_path):
    (clip,) = read_manifest(write(tmp_path / "m.csv", [ROW]))
    assert clip.path == tmp_path / "a.png" and clip.name == "a.png"
    assert (clip.label, clip.live, clip.group) == ("attack", False, "d/007")
    assert (clip.session, clip.device, clip.species, clip.split) == ("1", "cam", "print/a4", "dev")
    assert clip.frames == 8 and clip.box == (1, 2.5, 30, 40) and clip.extra == {"light": "dim"}
    assert clip.landmarks.dtype == np.float32 and clip.landmarks[1].tolist() == [3, 4]


def test_two_columns_are_enough(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("\ufefflabel, path\nlive,/x/b.png\n\nattack,c.png\n", encoding="utf-8")
    live, attack = read_manifest(path)
    assert str(live.path) == "/x/b.png" and live.group == "/x/b.png" and live.live
    assert attack.path == tmp_path / "c.png" and attack.species == "" and attack.box is None


def test_parquet_is_the_same_table(tmp_path):
    polars = pytest.importorskip("polars")
    plain = read_manifest(write(tmp_path / "m.csv", [ROW]))
    numbers = [float(i) for i in range(1, 11)]
    typed = ROW | {"frames": 8, "box": [1.0, 2.5, 30.0, 40.0], "landmarks": numbers}
    polars.DataFrame([typed]).write_parquet(tmp_path / "m.parquet")
    same = read_manifest(tmp_path / "m.parquet")
    assert [as_plain(clip) for clip in same] == [as_plain(clip) for clip in plain]
    bare = [{"path": "a", "label": "live", "subject": None, "frames": float("nan")}]
    polars.DataFrame(bare).write_parquet(tmp_path / "m.pq")
    (clip,) = read_manifest(tmp_path / "m.pq")
    assert clip.subject == "" and clip.frames is None
    polars.DataFrame([{"path": "a", "label": 1}]).write_parquet(tmp_path / "bad.pq")
    with pytest.raises(DataError, match=r"bad\.pq, row 1: label '1'"):
        read_manifest(tmp_path / "bad.pq")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="not readable as Parquet"):
        read_manifest(tmp_path / "broken.parquet")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "ghost"}, "label 'ghost' is unknown. Use live or attack"),
        ({"label": "1"}, "label '1' does not say .*in many sets 1 is the attack"),
        ({"label": "0"}, "label '0' does not say"),
        ({"split": "fold1"}, "split 'fold1' is unknown"),
        ({"frames": "1_0"}, "frames '1_0'"),
        ({"frames": "٣"}, "frames '٣'"),
        ({"box": "1_0 2 30 40"}, "is not 4 finite numbers"),
        ({"box": "١ 2 30 40"}, "is not 4 finite numbers"),
        ({"frames": "0"}, "frames '0'"),
        ({"frames": "-3"}, "frames '-3'"),
        ({"path": ""}, "the path is empty"),
        ({"path": "a\nb"}, "has a line break"),
        ({"subject": "x\ry"}, "has a line break"),
        ({"box": "1 2 3"}, "box '1 2 3' is not 4 finite numbers"),
        ({"box": "1 2 nan 4"}, "is not 4 finite numbers"),
        ({"box": "one"}, "is not 4 finite numbers"),
        ({"box": "5 2 5 9"}, "is empty. Give x1 y1"),
        ({"landmarks": "1 2"}, "landmarks '1 2' is not 10"),
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path, change, message):
    path = write(tmp_path / "m.csv", [ROW, ROW | {"path": "b"} | change])
    with pytest.raises(DataError, match=message) as error:
        read_manifest(path)
    assert "m.csv, line " in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column path, label; found none"),
        ("path,label\n", "has no rows"),
        ("path,box\n", "no column label"),
        ("path,label,label\n", "comes twice"),
        ("path,label\na,live\na,live\n", r"line 3: 'a' already was in .*line 2"),
        ("path,label\na\n", "line 2: 1 cells, but there are 2"),
        ('path,label\n"a,live\n', "not readable as CSV"),
        (b"path,label\n\xff,live\n", "not readable as CSV"),
    ],
)
def test_a_bad_table_is_refused(tmp_path, text, message):
    path = tmp_path / "m.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=message):
        read_manifest(path)


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no manifest .*none\.csv"):
        read_manifest(tmp_path / "none.csv")


def test_the_development_tables_load(tmp_path):
    root = make_data_root(tmp_path)
    clips = read_manifest(root / "nuaa.csv")
    test = of_split(clips, "test")
    assert len(test) == 10 and all(clip.path.is_file() and clip.box for clip in test)
    assert "glasses" in test[0].extra
    assert of_split(clips, "evaluation") == test
    with pytest.raises(DataError, match=r"split 'dev'\. The manifest has: test, train"):
        of_split(clips, "dev")


def make(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_folders_give_label_and_species(tmp_path):
    live = make(tmp_path / "live", "b.png", "x/a.mp4", "notes.txt")
    attack = make(tmp_path / "attack", "a.png", "print/a4/c.png", "replay/d.mp4")
    clips = from_folders(live, attack)
    found = {clip.name.removeprefix(str(tmp_path)): (clip.label, clip.species) for clip in clips}
    assert found == {
        "/live/b.png": ("live", "live"),
        "/live/x/a.mp4": ("live", "live"),
        "/attack/a.png": ("attack", ""),
        "/attack/print/a4/c.png": ("attack", "print"),
        "/attack/replay/d.mp4": ("attack", "replay"),
    }
    assert [clip.label for clip in from_folders(None, attack)] == ["attack"] * 3


def test_bad_folders_are_refused(tmp_path, monkeypatch):
    live = make(tmp_path / "live", "b.png")
    with pytest.raises(DataError, match="No folder was given"):
        from_folders(None, None)
    with pytest.raises(DataError, match=r"no folder .* of attack"):
        from_folders(live, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        from_folders(tmp_path / "empty", None)
    with pytest.raises(DataError, match="are one file"):
        from_folders(live, live)
    with pytest.raises(DataError, match="line break"):
        from_folders(make(tmp_path / "odd", "a\nb.png"), None)
    with pytest.raises(DataError, match="not UTF-8"):
        from_folders(make(tmp_path / "bytes", "a\udcff.png"), None)


def test_a_folder_that_may_not_be_read_is_an_error(tmp_path, monkeypatch):
    from despoof.core.errors import MediaError
    from despoof.data import manifest

    def refuse(folder):
        raise MediaError(f"Folder {folder} cannot be read.")

    monkeypatch.setattr(manifest, "find_media", refuse)
    with pytest.raises(DataError, match=r"cannot be read\. All live"):
        from_folders(make(tmp_path / "live", "b.png"), None)


def test_other_words_are_read_and_said(tmp_path, caplog):
    rows = [("a", "Genuine", "devel"), ("b", "fake", "evaluation"), ("c", "attack", "training")]
    path = write(
        tmp_path / "m.csv",
        [ROW | {"path": p, "label": label, "split": split} for p, label, split in rows],
    )
    found = [(clip.label, clip.split) for clip in read_manifest(path)]
    assert found == [("live", "dev"), ("attack", "test"), ("attack", "train")]
    (said,) = caplog.messages
    assert str(path) in said and "'Genuine' was read as live" in said and "'devel'" in said
    assert "'attack'" not in said


def test_our_own_words_are_not_worth_a_word(tmp_path, caplog):
    read_manifest(write(tmp_path / "m.csv", [ROW]))
    assert caplog.messages == []
