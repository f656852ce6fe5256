"""LCC-FASD: pictures collected by a crowd and from YouTube, as they came."""

import re
from pathlib import Path

from despoof.data.datasets.contract import Dataset, Index, Protocol
from despoof.data.datasets.dividing import by_split, published
from despoof.data.datasets.tree import check_root, file_names, index_files, problem, with_suffix
from despoof.data.manifest import Clip

NAME = "lcc-fasd"
TITLE = "LCC-FASD"
LAYOUT = "LCC_FASD_{training,development,evaluation}/{real,spoof}/*.png"
SPLITS = {"training": "train", "development": "dev", "evaluation": "test"}
_FILE = re.compile(
    r"(?:LCC_FASD/)?LCC_FASD_(?P<part>training|development|evaluation)/(?P<kind>real|spoof)/"
    r"(?:(?P<subject>[A-Za-z]+_id\d+)_(?:s(?P<session>\d+)_)?)?[^/]+\.(?:png|jpe?g)"
)


def index(root: Path) -> Index:
    """Find the pictures of the three parts.

    Raises:
        DataError: the folder is not LCC-FASD.
    """
    marks = [f"{head}LCC_FASD_{part}" for head in ("", "LCC_FASD/") for part in SPLITS]
    check_root(root, TITLE, LAYOUT, marks)
    pictures = with_suffix(file_names(root), (".png", ".jpg", ".jpeg"))
    found = index_files(pictures, lambda name: _clip(root, name))
    there = {clip.split for clip in found.clips}
    absent = [f"LCC_FASD_{part}" for part, split in SPLITS.items() if split not in there]
    return Index(
        found.clips, found.problems + problem("parts without pictures", absent, "Unpack them.")
    )


def _clip(root: Path, name: str) -> Clip | None:
    found = _FILE.fullmatch(name)
    if found is None:
        return None
    live = found["kind"] == "real"
    return Clip(
        path=root / name,
        name=name,
        label="live" if live else "attack",
        dataset=NAME,
        subject=found["subject"] or "",
        session=found["session"] or "",
        species="live" if live else "",
        frames=1,
        split=SPLITS[found["part"]],
    )


DATASET = Dataset(
    name=NAME,
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={
        "official": Protocol(
            "official",
            lambda clips: by_split(clips, TITLE, notes=("Nothing is published about people.",)),
            published("1223/7076 405/2543 314/7266"),
            "Timoshenko et al. 2019; counts from third-party notes",
            disjoint=False,
        )
    },
    reference="Timoshenko et al.: Large Crowdcollected Facial Anti-Spoofing Dataset, CSIT 2019",
    terms="research; cite the paper",
    unverified=(
        "names such as YOUTUBE_id99_s2_15.png: id99 is taken for a person and s2 for a session",
        "whether people are shared among the three parts",
        "attacks are prints and replays, but nothing says which is which",
    ),
)
