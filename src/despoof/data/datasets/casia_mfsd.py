"""CASIA-MFSD: 50 people, twelve videos each at three qualities; seven scenarios."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from despoof.data.datasets.contract import Dataset, Division, Index, Protocol
from despoof.data.datasets.dividing import (
    Wanted,
    by_split,
    carve_dev,
    everything,
    need_columns,
    published,
)
from despoof.data.datasets.tree import check_root, file_names, index_files, with_suffix
from despoof.data.manifest import Clip

TITLE = "CASIA-MFSD"
FOLDERS = {"train_release": ("train", 20, 0), "test_release": ("test", 30, 20)}
"""Folder to split, number of people, and what their folder's number lacks to their own."""
KINDS = ("live", "print/warped", "print/cut", "replay/tablet")
"""By file: 1, 2 and HR_1; 3, 4 and HR_2; 5, 6 and HR_3; 7, 8 and HR_4."""
DEV_SUBJECTS = ("16", "17", "18", "19", "20")
LAYOUT = """
train_release/1 … 20/     1.avi … 8.avi, HR_1.avi … HR_4.avi
test_release/1 … 30/      the same twelve; person n there is person 20 + n here
"""
_NO_DEV = "no dev split is published: a threshold comes from train, or is an oracle of test"
_CARVED = f"dev is ours: people {', '.join(DEV_SUBJECTS)} of train"
_PATH = re.compile(r"(train_release|test_release)/([1-9]\d?)/(?:([1-8])|HR_([1-4]))\.\w+", re.ASCII)


def video_path(split: str, person: int, kind: int, quality: str) -> str:
    """Return a video's path without suffix.

    Args:
        split: train or test.
        person: number of the folder, from 1.
        kind: place in `KINDS`.
        quality: normal, low or high.

    >>> video_path("test", 7, 1, "low"), video_path("train", 20, 3, "high")
    ('test_release/7/4', 'train_release/20/HR_4')
    """
    plain = 2 * kind + (1 if quality == "normal" else 2)
    return f"{split}_release/{person}/{f'HR_{kind + 1}' if quality == 'high' else plain}"


def clip_of(root: Path, name: str) -> Clip | None:
    """Read a path such as train_release/3/HR_1.avi; None where it is no video of the set."""
    match = _PATH.fullmatch(name)
    if not match:
        return None
    folder, person, plain, high = match.groups()
    split, people, offset = FOLDERS[folder]
    if int(person) > people:
        return None
    kind = (int(plain) - 1) // 2 if plain else int(high) - 1
    quality = "high" if high else "normal" if int(plain) % 2 else "low"
    return Clip(
        path=root / name,
        name=name,
        label="attack" if kind else "live",
        dataset="casia-mfsd",
        subject=f"{int(person) + offset:02}",
        device=quality,
        species=KINDS[kind],
        split=split,
        extra={"quality": quality, "file": plain or f"HR_{high}"},
    )


def index(root: Path) -> Index:
    """List the videos of a copy; people with fewer than twelve are a problem.

    Raises:
        DataError: the folder is not CASIA-MFSD, or cannot be read.
    """
    check_root(root, TITLE, LAYOUT, tuple(FOLDERS))
    videos = with_suffix(file_names(root))
    return index_files(
        videos, partial(clip_of, root), _all_names(), "Each person has twelve. Unpack again."
    )


def _all_names() -> Iterator[str]:
    for split, people, _ in FOLDERS.values():
        for person in range(1, people + 1):
            for kind in range(len(KINDS)):
                for quality in ("normal", "low", "high"):
                    yield video_path(split, person, kind, quality)


def _quality(wanted: str) -> Wanted:
    return lambda clip: clip.extra.get("quality") == wanted


def _kind(species: str) -> Wanted:
    return lambda clip: clip.live or clip.species == species


def _divide(clips: Sequence[Clip], wanted: Wanted, carve: bool) -> Division:
    need_columns(clips, TITLE, "split", "quality", "species", *(["subject"] if carve else []))
    division = by_split(clips, TITLE, train=wanted, notes=() if carve else (_NO_DEV,))
    return carve_dev(division, DEV_SUBJECTS, _CARVED) if carve else division


def _protocols() -> Iterator[Protocol]:
    scenarios = (
        ("low", _quality("low"), "20/60 0/0 30/90", "15/45 5/15 30/90"),
        ("normal", _quality("normal"), "20/60 0/0 30/90", "15/45 5/15 30/90"),
        ("high", _quality("high"), "20/60 0/0 30/90", "15/45 5/15 30/90"),
        ("warped", _kind("print/warped"), "60/60 0/0 90/90", "45/45 15/15 90/90"),
        ("cut", _kind("print/cut"), "60/60 0/0 90/90", "45/45 15/15 90/90"),
        ("video", _kind("replay/tablet"), "60/60 0/0 90/90", "45/45 15/15 90/90"),
        ("overall", everything, "60/180 0/0 90/270", "45/135 15/45 90/270"),
    )
    source = "Zhang et al., ICB 2012, and bob.db.casia_fasd"
    for name, wanted, sizes, carved in scenarios:
        divide = partial(_divide, wanted=wanted)
        yield Protocol(name, partial(divide, carve=False), published(sizes), source)
        own = f"{source}; the dev people are our choice"
        yield Protocol(f"{name}-dev", partial(divide, carve=True), published(carved), own)


DATASET = Dataset(
    name="casia-mfsd",
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={protocol.name: protocol for protocol in _protocols()},
    reference="Zhang et al., A face antispoofing database with diverse attacks, ICB 2012",
    terms="research only, by a signed agreement with CASIA",
    unverified=(
        "which quality is which: by Idiap files 1, 3, 5, 7 are normal and 2, 4, 6, 8 low; other "
        "sources swap the two. Treat low and normal as codes; high and overall are certain",
    ),
)
