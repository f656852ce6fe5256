"""Which pictures of score files are looked at: evenly spread, where they are, of both classes."""

from pathlib import Path

import numpy as np
import pytest

from despoof.core.errors import DataError
from despoof.data.manifest import Clip
from despoof.evaluation.score_formats import ScoreTable
from despoof.evaluation.scored_clips import find_clips


def table(n=10, names=None):
    """N clips; every second one is live; subjects s0 … s3."""
    names = names or [f"{i}.png" for i in range(n)]
    return ScoreTable(
        source="scores.csv",
        path=names,
        subject=[f"s{i % 4}" for i in range(len(names))],
        species=[""] * len(names),
        live=np.arange(len(names)) % 2 == 0,
        score=np.linspace(0, 1, len(names)),
    )


@pytest.fixture
def pictures(tmp_path):
    for i in range(10):
        (tmp_path / f"{i}.png").touch()
    return tmp_path


def test_files_are_found_in_the_first_folder_that_has_them(pictures):
    other = pictures / "other"
    other.mkdir()
    (other / "3.png").touch()
    found = find_clips([table()], [other, pictures])
    assert {clip.name: clip.path for clip in found.clips}["3.png"] == other / "3.png"
    assert len(found.clips) == found.n_looked == 10 and (found.n_live, found.n_attack) == (5, 5)
    assert not found.why_incomplete
    third = next(clip for clip in found.clips if clip.name == "3.png")
    assert (third.label, third.subject, third.box) == ("attack", "s3", None)


def test_at_most_so_many_of_each_class_evenly_spread():
    found = find_clips([table(1000)], [], most=7)
    assert (found.n_live, found.n_attack, found.n_looked) == (500, 500, 14) and not found.clips
    assert find_clips([table(1000)], [], most=0).n_looked == 1000
    names = [str(Path(__file__).parent / f"{i}") for i in range(100)]
    manifest = [
        Clip(Path(__file__), name, "live" if i % 2 == 0 else "attack", box=(0, 0, 1, 1))
        for i, name in enumerate(names)
    ]
    rows = [names.index(c.name) for c in find_clips([table(names=names)], [], manifest, 5).clips]
    assert rows == [0, 20, 40, 60, 80, 1, 21, 41, 61, 81]


def test_the_manifest_goes_first_and_must_agree(pictures):
    clip = Clip(pictures / "4.png", "0.png", "live", dataset="d", subject="other", box=(1, 2, 3, 4))
    found = find_clips([table()], [pictures], [clip]).clips[0]
    assert (found.path.name, found.box, found.subject) == ("4.png", (1, 2, 3, 4), "s0")
    assert found.group == "/s0"  # as in the score file, whatever the manifest's dataset
    gone = Clip(pictures / "none.png", "0.png", "live")
    assert "0.png" not in {c.name for c in find_clips([table()], [pictures], [gone]).clips}
    with pytest.raises(DataError, match=r"'0\.png' is live in scores\.csv, but attack in the man"):
        find_clips([table()], [pictures], [Clip(pictures / "0.png", "0.png", "attack")])


def test_of_several_files_only_what_all_have_scored(pictures):
    found = find_clips([table(), table(6), table(8)], [pictures])
    assert (found.n_live, found.n_attack) == (3, 3)
    assert {clip.name for clip in found.clips} == {f"{i}.png" for i in range(6)}


def test_what_is_missing_is_said_with_what_to_do(pictures):
    assert "None of the 10 pictures" in find_clips([table()], []).why_incomplete
    assert "--images DIR" in find_clips([table()], []).why_incomplete
    for i in range(0, 10, 2):
        (pictures / f"{i}.png").unlink()
    assert "0 live and 5 attack" in find_clips([table()], [pictures]).why_incomplete


def test_names_that_no_file_can_have_are_not_at_hand(tmp_path):
    found = find_clips([table(names=["a\0b", "x" * 5000, "..", "~"])], [tmp_path])
    assert not found.clips and found.n_looked == 4
