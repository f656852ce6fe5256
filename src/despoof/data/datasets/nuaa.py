"""NUAA: webcam pictures of people, and of their photographs held to the webcam."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from despoof.core.errors import DataError
from despoof.core.types import Label
from despoof.data.datasets.contract import Dataset, Division, Index, Problem, Protocol
from despoof.data.datasets.dividing import carve_dev, need_columns, published
from despoof.data.datasets.tree import (
    check_root,
    file_names,
    index_files,
    missing,
    problem,
    with_suffix,
)
from despoof.data.manifest import Clip, read_manifest

NAME = "nuaa"
TITLE = "NUAA Imposter Database"
LAYOUT = """\
raw/{ClientRaw,ImposterRaw}/<id>/<id>_<glasses>_<place>_<session>_<picture>.jpg
raw/{client,imposter}_{train,test}_raw.txt"""
NUAA_DEV_SUBJECTS = frozenset({"0004", "0009"})
"""NUAA publishes no development set. Two of its nine training people are ours, so that the split is
by person; chosen once because they have about as many live as attack pictures."""

FOLDERS: dict[str, Label] = {"ClientRaw": "live", "ImposterRaw": "attack"}
LISTS = {
    "client_train_raw.txt": ("train", "ClientRaw"),
    "imposter_train_raw.txt": ("train", "ImposterRaw"),
    "client_test_raw.txt": ("test", "ClientRaw"),
    "imposter_test_raw.txt": ("test", "ImposterRaw"),
}
_FILE = re.compile(
    r"(?:raw/)?(?P<folder>ClientRaw|ImposterRaw)/(?P<id>\d{4})/"
    r"(?P=id)_(?P<glasses>\d+)_(?P<place>\d+)_(?P<session>\d+)_\d+\.jpe?g",
    re.IGNORECASE,
)
_Splits = dict[str, str]  # "ClientRaw/0001/0001_00_00_01_0.jpg" → train or test


def index(root: Path) -> Index:
    """Find the pictures of `raw/` and take their splits from the four lists.

    A folder with `nuaa.csv` (a packaged table: path, split, subject, …) is read from that table.

    Raises:
        DataError: neither the table nor the folders are there.
    """
    check_root(root, TITLE, LAYOUT, ("raw/ClientRaw", "ClientRaw", f"{NAME}.csv"))
    if (table := root / f"{NAME}.csv").is_file():
        return Index(tuple(sorted(read_manifest(table), key=lambda clip: clip.name)))
    raw = root / "raw" if (root / "raw/ClientRaw").is_dir() else root
    names = [f"raw/{name}" if raw != root else name for name in file_names(raw)]
    splits, problems = _read_lists(raw)
    found = index_files(
        with_suffix(names, (".jpg", ".jpeg")), lambda name: _clip(root, name, splits)
    )
    there = [name.removeprefix("raw/") for name in (clip.name for clip in found.clips)]
    problems += missing(there, splits, "The lists name them. Unpack the archive again.")
    loose = [clip.name for clip in found.clips if not clip.split]
    problems += problem("pictures that no list names", loose, "They are in no split.")
    return Index(found.clips, found.problems + problems)


def official(clips: Sequence[Clip]) -> Division:
    """Divide as published, with two training people set aside as dev.

    Raises:
        DataError: the clips have no subjects or no split, or train lacks the people for dev.
    """
    known = [clip for clip in clips if clip.split]
    need_columns(known, f"{TITLE} (with a split)", "subject")
    whole = Division(
        train=tuple(clip for clip in known if clip.split != "test"),
        dev=(),
        test=tuple(clip for clip in known if clip.split == "test"),
        notes=("People of train and dev come again in test.",),
    )
    people = " and ".join(sorted(NUAA_DEV_SUBJECTS))
    note = f"No dev set is published: training people {people} are set aside."
    return carve_dev(whole, NUAA_DEV_SUBJECTS, note)


def subject_disjoint(clips: Sequence[Clip]) -> Division:
    """Divide as `official`, and keep of test only the people who are in no train or dev clip.

    Raises:
        DataError: as `official`, or nobody is left in test.
    """
    whole = official(clips)
    seen = {clip.subject for clip in (*whole.train, *whole.dev)}
    test = tuple(clip for clip in whole.test if clip.subject not in seen)
    if whole.test and not test:
        raise DataError("Everybody in this test set is also in train or dev: nothing is left.")
    return replace(whole, test=test, notes=whole.notes[1:])


def _read_lists(raw: Path) -> tuple[_Splits, tuple[Problem, ...]]:
    splits: _Splits = {}
    absent: list[str] = []
    for name, (split, folder) in LISTS.items():
        if not (raw / name).is_file():
            absent.append(name)
            continue
        text = (raw / name).read_text(encoding="utf-8", errors="replace")
        for line in text.replace("\\", "/").split():
            last = line.rpartition("/")[2]  # copies differ in what stands before
            splits[f"{folder}/{last[:4]}/{last}"] = split
    return splits, problem("lists", absent, "They are missing: their pictures are in no split.")


def _clip(root: Path, name: str, splits: Mapping[str, str]) -> Clip | None:
    found = _FILE.fullmatch(name)
    if found is None:
        return None
    label = FOLDERS[found["folder"]]
    return Clip(
        path=root / name,
        name=name,
        label=label,
        dataset=NAME,
        subject=found["id"],
        session=found["session"],
        device="webcam",
        species="live" if label == "live" else "print/photo",
        frames=1,
        split=splits.get(name.removeprefix("raw/"), ""),
        extra={key: found[key] for key in ("place", "glasses")},
    )


_SOURCE = "Tan et al. 2010, lists of raw/; dev is ours"
DATASET = Dataset(
    name=NAME,
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={
        "official": Protocol(
            "official", official, published("- - 3362/5761"), _SOURCE, disjoint=False
        ),
        "subject-disjoint": Protocol("subject-disjoint", subject_disjoint, None, "ours"),
    },
    reference="Tan, Li, Liu, Jiang: Face Liveness Detection from a Single Image, ECCV 2010",
    terms="published for academic research; cite the paper",
    unverified=("the original lists write backslashes (both slashes are read)",),
)
