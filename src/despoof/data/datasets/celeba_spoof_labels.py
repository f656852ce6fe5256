"""CelebA-Spoof's label files: which protocol has which picture, and what is known of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from despoof.core.errors import DataError

LENGTH = 44  # 40 attributes of the face, spoof type, illumination, environment, label
SPECIES = (
    "live",
    "print/photo",
    "print/poster",
    "print/a4",
    "mask/paper-face",
    "mask/paper-upper-body",
    "mask/paper-region",
    "replay/pc",
    "replay/pad",
    "replay/phone",
    "mask/3d",
)
ILLUMINATION = ("", "normal", "strong", "back", "dark")
ENVIRONMENT = ("", "indoor", "outdoor")
FOLDERS = {
    "intra": ("intra_test",),
    "p1": ("protocol1",),
    "p2_low": ("protocol2/test_on_low_quality_device", "protocol2/test_low"),
    "p2_middle": ("protocol2/test_on_middle_quality_device", "protocol2/test_middle"),
    "p2_high": ("protocol2/test_on_high_quality_device", "protocol2/test_high"),
}
"""Protocol to the folders of `metas` in which its label files may lie."""


@dataclass
class Labels:
    """What the label files say of one picture.

    Attributes:
        spoof: the last number: 0 live, 1 spoof. Most other sets mean the opposite by it.
        species: of our words; "" where the code is unknown.
        illumination, environment: "" for live.
        parts: protocol to train or test.
    """

    spoof: bool
    species: str
    illumination: str
    environment: str
    parts: dict[str, str]


def read_labels(root: Path) -> dict[str, Labels]:
    """Read every label file that is there; picture (`Data/train/…`) to what is known.

    Raises:
        DataError: a file is not JSON of the expected form; the message names it and the picture.
    """
    known: dict[str, Labels] = {}
    for protocol, folders in FOLDERS.items():
        for part in ("train", "test"):
            files = [root / "metas" / folder / f"{part}_label.json" for folder in folders]
            for file in filter(Path.is_file, files[:2]):
                for name, numbers in _read(file).items():
                    place = _place(name)
                    if place not in known:
                        known[place] = _labels(numbers, f"{file}, {name}")
                    known[place].parts[protocol] = part
    return known


def _read(file: Path) -> Mapping[str, object]:
    try:
        found: object = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file} is not readable as JSON: {error}. Unpack it again.") from error
    if not isinstance(found, dict):
        raise DataError(f"{file} holds no table of pictures. Expected path: {LENGTH} numbers.")
    return cast("dict[str, object]", found)


def _place(name: str) -> str:
    """Cut what some copies have before `Data/`."""
    return name[name.find("Data/") :] if "Data/" in name else name


def _labels(numbers: object, where: str) -> Labels:
    row = cast("list[object]", numbers) if isinstance(numbers, list) else []
    if len(row) != LENGTH or row[-1] not in (0, 1):
        raise DataError(f"{where}: expected {LENGTH} numbers, the last 0 (live) or 1 (spoof).")
    spoof = row[-1] == 1
    species = _word(SPECIES, row[40]) if spoof else "live"
    return Labels(
        spoof=spoof,
        species="" if spoof and species == "live" else species,
        illumination=_word(ILLUMINATION, row[41]),
        environment=_word(ENVIRONMENT, row[42]),
        parts={},
    )


def _word(words: tuple[str, ...], code: object) -> str:
    return words[code] if isinstance(code, int) and 0 <= code < len(words) else ""
