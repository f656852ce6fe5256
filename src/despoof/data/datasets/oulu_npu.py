"""OULU-NPU: 55 people, six phones, three sessions; prints and replays. The rules of P1 to P4."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from despoof.data.datasets.contract import Dataset, Division, Index, Protocol
from despoof.data.datasets.dividing import Wanted, by_split, everything, need_columns, published
from despoof.data.datasets.oulu_npu_lists import list_problems
from despoof.data.datasets.tree import check_root, file_names, index_files, with_suffix
from despoof.data.manifest import Clip

TITLE = "OULU-NPU"
FOLDERS = {"Train_files": "train", "Dev_files": "dev", "Test_files": "test"}
USERS = {"train": range(1, 21), "dev": range(21, 36), "test": range(36, 56)}
SPECIES = ("live", "print/printer1", "print/printer2", "replay/display1", "replay/display2")
"""By file number, from 1."""
LAYOUT = """
Train_files/  Dev_files/  Test_files/     Phone_Session_User_File.avi, e.g. 1_1_01_1.avi
Protocols/Protocol_1/Train.txt …          optional: they are compared with the published rules
"""
_NAME = re.compile(r"([1-6])_([1-3])_(\d\d)_([1-5])", re.ASCII)


def video_name(phone: int, session: int, user: int, file: int) -> str:
    """Return a video's name without suffix.

    >>> video_name(1, 3, 7, 5)
    '1_3_07_5'
    """
    return f"{phone}_{session}_{user:02}_{file}"


def clip_of(root: Path, name: str) -> Clip | None:
    """Read a path such as Train_files/1_3_07_5.avi; None where it is no video of the set."""
    folder, _, last = name.partition("/")
    split = FOLDERS.get(folder, "")
    match = _NAME.fullmatch(last.rpartition(".")[0])
    if not split or not match or int(match[3]) not in USERS[split]:
        return None
    phone, session, user, file = match.groups()
    return Clip(
        path=root / name,
        name=name,
        label="live" if file == "1" else "attack",
        dataset="oulu-npu",
        subject=user,
        session=session,
        device=f"phone{phone}",
        species=SPECIES[int(file) - 1],
        split=split,
        extra={"file": file},
    )


def index(root: Path) -> Index:
    """List the videos of a copy; missing ones and lists that disagree are problems.

    Raises:
        DataError: the folder is not OULU-NPU, or cannot be read.
    """
    check_root(root, TITLE, LAYOUT, tuple(FOLDERS))
    read = partial(clip_of, root)
    found = index_files(with_suffix(file_names(root)), read, _all_names())
    if not (root / "Protocols").is_dir():
        return found
    complete = [clip for name in _all_names() if (clip := read(f"{name}.avi"))]
    return Index(found.clips, found.problems + list_problems(root, PROTOCOLS, complete))


def _all_names() -> Iterator[str]:
    for folder, split in FOLDERS.items():
        for user in USERS[split]:
            for phone in range(1, 7):
                for session in range(1, 4):
                    for file in range(1, 6):
                        yield f"{folder}/{video_name(phone, session, user, file)}"


def _sessions(*sessions: str) -> Wanted:
    return lambda clip: clip.session in sessions


def _files(*files: int) -> Wanted:
    return lambda clip: clip.species in {SPECIES[file - 1] for file in files}


def _phone(number: int, inside: bool) -> Wanted:
    return lambda clip: (clip.device == f"phone{number}") == inside


def _both(first: Wanted, second: Wanted) -> Wanted:
    return lambda clip: first(clip) and second(clip)


def _divide(clips: Sequence[Clip], learn: Wanted, judge: Wanted) -> Division:
    need_columns(clips, TITLE, "split", "session", "device", "species")
    return by_split(clips, TITLE, train=learn, test=judge)


def _protocol(name: str, learn: Wanted, judge: Wanted, sizes: str) -> Protocol:
    return Protocol(
        name,
        partial(_divide, learn=learn, judge=judge),
        published(sizes),
        "Boulkenafet et al., FG 2017, and the lists of bob.db.oulunpu",
    )


def _protocols() -> Iterator[Protocol]:
    early, last = _sessions("1", "2"), _sessions("3")
    known, unknown = _files(1, 2, 4), _files(1, 3, 5)
    yield _protocol("p1", early, last, "240/960 180/720 120/480")
    yield _protocol("p2", known, unknown, "360/720 270/540 360/720")
    for k in range(1, 7):
        others, this = _phone(k, inside=False), _phone(k, inside=True)
        yield _protocol(f"p3_{k}", others, this, "300/1200 225/900 60/240")
    for k in range(1, 7):
        others, this = _phone(k, inside=False), _phone(k, inside=True)
        learn, judge = _both(others, _both(early, known)), _both(this, _both(last, unknown))
        yield _protocol(f"p4_{k}", learn, judge, "200/400 150/300 20/40")


PROTOCOLS = {protocol.name: protocol for protocol in _protocols()}

DATASET = Dataset(
    name="oulu-npu",
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols=PROTOCOLS
    | {"grandtest": _protocol("grandtest", everything, everything, "360/1440 270/1080 360/1440")},
    reference="Boulkenafet et al., OULU-NPU: a mobile face presentation attack database, FG 2017",
    terms="research only, by a signed agreement with the University of Oulu",
    unverified=(
        "which display is file 4 and which file 5: Gradiant's reader says 4 MacBook and 5 Dell, "
        "the dataset's page is remembered the other way round; hence display1 and display2",
        "what the three sessions look like (open office, bright room, small office)",
        "the order of the columns in the eye files (frame, x left, y left, x right, y right)",
    ),
)
