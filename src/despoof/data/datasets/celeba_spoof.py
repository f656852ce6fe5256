"""CelebA-Spoof: celebrities' portraits, and phone pictures of prints, screens and masks of them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from despoof.core.errors import DataError
from despoof.core.types import Box
from despoof.data.boxes import read_celeba_face
from despoof.data.datasets.celeba_spoof_labels import Labels, read_labels
from despoof.data.datasets.contract import Dataset, Division, Index, Protocol
from despoof.data.datasets.dividing import divide, need_columns, published
from despoof.data.datasets.tree import (
    check_root,
    file_names,
    index_files,
    missing,
    problem,
    with_suffix,
)
from despoof.data.manifest import Clip

NAME = "celeba-spoof"
TITLE = "CelebA-Spoof"
LAYOUT = """\
Data/{train,test}/<subject>/{live,spoof}/<n>.{png,jpg} and <n>_BB.txt
metas/intra_test/{train,test}_label.json
metas/protocol1/{train,test}_label.json
metas/protocol2/test_on_{low,middle,high}_quality_device/{train,test}_label.json"""
_FILE = re.compile(
    r"Data/(?P<split>train|test)/(?P<subject>[^/]+)/(?P<kind>live|spoof)/[^/]+\.(?:png|jpe?g)",
    re.IGNORECASE,
)


def index(root: Path) -> Index:
    """Find the pictures, what the label files say of them, and their boxes.

    Without a label file the folder says live or attack, and attacks have no species. The label file
    goes before the folder where they differ.

    Raises:
        DataError: the folder is not CelebA-Spoof, or a label file is malformed.
    """
    check_root(root, TITLE, LAYOUT, ("Data/train", "Data/test"))
    labels = read_labels(root)
    names = [name for name in file_names(root) if name.startswith("Data/")]
    boxes = {name for name in names if name.endswith("_BB.txt")}
    unboxed: list[str] = []

    def clip_of(name: str) -> Clip | None:
        clip = _clip(root, name, labels.get(name))
        beside = f"{name.rpartition('.')[0]}_BB.txt"
        if clip is None or beside not in boxes:
            return clip
        if (box := read_box(root / beside, root / name)) is None:
            unboxed.append(name)
        return replace(clip, box=box)

    found = index_files(with_suffix(names, (".png", ".jpg", ".jpeg")), clip_of)
    there = {clip.name for clip in found.clips}
    differing = [
        name for name in there & {*labels} if labels[name].spoof != ("/spoof/" in name.lower())
    ]
    problems = found.problems
    if labels:
        problems += missing(there, labels, "The label files name them. Unpack the archive again.")
        loose = sorted(there - {*labels})
        problems += problem("pictures that no label file names", loose, "The folder was believed.")
    else:
        problems += problem(
            "label files", ["metas/intra_test/train_label.json"], "Without them, no species."
        )
    problems += problem(
        "pictures whose label differs from their folder",
        sorted(differing),
        "The label file was believed.",
    )
    problems += problem(
        "boxes that cannot be read, or whose picture cannot", unboxed, "The face will be detected."
    )
    return Index(found.clips, problems)


def read_box(file: Path, picture: Path) -> Box | None:
    """Return a picture's box in its own pixels; None where either file cannot be read."""
    from PIL import Image

    try:
        with Image.open(picture) as opened:
            width, height = opened.size
        face = read_celeba_face(file, (height, width))[0]
    except (OSError, DataError):
        return None
    return face and face.box


def by_label_files(name: str) -> Callable[[Sequence[Clip]], Division]:
    """Divide as a protocol's label files do; they became the extra column of its name."""

    def apply(clips: Sequence[Clip]) -> Division:
        known = [clip for clip in clips if clip.extra.get(name)]
        need_columns(known, f"{TITLE} (with label files of {name})", name)
        notes = ("No dev set is published.",)
        if _shared(known, name):
            notes += ("Some people of train come again in test.",)
        return divide(
            known,
            train=lambda clip: clip.extra[name] == "train",
            dev=lambda _: False,
            test=lambda clip: clip.extra[name] == "test",
            notes=notes,
        )

    return apply


def intra_disjoint(clips: Sequence[Clip]) -> Division:
    """Divide as `intra`, and take out of train the few people who are in test, too."""
    whole = by_label_files("intra")(clips)
    tested = {clip.subject for clip in whole.test}
    train = tuple(clip for clip in whole.train if clip.subject not in tested)
    return replace(whole, train=train, notes=whole.notes[:1])


def _shared(clips: Sequence[Clip], name: str) -> set[str]:
    parts = ({c.subject for c in clips if c.extra[name] == part} for part in ("train", "test"))
    return set.intersection(*parts)


def _clip(root: Path, name: str, labels: Labels | None) -> Clip | None:
    found = _FILE.fullmatch(name)
    if found is None:
        return None
    if labels is None:
        labels = Labels(found["kind"].lower() == "spoof", "", "", "", {})
    return Clip(
        path=root / name,
        name=name,
        label="attack" if labels.spoof else "live",
        dataset=NAME,
        subject=found["subject"],
        species=labels.species if labels.spoof else "live",
        frames=1,
        split=found["split"].lower(),
        extra={
            "illumination": labels.illumination,
            "environment": labels.environment,
            **labels.parts,
        },
    )


_MIRROR = "metas/intra_test; counted by its last number on a public mirror by others: unverified"
_SOURCE = "Zhang et al. 2020, §4; label files of metas"
DATASET = Dataset(
    name=NAME,
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={
        "intra": Protocol(
            "intra",
            by_label_files("intra"),
            published("162462/331943 0/0 19923/47247"),
            _MIRROR,
            disjoint=False,
        ),
        "intra-disjoint": Protocol("intra-disjoint", intra_disjoint, None, "ours"),
        **{
            name: Protocol(name, by_label_files(name), None, _SOURCE)
            for name in ("p1", "p2_low", "p2_middle", "p2_high")
        },
    },
    reference="Zhang et al.: CelebA-Spoof, ECCV 2020",
    terms="non-commercial research; copies within one organisation only; cite the paper",
    unverified=(
        "the box files count in a picture of 224×224 (many readers agree; no official text)",
        "the meaning of the codes of illumination and environment",
        "counts of intra_test: of 625,537 pictures its files name 561,575; three people (5028, "
        "7332, 9735) are in train and in test; 2,022 pictures of train lie in live but are "
        "labelled spoof",
    ),
)
