"""What holds for every dataset file: checks that the tests of each share."""

import csv
import itertools

import pytest

from despoof.core.errors import DataError
from despoof.data.datasets.dividing import shared_subjects
from despoof.data.datasets.registry import dataset_named
from despoof.data.manifest import read_manifest

PARTS = ("train", "dev", "test")


def plant(root, names):
    """Make empty files of relative POSIX names."""
    made = set()
    for name in names:
        path = root / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        path.open("w").close()
    return root


def sizes(division):
    """Spell a division's counts as the tables of the tests do: live/attack of each part."""
    return " ".join(f"{part['live']}/{part['attack']}" for part in division.counts().values())


def check_index(name, root, count):
    """Index a complete tree: no problems, sorted clips that say where they lie."""
    dataset = dataset_named(name)
    found = dataset.index(root)
    assert found.problems == ()
    names = [clip.name for clip in found.clips]
    assert len(names) == count and names == sorted(set(names))
    for clip in found.clips:
        assert clip.path == root / clip.name and clip.dataset == name
        assert clip.live == (clip.species == "live")
        assert clip.split in ("", *PARTS)
    return found.clips


def check_protocols(name, clips, table):
    """Divide by every protocol: the table's counts, parts apart, subjects apart, order kept."""
    protocols = dataset_named(name).protocols
    assert set(table) == set(protocols)
    order = {clip.name: place for place, clip in enumerate(clips)}
    for protocol in protocols.values():
        division = protocol.divide(clips)
        assert (protocol.name, sizes(division)) == (protocol.name, table[protocol.name])
        if protocol.counts is not None:
            assert division.counts() == protocol.counts
        if protocol.disjoint:
            assert shared_subjects(division) == []
        parts = [[clip.name for clip in getattr(division, part)] for part in PARTS]
        for part in parts:
            assert part == sorted(part, key=order.__getitem__)
        for one, other in itertools.combinations(parts, 2):
            assert not set(one) & set(other)
        assert protocol.source


def check_manifest(name, clips, path, columns=()):
    """Write clips as a table, read it, and divide again: the divisions name the same clips."""
    plain = ("dataset", "subject", "session", "device", "label", "species", "split")
    extra = sorted({key for clip in clips for key in clip.extra})
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", *plain, *extra])
        for clip in clips:
            cells = [getattr(clip, key) for key in plain]
            writer.writerow([clip.name, *cells, *(clip.extra.get(key, "") for key in extra)])
    again = read_manifest(path)
    for protocol in dataset_named(name).protocols.values():
        before, after = protocol.divide(clips), protocol.divide(again)
        for part in PARTS:
            names = [[c.name for c in getattr(side, part)] for side in (before, after)]
            assert names[0] == names[1]


def check_wrong_roots(name, tmp_path, complete):
    """Refuse an empty folder, one that is not there, and the folder above; help with the last."""
    dataset = dataset_named(name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is not") as refused:
        dataset.index(tmp_path / "empty")
    assert dataset.layout.strip() in str(refused.value)
    with pytest.raises(DataError, match="There is no folder"):
        dataset.index(tmp_path / "nowhere")
    with pytest.raises(DataError) as refused:
        dataset.index(complete.parent)
    assert f"{complete} looks right" in str(refused.value)


def check_protocols_need(name, clips):
    """Refuse no clips at all with a message of what to do, whatever the protocol."""
    for protocol in dataset_named(name).protocols.values():
        with pytest.raises(DataError, match="no clips"):
            protocol.divide([])


def the_problem(found, words):
    """Return the one problem whose text has the words."""
    (problem,) = [problem for problem in found.problems if words in problem.what]
    return problem
