"""MSU-MFSD, public part: 35 people, a phone and a laptop camera; prints and two replays."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from despoof.core.errors import DataError
from despoof.data.datasets.contract import Dataset, Division, Index, Problem, Protocol
from despoof.data.datasets.dividing import by_split, carve_dev, published
from despoof.data.datasets.tree import check_root, file_names, index_files, problem, with_suffix
from despoof.data.manifest import Clip

TITLE = "MSU-MFSD"
TRAIN = frozenset(f"{n:02}" for n in (2, 3, 5, 6, 7, 8, 9, 11, 12, 21, 22, 34, 53, 54, 55))
TEST = frozenset(
    f"{n:02}"
    for n in (1, 13, 14, 23, 24, 26, 28, 29, 30, 32, 33, 35, 36, 37, 39, 42, 48, 49, 50, 51)
)
DEV_SUBJECTS = ("22", "34", "53", "54", "55")
SPECIES = {
    "ipad_video": "replay/ipad",
    "iphone_video": "replay/iphone",
    "printed_photo": "print/a3",
}
DEVICES = ("android", "laptop")
UPSIDE_DOWN = frozenset(("03", "05", "06", "07", "08", "09"))
"""People whose live android clip was recorded turned by 180 degrees (Idiap's list)."""
LISTS = {"train_sub_list.txt": TRAIN, "test_sub_list.txt": TEST}
LAYOUT = """
scene01/real/       real_client001_android_SD_scene01.mp4, …_laptop_SD_scene01.mov
scene01/attack/     attack_client001_android_SD_ipad_video_scene01.mp4, also iphone_video …
train_sub_list.txt  test_sub_list.txt     optional: they are compared with the published split
"""
_SOURCE = "Wen et al., TIFS 2015, and bob.db.msu_mfsd_mod"
_PATH = re.compile(
    r"(?:scene01/)?(?:real/real_client0(\d\d)_(android|laptop)_SD"
    r"|attack/attack_client0(\d\d)_(android|laptop)_SD_(ipad_video|iphone_video|printed_photo))"
    r"_scene01\.\w+",
    re.ASCII,
)


def video_path(subject: str, device: str, medium: str = "") -> str:
    """Return a video's path without suffix; live where no medium is given.

    >>> video_path("07", "laptop"), video_path("07", "android", "ipad_video")[-40:]
    ('scene01/real/real_client007_laptop_SD_scene01', '_client007_android_SD_ipad_video_scene01')
    """
    if not medium:
        return f"scene01/real/real_client0{subject}_{device}_SD_scene01"
    return f"scene01/attack/attack_client0{subject}_{device}_SD_{medium}_scene01"


def clip_of(root: Path, name: str) -> Clip | None:
    """Read a path as in `LAYOUT`, with or without scene01; None where it is no video of the set."""
    match = _PATH.fullmatch(name)
    if not match:
        return None
    subject, device = match[1] or match[3], match[2] or match[4]
    if subject not in TRAIN and subject not in TEST:
        return None
    turned = not match[5] and device == "android" and subject in UPSIDE_DOWN
    return Clip(
        path=root / name,
        name=name,
        label="attack" if match[5] else "live",
        dataset="msu-mfsd",
        subject=subject,
        session="scene01",
        device=device,
        species=SPECIES.get(match[5] or "", "live"),
        split="train" if subject in TRAIN else "test",
        extra={"turned": "180" if turned else "0"},
    )


def index(root: Path) -> Index:
    """List the videos of a copy: eight a person; the root may be scene01 itself.

    Raises:
        DataError: the folder is not MSU-MFSD, or cannot be read.
    """
    check_root(root, TITLE, LAYOUT, ("scene01/real", "scene01/attack", "real", "attack"))
    inside = "" if (root / "scene01").is_dir() else "scene01/"
    expected = (path.removeprefix(inside) for path in _all_names())
    found = index_files(
        with_suffix(file_names(root)),
        partial(clip_of, root),
        expected,
        "Each person has 2 live videos and 6 attacks. Unpack the archive again.",
    )
    return Index(found.clips, found.problems + _list_problems(root))


def _all_names() -> Iterator[str]:
    for subject in sorted(TRAIN | TEST):
        for device in DEVICES:
            for medium in ("", *SPECIES):
                yield video_path(subject, device, medium)


def _list_problems(root: Path) -> tuple[Problem, ...]:
    wrong: list[str] = []
    for name, people in LISTS.items():
        if not (root / name).is_file():
            continue
        try:
            words = (root / name).read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"{root / name} cannot be read: {error}. Restore or delete it."
            ) from error
        wrong += [f"{name}: {word}" for word in sorted(people ^ set(words))]
    return problem(
        "people in whom a list differs from the published split",
        wrong,
        "The published split is used. Restore the list from the original archive.",
    )


def _official(clips: Sequence[Clip]) -> Division:
    note = "no dev split is published: a threshold comes from train, or is an oracle of test"
    return by_split(clips, TITLE, notes=(note,))


def _official_dev(clips: Sequence[Clip]) -> Division:
    note = f"dev is ours: people {', '.join(DEV_SUBJECTS)} of train"
    return carve_dev(by_split(clips, TITLE), DEV_SUBJECTS, note)


DATASET = Dataset(
    name="msu-mfsd",
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={
        "official": Protocol(
            "official",
            _official,
            published("30/90 0/0 40/120"),
            _SOURCE,
        ),
        "official-dev": Protocol(
            "official-dev",
            _official_dev,
            published("20/60 10/30 40/120"),
            f"{_SOURCE}; the dev people are our choice",
        ),
    },
    reference="Wen, Han and Jain, Face spoof detection with image distortion analysis, TIFS 2015",
    terms="research only, by a signed agreement with Michigan State University",
    unverified=(
        "the columns of .face files: frame, left, top, right, bottom, then the eyes as x, y",
        "whether a decoder already turns the six live android clips that are marked turned=180",
    ),
)
