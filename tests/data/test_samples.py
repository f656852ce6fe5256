from pathlib import Path

import numpy as np
import pytest

from data.made_up_data import COLUMNS, PLAN
from despoof.core.errors import DataError
from despoof.data.depth_labels import read_depth
from despoof.data.samples import (
    NUAA_DEV_SUBJECTS,
    find_data_root,
    read_samples,
    select,
    subject_disjoint,
)

ROW = 'a/1.png,a,train,7,01,,,live,live,96,10 20 50.5 70,"1 2 3 4,5 6 7 8 9 10"'


HEADER = COLUMNS.replace(" ", ",")


def table(folder, *rows, header=HEADER):
    (folder / "a.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


def test_a_row_is_read_as_it_stands(tmp_path):
    (sample,) = read_samples(table(tmp_path, ROW), "a")
    assert sample.path == tmp_path / "a/1.png" and sample.name == "a/1.png"
    assert (sample.split, sample.subject, sample.session) == ("train", "7", "01")
    assert sample.live and sample.species == "live" and sample.row == 0
    assert sample.box == (10, 20, 50.5, 70)
    assert sample.landmarks.dtype == np.float32
    assert np.array_equal(sample.landmarks, np.arange(1, 11).reshape(5, 2))
    assert sample.group == "a/7"


def test_a_picture_without_a_face_or_person_is_a_row_too(tmp_path):
    (sample,) = read_samples(table(tmp_path, "x.png,a,dev,,,,,attack,print,9,,"), "a")
    assert sample.box is None and sample.landmarks is None and not sample.live
    assert sample.group == "x.png"


def test_guarded_text_is_read_as_it_was(tmp_path):
    (sample,) = read_samples(table(tmp_path, "'=x.png,a,dev,'@7,'-s,,,attack,'+p,9,-1 2 3 4,"), "a")
    assert (sample.name, sample.subject, sample.session) == ("=x.png", "@7", "-s")
    assert sample.species == "+p" and sample.box == (-1, 2, 3, 4)


@pytest.mark.parametrize("box", ["1_0 2 30 40", "١ 2 3 4", "1 2 3"])
def test_numbers_are_ascii_without_underscores(tmp_path, box):
    with pytest.raises(DataError, match=r"a\.csv, row 2"):
        read_samples(table(tmp_path, f"x.png,a,dev,,,,,attack,p,9,{box},"), "a")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (ROW.replace(",live,live,", ",alive,live,"), "row 3.*'alive'"),
        (ROW.replace(",train,", ",tset,"), "row 3.*'tset'"),
        (ROW.replace("50.5", "wide"), "row 3.*wide"),
        (ROW.replace(" 70", ""), "row 3.*box '10 20 50.5'"),
        (ROW.replace(' 10"', '"'), "row 3.*landmarks"),
        ("a/1.png,a,train", "row 3"),
    ],
)
def test_a_malformed_row_is_named_by_its_line(bad, message, tmp_path):
    with pytest.raises(DataError, match=rf"(?s)a\.csv, {message}"):
        read_samples(table(tmp_path, ROW, bad), "a")


def test_a_table_that_is_none(tmp_path):
    with pytest.raises(DataError, match=r"No table at .*b\.csv. Tables there: "):
        read_samples(tmp_path, "b")
    with pytest.raises(DataError, match="row 2: KeyError"):
        read_samples(table(tmp_path, "a/1.png,live", header="path,label"), "a")
    (tmp_path / "a.csv").write_bytes(b"path,label\n\xff\xfe\x00,live\n")
    with pytest.raises(DataError, match="not a CSV table in UTF-8"):
        read_samples(tmp_path, "a")


def test_the_data_folder_is_given_or_in_the_environment_or_beside(tmp_path, monkeypatch):
    monkeypatch.setenv("DESPOOF_DATA", str(tmp_path))
    assert find_data_root() == tmp_path
    (tmp_path / "other").mkdir()
    assert find_data_root(tmp_path / "other") == tmp_path / "other"
    monkeypatch.setenv("DESPOOF_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"No data folder at .*nowhere. Set DESPOOF_DATA"):
        find_data_root()
    monkeypatch.delenv("DESPOOF_DATA")
    (tmp_path / "checkout").mkdir()
    (tmp_path / "shared/data").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "checkout")
    assert find_data_root() == Path("../shared/data")


def test_made_up_tables_are_complete(made_up_root):
    for dataset, groups in PLAN.items():
        samples = read_samples(made_up_root, dataset)
        assert len(samples) == sum(live + attack for _, _, live, attack in groups)
        assert [s.row for s in samples] == list(range(len(samples)))
        assert all(s.path.exists() for s in samples)


def test_nuaa_gets_a_development_part_by_person(made_up_root):
    samples = read_samples(made_up_root, "nuaa")
    dev, train = select(samples, "dev"), select(samples, "train")
    assert {s.subject for s in dev} == {"0004"} and {s.subject for s in train} == {"0001"}
    assert {s.subject for s in dev} <= NUAA_DEV_SUBJECTS


def test_a_nuaa_table_with_a_development_part_keeps_it(tmp_path):
    rows = [
        ROW.replace(",7,", f",{who},").replace("a/1.png", f"a/{who}.png")
        for who in ("0004", "0001")
    ]
    rows[1] = rows[1].replace(",train,", ",dev,")
    path = table(tmp_path, *rows)
    (path / "a.csv").rename(path / "nuaa.csv")
    assert [s.split for s in read_samples(path, "nuaa")] == ["train", "dev"]


def test_only_nuaa_is_split_anew(tmp_path):
    (sample,) = read_samples(table(tmp_path, ROW.replace(",7,", ",0004,")), "a")
    assert sample.split == "train"


def test_selection_is_by_split_label_and_name(made_up_root):
    samples = read_samples(made_up_root, "nuaa")
    assert select(samples) == samples
    assert {s.label for s in select(samples, label="attack")} == {"attack"}
    assert all("test/0012" in s.name for s in select(samples, contains="test/0012"))
    assert len(select(samples, "test", "live", "0012")) == 3


def test_subject_disjoint_keeps_only_people_never_trained_on(made_up_root):
    samples = read_samples(made_up_root, "nuaa")
    kept = subject_disjoint(iter(samples))
    assert {s.subject for s in kept} == {"0012"} and {s.split for s in kept} == {"test"}
    assert len(kept) == 6


def test_depth_file_is_checked(tmp_path, made_up_root):
    assert read_depth(made_up_root, "nuaa").shape == (34, 32, 32)
    with pytest.raises(DataError, match="does not hold an array `depth`"):
        read_depth(tmp_path, "x")
    path = tmp_path / "x.depth.npz"
    for content in (b"", b"PK\x03\x04 cut", b"not a zip"):
        path.write_bytes(content)
        with pytest.raises(DataError, match="does not hold an array `depth`"):
            read_depth(tmp_path, "x")
    np.savez(path, other=np.zeros(3))
    with pytest.raises(DataError, match="does not hold an array `depth`"):
        read_depth(tmp_path, "x")
    np.savez(path, depth=np.zeros((3, 32, 32), np.float32))
    with pytest.raises(DataError, match=r"float32 \(3, 32, 32\), expected uint8"):
        read_depth(tmp_path, "x")
