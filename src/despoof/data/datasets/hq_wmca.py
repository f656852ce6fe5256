"""HQ-WMCA: ten kinds of attacks before colour, infrared, thermal and depth cameras."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from despoof.core.errors import DataError
from despoof.data.datasets.contract import Dataset, Division, Index, Problem, Protocol
from despoof.data.datasets.dividing import divide, need_columns
from despoof.data.datasets.tree import (
    check_root,
    file_names,
    index_files,
    problem,
    stem_of,
    with_suffix,
)
from despoof.data.manifest import Clip
from despoof.media.formats import VIDEO_SUFFIXES

NAME = "hq-wmca"
TITLE = "HQ-WMCA"
LAYOUT = """\
<folder>/<site>_<session>_<client>_<presenter>_<type>_<subtype>_<pai>-<hash>.h5
PROTOCOL-<name>.csv with video_name and subset (train, dev, eval), e.g. PROTOCOL-grand_test.csv"""
SPECIES = {
    "00": "live",
    "01": "partial/glasses",
    "02": "mask/mannequin",
    "03": "print/photo",
    "04": "replay/screen",
    "05": "mask/rigid",
    "06": "mask/flexible",
    "07": "mask/paper",
    "08": "partial/wig",
    "09": "makeup/tattoo",
    "10": "makeup/face",
}
NAMES = (
    "grand-test",
    "grand-test-curated",
    "impersonation",
    "obfuscation",
    *(
        f"loo-{kind}"
        for kind in (
            "flexiblemask",
            "glasses",
            "makeup",
            "mannequin",
            "papermask",
            "print",
            "replay",
            "rigidmask",
            "tattoo",
            "wigs",
        )
    ),
)
SUBSETS = {"train": "train", "dev": "dev", "eval": "test"}
SUFFIXES = (".h5", ".hdf5", *sorted(VIDEO_SUFFIXES))
_STEM = re.compile(
    r"(?P<site>\d)_(?P<session>\d\d)_(?P<client>\d{4})_(?P<presenter>\d{4})_"
    r"(?P<type>\d\d)_(?P<subtype>\d\d)_(?P<pai>\d{3})-[0-9a-f]{8}"
)


def index(root: Path) -> Index:
    """Find the recordings, HDF5 or colour videos made of it, and what each protocol file says.

    Raises:
        DataError: there is no recording of HQ-WMCA's naming, or a protocol file is malformed.
    """
    check_root(root, TITLE, LAYOUT, ("",))
    names = file_names(root)
    found = index_files(with_suffix(names, SUFFIXES), partial(_clip, root))
    tables, problems = _read_tables(root, names)
    clips = tuple(_divided(clip, tables) for clip in found.clips)
    there = {_last(clip.name) for clip in clips}
    absent = sorted({stem for table in tables.values() for stem in table} - there)
    return Index(
        clips,
        found.problems
        + problems
        + problem("recordings that are missing", absent, "The protocol files name them."),
    )


def by_table(name: str) -> Callable[[Sequence[Clip]], Division]:
    """Divide as a protocol file does; it became the extra column of its name."""

    def apply(clips: Sequence[Clip]) -> Division:
        known = [clip for clip in clips if clip.extra.get(name)]
        need_columns(known, f"{TITLE} (with PROTOCOL-{name}.csv)", name)
        return divide(
            known,
            train=lambda clip: clip.extra[name] == "train",
            dev=lambda clip: clip.extra[name] == "dev",
            test=lambda clip: clip.extra[name] == "test",
        )

    return apply


_Tables = Mapping[str, Mapping[str, str]]  # protocol → stem → train, dev or test


def _read_tables(root: Path, names: Sequence[str]) -> tuple[_Tables, tuple[Problem, ...]]:
    tables: dict[str, dict[str, str]] = {}
    unknown: list[str] = []
    for name in names:
        last = name.rpartition("/")[2]
        if not (last.startswith("PROTOCOL-") and last.endswith(".csv")):
            continue
        protocol = last.removeprefix("PROTOCOL-")[:-4].lower().replace("_", "-")
        if protocol in NAMES:
            tables[protocol] = _read_table(root / name)
        else:
            unknown.append(name)
    absent = [f"PROTOCOL-{name}.csv" for name in NAMES if name not in tables]
    return tables, (
        problem("protocol files that are missing", absent, "Their protocols cannot be used.")
        + problem("protocol files of unknown names", unknown, "They are not used.")
    )


def _read_table(file: Path) -> dict[str, str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return {_last(row["video_name"]): SUBSETS[row["subset"].strip()] for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, AttributeError) as error:
        raise DataError(
            f"{file} is no protocol file: {error!r}. Expected the columns video_name and subset "
            f"({', '.join(SUBSETS)})."
        ) from error


def _last(name: str) -> str:
    """Return the stem that identifies a recording, whatever the folder and the suffix."""
    last = name.rpartition("/")[2]
    return stem_of(last) if last.endswith(SUFFIXES) else last


def _divided(clip: Clip, tables: _Tables) -> Clip:
    stem = _last(clip.name)
    parts = {name: table.get(stem, "") for name, table in tables.items()}
    return replace(clip, split=parts.get("grand-test", ""), extra={**clip.extra, **parts})


def _clip(root: Path, name: str) -> Clip | None:
    found = _STEM.fullmatch(_last(name))
    if found is None or found["type"] not in SPECIES:
        return None
    live = found["type"] == "00"
    return Clip(
        path=root / name,
        name=name,
        label="live" if live else "attack",
        dataset=NAME,
        subject=found["client"],
        session=found["session"],
        device="basler",
        species=SPECIES[found["type"]],
        extra={key: found[key] for key in ("site", "presenter", "subtype", "pai")},
    )


DATASET = Dataset(
    name=NAME,
    title=TITLE,
    layout=LAYOUT,
    index=index,
    protocols={
        name: Protocol(name, by_table(name), None, "Heusch et al. 2020, PROTOCOL-*.csv")
        for name in NAMES
    },
    reference="Heusch et al.: Deep Models and Shortwave Infrared Information …, IEEE TBIOM 2020",
    terms="research, by agreement with Idiap; cite the paper",
    unverified=(
        "2,904 presentations of 51 people, 555 of them bona fide",
        "the codes 01–10 (as a public reader has them)",
        "the files of impersonation, obfuscation and loo-*: names and columns as of grand_test",
    ),
)
