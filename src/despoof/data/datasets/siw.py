"""SiW, Spoof in the Wild: 165 people, two cameras; prints and four replay screens."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from despoof.data.datasets.contract import Dataset, Division, Index, Problem, Protocol
from despoof.data.datasets.dividing import (
    Wanted,
    by_split,
    carve_dev,
    everything,
    need_columns,
    published,
)
from despoof.data.datasets.tree import check_root, file_names, index_files, problem, with_suffix
from despoof.data.manifest import Clip

TITLE = "SiW"
KINDS = {"1": "live", "2": "print", "3": "replay"}
DEVICES = {"1": "canon-eos-t6", "2": "logitech-c920"}
SCREENS = {"1": "ipad-pro", "2": "iphone-7-plus", "3": "galaxy-s8", "4": "asus-mb168b"}
DEV_SUBJECTS = ("003", "006", "007", "011", "014", "016", "017", "022", "028", "030")
"""Train people whom Idiap's lists (bob.db.siw) set aside; the authors publish no dev split."""
SIZES = {"Train/live": 714, "Train/spoof": 1703, "Test/live": 599, "Test/spoof": 1462}
"""Videos of the complete set, 4,478."""
LAYOUT = """
Train/live/  Train/spoof/  Test/live/  Test/spoof/
  003/        003-1-1-1-1.mov: subject-sensor-type-medium-session; 165 people
"""
_PATH = re.compile(
    r"(Train|Test)/(live|spoof)/(?:(\d{3})/)?(\d{3})-([12])-([123])-([1-4])-([12])\.\w+",
    re.ASCII,
)
_NOTE = f"dev is Idiap's: people {' '.join(DEV_SUBJECTS)} of train; the authors publish none"
FIRST = 60
"""Frames from a clip's start that protocol 1 learns from: the face is frontal there."""
_SHORT = f"train and dev of protocol 1 use the first {FIRST} frames of each clip: column frames"


def video_path(split: str, fields: Sequence[str]) -> str:
    """Return a video's path without suffix.

    Args:
        split: train or test.
        fields: subject, sensor, type, medium, session, as in the name.

    >>> video_path("train", ("003", "1", "2", "1", "1"))
    'Train/spoof/003/003-1-2-1-1'
    """
    folder = "live" if fields[2] == "1" else "spoof"
    return f"{split.capitalize()}/{folder}/{fields[0]}/{'-'.join(fields)}"


def clip_of(root: Path, name: str) -> Clip | None:
    """Read a path such as Train/spoof/003/003-1-2-1-1.mov; None where it is no video of the set."""
    match = _PATH.fullmatch(name)
    if not match:
        return None
    split, folder, inner, subject, sensor, kind, medium, session = match.groups()
    if (folder == "live") != (kind == "1") or inner not in (None, subject):
        return None
    if kind != "3" and medium not in "12":
        return None
    paper = {"1": "glossy", "2": "matte"}[session]
    species = {"1": "live", "2": f"print/{paper}", "3": f"replay/{SCREENS[medium]}"}[kind]
    return Clip(
        path=root / name,
        name=name,
        label="live" if kind == "1" else "attack",
        dataset="siw",
        subject=subject,
        session=session,
        device=DEVICES[sensor],
        species=species,
        split=split.lower(),
        extra={"medium": medium},
    )


def index(root: Path) -> Index:
    """List the videos of a copy; parts with fewer than the complete set has are problems.

    Raises:
        DataError: the folder is not SiW, or cannot be read.
    """
    check_root(root, TITLE, LAYOUT, tuple(SIZES))
    found = index_files(with_suffix(file_names(root)), partial(clip_of, root))
    sizes = Counter("/".join(clip.name.split("/")[:2]) for clip in found.clips)
    lacking = tuple(
        Problem(
            f"videos that {part} lacks, of {size}",
            size - sizes[part],
            "",
            "Not every person has every video, so names cannot be told. Unpack the archive again.",
        )
        for part, size in SIZES.items()
        if sizes[part] < size
    )
    train, test = ({c.subject for c in found.clips if c.split == s} for s in ("train", "test"))
    shared = problem("people in Train and Test", sorted(train & test), "Restore the folders.")
    return Index(found.clips, found.problems + lacking + shared)


def _family(family: str) -> Wanted:
    return lambda clip: clip.live or clip.species.startswith(f"{family}/")


def _screens(number: str, inside: bool) -> Wanted:
    this = f"replay/{SCREENS[number]}"
    replays = _family("replay")
    return lambda clip: clip.live or (replays(clip) and (clip.species == this) == inside)


def _divide(clips: Sequence[Clip], learn: Wanted, judge: Wanted) -> Division:
    need_columns(clips, TITLE, "split", "subject", "species")
    return carve_dev(by_split(clips, TITLE, train=learn, test=judge), DEV_SUBJECTS, _NOTE)


def _first_frames(clips: Sequence[Clip]) -> Division:
    division = _divide(clips, everything, everything)

    def shortened(part: Sequence[Clip]) -> tuple[Clip, ...]:
        return tuple(replace(clip, frames=min(FIRST, clip.frames or FIRST)) for clip in part)

    train, dev = shortened(division.train), shortened(division.dev)
    return Division(train, dev, division.test, (*division.notes, _SHORT))


def _protocols() -> Iterator[Protocol]:
    source = "Liu et al., CVPR 2018; counts of bob.db.siw for the 4,478 videos"
    yield Protocol("p1", _first_frames, published("636/1505 78/198 599/1462"), source)
    sizes = ("884 120 300", "884 120 300", "885 120 298", "959 120 250")
    for medium, size in zip(SCREENS, sizes, strict=True):
        train, dev, test = size.split()
        yield Protocol(
            f"p2_{medium}",
            partial(_divide, learn=_screens(medium, False), judge=_screens(medium, True)),
            published(f"636/{train} 78/{dev} 599/{test}"),
            source,
        )
    prints, replays = _family("print"), _family("replay")
    for fold, learn, judge, size in (
        (1, prints, replays, "636/301 78/38 599/1148"),
        (2, replays, prints, "636/1204 78/160 599/314"),
    ):
        divide = partial(_divide, learn=learn, judge=judge)
        yield Protocol(f"p3_{fold}", divide, published(size), source)


DATASET = Dataset(
    name="siw",
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={protocol.name: protocol for protocol in _protocols()},
    reference="Liu, Jourabloo and Liu, Learning deep models for face anti-spoofing, CVPR 2018",
    terms="research only, by a signed agreement with Michigan State University",
    unverified=(
        "which videos are in the complete set: counts are of Idiap's later lists (4,478, the "
        "official number); its first lists hold 4,469, nine replays fewer (train 1, test 8)",
        "what sessions 1 and 2 of live videos are: distance, and pose with expression",
        "whether protocol 1 cuts dev to its first 60 frames as it cuts train: we do",
    ),
)
