"""Manifests written and read back: CSV and Parquet."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from despoof.core.errors import DataError, InputError
from despoof.data.manifest import Clip, read_manifest
from despoof.data.manifest_writer import COLUMNS, write_manifest

NUMBER = some.floats(-4000, 4000, width=32)
WORD = some.text(some.characters(exclude_categories=("Cs", "Cc")), max_size=6) | some.text(
    some.sampled_from("'=+-@1a"), max_size=4
)


@pytest.fixture(params=[".csv", ".parquet", ".pq"])
def table(request, tmp_path):
    if request.param != ".csv":
        pytest.importorskip("polars")
    return tmp_path / f"m{request.param}"


def plain(clip):
    points = None if clip.landmarks is None else clip.landmarks.tolist()
    return {**vars(clip), "landmarks": points}


@some.composite
def clips(draw):
    corner, span = draw(some.tuples(NUMBER, NUMBER)), draw(some.tuples(NUMBER, NUMBER))
    box = (*corner, corner[0] + abs(span[0]) + 1, corner[1] + abs(span[1]) + 1)
    points = draw(some.lists(NUMBER, min_size=10, max_size=10))
    return Clip(
        path=Path("x"),
        name="x",
        label=draw(some.sampled_from(["live", "attack"])),
        dataset=draw(WORD),
        subject=draw(WORD),
        session=draw(WORD),
        device=draw(WORD),
        species=draw(WORD),
        frames=draw(some.none() | some.integers(1, 10**6)),
        split=draw(some.sampled_from(["", "train", "dev", "test"])),
        box=draw(some.sampled_from([None, box])),
        landmarks=draw(some.sampled_from([None, np.array(points, np.float32).reshape(5, 2)])),
        extra={"light": draw(WORD), "Größe": draw(WORD)},
    )


@settings(deadline=None, max_examples=40)
@given(some.lists(clips(), min_size=1, max_size=4))
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_is_written_is_read(tmp_path_factory, suffix, given_clips):
    if suffix == "parquet":
        pytest.importorskip("polars")
    folder = tmp_path_factory.getbasetemp()
    named = [
        replace(clip, path=folder / f"a/{n}.jpg", name=f"a/{n}.jpg")
        for n, clip in enumerate(given_clips)
    ]
    write_manifest(folder / f"round.{suffix}", named)
    again = read_manifest(folder / f"round.{suffix}")
    assert [plain(clip) for clip in again] == [plain(clip) for clip in named]


def test_paths_are_relative_below_the_table_and_absolute_elsewhere(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside, outside = Path("sub/a.jpg"), tmp_path.parent / "b.jpg"
    twin = Path(f"{tmp_path}x") / "c.jpg"  # begins like the folder, but lies beside it
    write_manifest(table.name, [Clip(p, str(p), "live") for p in (inside, outside, twin)])
    names = [clip.name for clip in read_manifest(table)]
    assert names == ["sub/a.jpg", str(outside), str(twin)]
    assert read_manifest(table)[0].path == tmp_path / inside


def test_columns_stand_in_a_fixed_order(tmp_path):
    extras = [{"b": "1"}, {"a": "2", "b": "3"}]
    rows = [Clip(Path(f"{n}"), f"{n}", "live", extra=e) for n, e in enumerate(extras)]
    write_manifest(tmp_path / "deep/m.csv", rows)
    header = (tmp_path / "deep/m.csv").read_text().partition("\n")[0]
    assert header == ",".join([*COLUMNS, "b", "a"])
    assert [dict(clip.extra) for clip in read_manifest(tmp_path / "deep/m.csv")] == [
        {"b": "1", "a": ""},
        {"b": "3", "a": "2"},
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "no clips"),
        ([Clip(Path("a"), "a", "live")] * 2, "comes twice"),
        ([Clip(Path("a\nb"), "a", "live")], "line break"),
        ([Clip(Path("a\udcff"), "a", "live")], "not UTF-8"),
        ([Clip(Path("a"), "a", "live", extra={"split": "x"})], "called split"),
    ],
)
def test_what_no_table_can_hold_is_refused_and_nothing_written(table, rows, words):
    table.write_text("old")
    with pytest.raises(DataError, match=words):
        write_manifest(table, rows)
    assert table.read_text() == "old" and os.listdir(table.parent) == [table.name]


@pytest.mark.parametrize("name", ["m.txt", "m", "folder.csv"])
def test_other_names_are_refused(tmp_path, name):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="End it in"):
        write_manifest(tmp_path / name, [Clip(Path("a"), "a", "live")])


def test_names_of_columns_are_guarded_too(tmp_path):
    rows = [Clip(tmp_path / "a", "a", "live", extra={"=cmd|x": "@y", "-1": "2"})]
    write_manifest(tmp_path / "m.csv", rows)
    header, row = (tmp_path / "m.csv").read_text().splitlines()
    assert header.endswith(",'=cmd|x,-1") and row.endswith(",'@y,2")
    assert dict(read_manifest(tmp_path / "m.csv")[0].extra) == {"=cmd|x": "@y", "-1": "2"}
