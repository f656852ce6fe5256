"""CASIA-SURF: faces cut out against black, in colour, depth and infrared; cut and bent prints."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from despoof.core.types import Label
from despoof.data.datasets.contract import Dataset, Division, Index, Problem, Protocol
from despoof.data.datasets.dividing import by_split, published
from despoof.data.datasets.tree import (
    check_root,
    file_names,
    index_files,
    missing,
    problem,
    with_suffix,
)
from despoof.data.manifest import Clip

NAME = "casia-surf"
TITLE = "CASIA-SURF"
LAYOUT = """\
Training/{real_part|fake_part}/CLKJ_{A,B,C}S<nnnn>/{real|NN_regions_s_or_b}.rssdk/{color,depth,ir}/N.jpg
Val/<nnnn>/<nnnnnn>-{color,depth,ir}.jpg and Testing/… alike
train_list.txt, val_private_list.txt, test_private_list.txt: three paths and 1 (live) or 0"""
LISTS = {"train": "train_list.txt", "dev": "val_private_list.txt", "test": "test_private_list.txt"}
FOLDERS = {"Training": "train", "Val": "dev", "Testing": "test"}
REGIONS = {"e": "eyes", "en": "eyes-nose", "enm": "eyes-nose-mouth"}
SHAPES = {"s": "flat", "b": "bent"}
_TRAINING = re.compile(
    r"Training/(?P<kind>real|fake)_part/(?P<subject>CLKJ_[A-Z]S\d{4})/"
    r"(?P<take>real|\d\d_(?P<regions>enm|en|e)_(?P<shape>[sb]))\.rssdk/color/\d+\.jpg"
)
_COLOUR = re.compile(r"[-/]color(?:\.jpg$|/)")
_OTHER_KINDS = re.compile(r"[-/](?:depth|ir)(?:\.jpg$|/)")
_OTHER = re.compile(r"(?:Val|Testing)/\d+/\d+-color\.jpg")


def index(root: Path) -> Index:
    """Find the colour pictures, one clip each; depth and infrared become extra columns.

    Training pictures say live or attack by their folder, those of Val and Testing by the private
    lists alone: without them they are left out, and counted.

    Raises:
        DataError: the folder is not CASIA-SURF.
    """
    check_root(root, TITLE, LAYOUT, tuple(FOLDERS))
    labels, problems = read_lists(root)
    names = with_suffix(file_names(root), (".jpg",))
    there = {*names}
    colour = [name for name in names if not _OTHER_KINDS.search(name)]
    unlabelled = [name for name in colour if _OTHER.fullmatch(name) and name not in labels]
    found = index_files({*colour} - {*unlabelled}, lambda name: _clip(root, name, labels))
    lonely = [clip.name for clip in found.clips if not {*clip.extra.values()} <= there]
    listed = [name for name in labels if name.partition("/")[0] in FOLDERS]
    return Index(
        found.clips,
        found.problems
        + problems
        + problem(
            "pictures of Val and Testing without a label",
            unlabelled,
            "They are left out. The private lists have the labels; put them beside the folders.",
        )
        + problem("colour pictures without their depth or infrared", lonely, "Unpack again.")
        + missing(there, listed, "The lists name them. Unpack the archive again."),
    )


def read_lists(root: Path) -> tuple[Mapping[str, Label], tuple[Problem, ...]]:
    """Read the lists: colour picture to its label.

    The order of the three paths differs among copies: the one whose text says colour counts.
    """
    labels: dict[str, Label] = {}
    absent: list[str] = []
    strange: list[str] = []
    for name in LISTS.values():
        if not (root / name).is_file():
            absent.append(name)
            continue
        for line in (root / name).read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.replace("\\", "/").split()
            colour = next(filter(_COLOUR.search, words), "")
            if colour and words[-1] in ("0", "1"):
                labels[colour] = "live" if words[-1] == "1" else "attack"
            elif words:
                strange.append(f"{name}: {line}")
    return labels, (
        problem("lists that are missing", absent, "Without them Val and Testing have no labels.")
        + problem("lines of lists without a colour path and a label", strange, "Not used.")
    )


def _clip(root: Path, name: str, labels: Mapping[str, Label]) -> Clip | None:
    found = _TRAINING.fullmatch(name)
    if found:
        label: Label = "live" if found["kind"] == "real" else "attack"
        if (found["take"] == "real") != (label == "live"):
            return None
        species = "live" if label == "live" else _species(found["regions"], found["shape"])
        subject, take = found["subject"], found["take"]
    elif _OTHER.fullmatch(name):
        label, subject, take = labels[name], "", ""
        species = "live" if label == "live" else ""
    else:
        return None
    return Clip(
        path=root / name,
        name=name,
        label=label,
        dataset=NAME,
        subject=subject,
        session=take,
        device="realsense-sr300",
        species=species,
        frames=1,
        split=FOLDERS[name.partition("/")[0]],
        extra={kind: _beside(name, kind) for kind in ("depth", "ir")},
    )


def _species(regions: str, shape: str) -> str:
    return f"print/cut-{REGIONS[regions]}-{SHAPES[shape]}"


def _beside(name: str, kind: str) -> str:
    return name.replace("/color/", f"/{kind}/").replace("-color.", f"-{kind}.")


def _official(clips: Sequence[Clip]) -> Division:
    return by_split(clips, TITLE, notes=("Val and Testing name nobody and no kind of attack.",))


DATASET = Dataset(
    name=NAME,
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={
        "official": Protocol(
            "official",
            _official,
            published("8942/20324 2994/6614 17458/40252"),
            "Zhang et al. 2019 and the ChaLearn challenge; unverified",
        )
    },
    reference="Zhang et al.: A Dataset and Benchmark for Large-Scale Multi-Modal FAS, CVPR 2019",
    terms="research, by agreement with CASIA; cite the paper",
    unverified=(
        "live and attack counts of the three parts (their sums are 29,266, 9,608 and 57,710)",
        "the order of the paths in the lists: each path's own text decides",
        "that nobody of Training is in Val or Testing, which name nobody",
    ),
)
