"""Clips that gave no score: the list that `despoof score` writes beside a score file."""

import csv
from dataclasses import dataclass
from pathlib import Path

from despoof.core.cells import label_of
from despoof.core.errors import DataError

POLICY = (
    "Clips without a score (no face, unreadable) are in none of the rates; APNRR and BPNRR count "
    "them. A service that answers 'undecided' lets none of them in."
)


@dataclass(frozen=True)
class NonResponses:
    """How many clips gave no score; POLICY says what becomes of them."""

    live: int
    attack: int
    source: str


def non_responses(scores_file: str | Path) -> NonResponses | None:
    """Count the failed clips of `X.errors.csv` beside `X.csv`; None where there is no such file.

    Raises:
        DataError: it is there, and not readable as a list with columns label and outcome.
    """
    scores_file = Path(scores_file)
    for path in (
        scores_file.with_name(f"{scores_file.stem}.errors.csv"),
        scores_file.with_name(f"{scores_file.name}.errors.csv"),
    ):
        if path.is_file() and path != scores_file:
            return _count(path)
    return None


def _count(path: Path) -> NonResponses:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        failed = [label_of(row["label"]) for row in rows if row["outcome"] == "failed"]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, AttributeError) as error:
        raise DataError(
            f"{path} is not a readable list of failed clips ({error!r}). Repair or remove it."
        ) from error
    if None in failed:
        raise DataError(f"{path}: a failed clip has an unknown label. Write live or attack.")
    return NonResponses(failed.count("live"), failed.count("attack"), path.name)
