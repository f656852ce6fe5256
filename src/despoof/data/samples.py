"""One labelled picture, and the tables that list them."""

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from despoof.core.cells import plain_number, restored
from despoof.core.errors import DataError
from despoof.core.types import Box, Label
from despoof.data.datasets.nuaa import NUAA_DEV_SUBJECTS

Split = Literal["train", "dev", "test"]
DATASETS = ("celeba-spoof", "nuaa", "lfw")
TABLE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"

# CelebA-Spoof's excerpt with surroundings names nobody, and may show people of the crops. A split
# by person cannot hold it, so all of it trains and none of it is judged on.
UNNAMED = "celeba-spoof/context/"


@dataclass(frozen=True)
class Sample:
    """One row of a table.

    Attributes:
        path: the picture's file.
        name: its path relative to the data folder; unique, and the same on every machine.
        dataset: "celeba-spoof", "nuaa", "lfw" or a name of the user's.
        split: train, dev or test.
        subject: who is seen; "" where the table does not know.
        session: the recording session; "" where there is none.
        label: live or attack.
        species: PAI species, "live" for live.
        box: the face in pixels of the picture; None where none was found.
        landmarks: (5, 2) float32 in pixels, in the order of `core.types.Face`; None without.
        row: position in the dataset's table, which is also the row of its depth labels.
        columns: the row as the table has it, for what only some tables say (a camera, a clip).
    """

    path: Path
    name: str
    dataset: str
    split: Split
    subject: str
    session: str
    label: Label
    species: str
    box: Box | None
    landmarks: NDArray[np.float32] | None
    row: int
    columns: Mapping[str, str] = field(
        default_factory=dict[str, str], repr=False, compare=False, hash=False
    )

    @property
    def live(self) -> bool:
        """True for a genuine presentation."""
        return self.label == "live"

    @property
    def group(self) -> str:
        """The unit of independence for intervals: the person; the picture where unknown."""
        return f"{self.dataset}/{self.subject}" if self.subject else self.name


def find_data_root(explicit: str | Path | None = None) -> Path:
    """Return the development data's folder: as given, else $DESPOOF_DATA, else ../shared/data.

    Raises:
        DataError: there is no such folder.
    """
    root = Path(explicit or os.environ.get("DESPOOF_DATA") or "../shared/data")
    if not root.is_dir():
        raise DataError(
            f"No data folder at {root}. Set DESPOOF_DATA, or data.root, to the folder that holds "
            f"{', '.join(f'{name}.csv' for name in DATASETS)}."
        )
    return root


def read_samples(root: Path, dataset: str) -> list[Sample]:
    """Read `<root>/<dataset>.csv`, in the table's order.

    NUAA's training people `NUAA_DEV_SUBJECTS` become its dev split where the table has none, and
    all of CelebA-Spoof's unnamed pictures train (`UNNAMED`).

    Raises:
        DataError: the table is missing, lacks a column, or a row is malformed (with its number).
    """
    path = root / f"{dataset}.csv"
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except OSError as error:
        there = ", ".join(sorted(table.stem for table in root.glob("*.csv"))) or "none"
        raise DataError(
            f"No table at {path}. Tables there: {there}. `despoof data cut` makes one."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV table in UTF-8: {error}.") from error
    samples: list[Sample] = []
    for number, row in enumerate(rows):
        try:
            cells = {name: restored(cell) for name, cell in row.items()}
            samples.append(_sample(root, dataset, number, cells))
        # A cut row has None in it, a row that is too long a list.
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise DataError(f"{path}, row {number + 2}: {error!r}; expected {_COLUMNS}.") from error
    divided = any(sample.split == "dev" for sample in samples)
    return samples if dataset != "nuaa" or divided else [_with_dev(sample) for sample in samples]


def select(
    samples: Iterable[Sample],
    split: Split | None = None,
    label: Label | None = None,
    contains: str = "",
) -> list[Sample]:
    """Keep the samples of a split, of a label, and with a part of the name."""
    return [
        sample
        for sample in samples
        if (split is None or sample.split == split)
        and (label is None or sample.label == label)
        and contains in sample.name
    ]


def subject_disjoint(samples: Iterable[Sample]) -> list[Sample]:
    """Keep the test rows whose subject appears in no train or dev row (NUAA's honest twin)."""
    samples = list(samples)
    seen = {sample.subject for sample in samples if sample.split != "test"}
    return [s for s in samples if s.split == "test" and s.subject not in seen]


_COLUMNS = "path, split (train|dev|test), subject, session, label (live|attack), species, box, …"


def _sample(root: Path, dataset: str, number: int, row: dict[str, str]) -> Sample:
    if row["label"] not in ("live", "attack") or row["split"] not in ("train", "dev", "test"):
        raise ValueError(f"label {row['label']!r}, split {row['split']!r}")
    box = [plain_number(value) for value in row["box"].split()]
    points = [plain_number(value) for value in row["landmarks"].replace(",", " ").split()]
    if len(box) not in (0, 4) or len(points) not in (0, 10):
        raise ValueError(f"box {row['box']!r}, landmarks {row['landmarks']!r}")
    sample = Sample(
        path=root / row["path"],
        name=row["path"],
        dataset=dataset,
        split=row["split"],
        subject=row["subject"],
        session=row["session"],
        label=row["label"],
        species=row["species"],
        box=(box[0], box[1], box[2], box[3]) if len(box) == 4 else None,
        landmarks=np.array(points, np.float32).reshape(5, 2) if len(points) == 10 else None,
        row=number,
        columns=row,
    )
    if sample.name.startswith(UNNAMED):
        sample = replace(sample, split="train")
    return sample


def _with_dev(sample: Sample) -> Sample:
    moved = sample.split == "train" and sample.subject in NUAA_DEV_SUBJECTS
    return replace(sample, split="dev") if moved else sample
