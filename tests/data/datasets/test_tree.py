"""Walking trees and counting what is wrong with them."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as some

from data.datasets.checks import plant
from despoof.core.errors import DataError
from despoof.data.datasets.tree import (
    check_root,
    file_names,
    index_files,
    missing,
    problem,
    stem_of,
    with_suffix,
)
from despoof.data.manifest import Clip

NAMES = some.lists(
    some.lists(some.sampled_from("abc"), min_size=1, max_size=3).map("/".join), unique=True
)


def clip_of(name):
    return None if "odd" in name else Clip(path=name, name=name, label="live")


def test_files_are_listed_by_posix_path_and_hidden_ones_are_not(tmp_path):
    names = ["b/x.avi", "a/deep/er/y.mov", "z.txt", ".hidden/x.avi", "a/._x.avi", "a/.DS_Store"]
    assert file_names(plant(tmp_path, names)) == ["a/deep/er/y.mov", "b/x.avi", "z.txt"]


def test_links_to_folders_are_followed_and_loops_are_not(tmp_path):
    plant(tmp_path / "far", ["x.avi"])
    plant(tmp_path / "set", ["a/y.avi"])
    (tmp_path / "set/b").symlink_to(tmp_path / "far")
    (tmp_path / "set/a/up").symlink_to(tmp_path / "set")
    (tmp_path / "set/a/self").symlink_to(tmp_path / "set/a")
    (tmp_path / "set/broken").symlink_to(tmp_path / "nothing")
    assert file_names(tmp_path / "set") == ["a/y.avi", "b/x.avi", "broken"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    plant(tmp_path, ["a/x.avi"])
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("a"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=r"a cannot be read: Permission denied"):
        file_names(tmp_path)


def test_a_root_that_cannot_be_entered_is_named(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.exists", refuse)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        check_root(tmp_path, "Set", "tree", ["Train"])


def test_no_file_is_opened_or_looked_at_one_by_one(tmp_path, monkeypatch):
    plant(tmp_path, [f"{folder}/{n}.avi" for folder in "abc" for n in range(100)])
    looks = []

    def count(path, *rest, **more):
        looks.append(path)
        raise AssertionError(path)

    monkeypatch.setattr("builtins.open", count)
    monkeypatch.setattr(os, "stat", count)
    monkeypatch.setattr(os, "lstat", count)
    assert len(index_files(file_names(tmp_path), clip_of).clips) == 300
    assert not looks


def test_suffixes_count_in_any_case():
    assert with_suffix(["a.AVI", "a.mov", "b.txt", "c"]) == ["a.AVI", "a.mov"]
    assert with_suffix(["a.b/c", "a.b/c.H5"], [".h5"]) == ["a.b/c.H5"]


def test_clips_are_sorted_and_each_kind_of_trouble_is_told_once():
    names = ["b/2.mov", "b/1.mov", "a/odd.mov", "b/2.avi", "a/odd2.mov"]
    found = index_files(names, clip_of, ["b/1", "b/2", "b/3", "c/1", "c/2"], advice="do")
    assert [clip.name for clip in found.clips] == ["b/1.mov", "b/2.avi"]
    told = [(problem.count, problem.example) for problem in found.problems]
    assert told == [(2, "a/odd.mov"), (1, "b/2.mov"), (1, "b/3"), (2, "c/1")]
    assert [problem.advice for problem in found.problems[2:]] == ["do", "do"]


def test_names_that_no_table_can_hold_are_misnamed_and_can_be_printed():
    odd = b"\xff.mov".decode(errors="surrogateescape")
    found = index_files(["a/1.mov", "a/x\n.mov", odd], clip_of)
    assert [clip.name for clip in found.clips] == ["a/1.mov"]
    assert found.problems[0].count == 2
    assert problem("x", [odd], "y")[0].example == r"\udcff.mov"


def test_a_tree_without_one_clip_is_refused():
    with pytest.raises(DataError, match=r"None of 2 .* e\.g\. a/odd\.mov"):
        index_files(["b/odd.mov", "a/odd.mov"], clip_of, ["b/1"])
    with pytest.raises(DataError, match="None of 0"):
        index_files([], clip_of)


@given(found=NAMES, expected=NAMES)
def test_what_is_missing_adds_up(found, expected):
    problems = missing(found, expected, "do")
    absent = set(expected) - set(found)
    assert sum(problem.count for problem in problems) == len(absent)
    assert all(problem.count and problem.example in absent for problem in problems)
    tops = {name.partition("/")[0] for name in found}
    gone = {name.partition("/")[0] for name in expected} - tops
    assert {
        problem.what.split()[2].rstrip(",") for problem in problems if "none" in problem.what
    } == gone


def test_no_examples_are_no_problem():
    assert problem("x", [], "y") == ()
    assert problem("x", ["b", "a"], "y")[0].example == "b"


@given(some.text("ab./", min_size=1))
def test_a_stem_loses_the_last_suffix_alone(name):
    stem = stem_of(name)
    assert name.startswith(stem) and "/" not in name[len(stem) :]
    assert name[len(stem) :].count(".") <= 1


def test_a_root_is_known_by_one_of_its_marks(tmp_path):
    plant(tmp_path / "outer" / "right", ["Train/x.avi"])
    check_root(tmp_path / "outer/right", "Set", "tree", ["Test", "Train"])
    with pytest.raises(DataError, match=r"none of Test, Train.*\ntree\n.*right looks right"):
        check_root(tmp_path / "outer", "Set", "\ntree\n", ["Test", "Train"])
    with pytest.raises(DataError, match="The folder above it"):
        check_root(tmp_path / "outer/right/Train", "Set", "tree", ["Test", "Train"])
    with pytest.raises(DataError, match="There is no folder"):
        check_root(tmp_path / "outer/right/Train/x.avi", "Set", "tree", ["Train"])
