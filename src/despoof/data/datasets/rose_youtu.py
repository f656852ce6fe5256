"""ROSE-Youtu: phone videos of people, of prints, screens and paper masks of them."""

import re
from collections.abc import Sequence
from pathlib import Path

from despoof.data.datasets.contract import Dataset, Division, Index, Protocol
from despoof.data.datasets.dividing import by_split, divide, need_columns
from despoof.data.datasets.tree import check_root, file_names, index_files, problem, with_suffix
from despoof.data.manifest import Clip

NAME = "rose-youtu"
TITLE = "ROSE-Youtu"
LAYOUT = """\
<subject>/<kind>_<speech>_<device>_<glasses>_<environment>_<subject>_<n>.mp4
e.g. 7/G_NT_5s_wg_E_7_1.mp4"""
SPECIES = {
    "G": "live",
    "Ps": "print/still",
    "Pq": "print/quivering",
    "Vl": "replay/lenovo-lcd",
    "Vm": "replay/mac-lcd",
    "Mc": "mask/paper-eyes-mouth-cut",
    "Mf": "mask/paper-full",
    "Mu": "mask/paper-upper",
    "Ml": "mask/paper-lower",
}
DEVICES = {"HS": "hasee", "HW": "huawei", "IP": "ipad4", "5s": "iphone5s", "ZTE": "zte"}
GRADIANT = {
    "train": frozenset({"2", "3", "4", "5", "6", "7", "9", "10"}),
    "dev": frozenset({"11", "12"}),
    "test": frozenset(map(str, range(13, 24))),
}
"""Gradiant's split of the public part by person: 1,389, 359 and 1,749 videos."""
_FILE = re.compile(
    r"(?P<subject>\d+)/(?P<kind>G|P[sq]|V[lm]|M[cful])_(?P<speech>T|NT)_(?P<device>HS|HW|IP|5s|ZTE)_"
    r"(?P<glasses>g|wg)_(?P<environment>[A-Za-z]+)_(?P=subject)_\d+\.mp4"
)


def index(root: Path) -> Index:
    """Find the videos; Gradiant's split becomes the split column.

    Raises:
        DataError: the folder is not ROSE-Youtu.
    """
    people = [person for split in GRADIANT.values() for person in sorted(split, key=int)]
    check_root(root, TITLE, LAYOUT, people)
    found = index_files(with_suffix(file_names(root), (".mp4",)), lambda name: _clip(root, name))
    loose = [clip.name for clip in found.clips if not clip.split]
    there = {clip.subject for clip in found.clips}
    absent = [person for person in people if person not in there]
    return Index(
        found.clips,
        found.problems
        + problem("videos of people whom no split names", loose, "They are in no protocol.")
        + problem("people without videos", absent, "Compare with the original archive."),
    )


def official(clips: Sequence[Clip]) -> Division:
    """Divide by person: the first ten train, the rest is test.

    Raises:
        DataError: clips have no subject.
    """
    known = [clip for clip in clips if clip.split]
    need_columns(known, TITLE, "subject")
    first = GRADIANT["train"] | GRADIANT["dev"]
    return divide(
        known,
        train=lambda clip: clip.subject in first,
        dev=lambda _: False,
        test=lambda clip: clip.subject not in first,
        notes=("No dev set is published; Gradiant's split has people 11 and 12 as dev.",),
    )


def _clip(root: Path, name: str) -> Clip | None:
    found = _FILE.fullmatch(name)
    if found is None:
        return None
    subject = found["subject"]
    return Clip(
        path=root / name,
        name=name,
        label="live" if found["kind"] == "G" else "attack",
        dataset=NAME,
        subject=subject,
        session=found["environment"],
        device=DEVICES[found["device"]],
        species=SPECIES[found["kind"]],
        split=next((split for split, people in GRADIANT.items() if subject in people), ""),
        extra={
            "speech": "talking" if found["speech"] == "T" else "silent",
            "glasses": "yes" if found["glasses"] == "g" else "no",
        },
    )


DATASET = Dataset(
    name=NAME,
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={
        "gradiant": Protocol(
            "gradiant",
            lambda clips: by_split([clip for clip in clips if clip.split], TITLE),
            None,
            "bob.gradiant.face.databases: 1389, 359 and 1749 videos, live and attack together",
        ),
        "official": Protocol("official", official, None, "Li et al. 2018: 10 people and 10 people"),
    },
    reference="Li et al.: Unsupervised Domain Adaptation for Face Anti-Spoofing, IEEE TIFS 2018",
    terms="research, by agreement with ROSE Lab; cite the paper",
    unverified=(
        "g is with and wg without glasses",
        "the environment letter counts as the session",
        "the official split is people 2–7 and 9–12 against 13–23, of whom one may be absent",
    ),
)
