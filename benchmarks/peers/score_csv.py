"""Any other system, by a table of its scores: `path,score`."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from despoof.core.errors import DataError
from peers.contract import Candidate


def read_csv(path: Path) -> dict[str, float]:
    """Read a table of scores by picture.

    Args:
        path: a CSV file with the columns `path` (of the picture, relative to the data folder) and
            `score` (finite, higher = more live), in any order; others are not read.

    Raises:
        DataError: the file is missing, is not UTF-8 CSV, lacks a column or has no row; or a path is
            empty or there twice, or a score is not a finite number (with the line).
    """
    scores: dict[str, float] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = {"path", "score"} - set(reader.fieldnames or ())
            if missing:
                raise DataError(
                    f"{path} has the columns {', '.join(reader.fieldnames or ['none'])}; "
                    f"expected path and score. Add {', '.join(sorted(missing))}."
                )
            for row in reader:
                name, value = row["path"], _number(row["score"])
                where = f"{path}, line {reader.line_num}"
                if not name or value is None:
                    raise DataError(
                        f"{where}: path {name!r}, score {row['score']!r}; expected a picture's "
                        "name and a finite number, higher = more live."
                    )
                if name in scores:
                    raise DataError(f"{where}: {name!r} was there before. Keep one score of it.")
                scores[name] = value
    except OSError as error:
        raise DataError(f"No table of scores at {path} ({error.strerror}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV table in UTF-8: {error}.") from error
    if not scores:
        raise DataError(f"{path} holds no scores, only a header.")
    return scores


def covers(candidate: Candidate, names: Sequence[str]) -> bool:
    """Say whether a table holds a set: all of it, or nothing of it.

    Raises:
        DataError: it holds a part.
    """
    missing = [name for name in names if name not in candidate.scores]
    if missing and len(missing) < len(names):
        raise DataError(
            f"{candidate.name}: {len(names) - len(missing)} of {len(names)} pictures have a score; "
            f"the first without is {missing[0]!r}. Score the whole set, or nothing of it."
        )
    return not missing


def candidate(name: str, path: Path) -> Candidate:
    """Return a table as a candidate; its threshold is chosen on development pictures if it has any.

    Raises:
        DataError: see `read_csv`.
    """
    return Candidate(
        name=name,
        kind="csv",
        trained_on="not known",
        datasets=None,
        rule="EER of its own scores on the development pictures",
        scores=read_csv(path),
        files=(path,),
    )


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
