"""A report as a folder: report.html, report.json, and every table as CSV."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from despoof.core.errors import DataError
from despoof.core.files import atomic_path
from despoof.evaluation.report import Judgement
from despoof.evaluation.report_compare import Pair, plain_pair
from despoof.evaluation.report_errors import WorstError, worst_errors
from despoof.evaluation.report_html import render
from despoof.evaluation.report_plain import plain_judgement, table_csv, tables


def write_report(
    folder: str | Path,
    systems: Sequence[Judgement],
    pairs: Sequence[Pair] = (),
    *,
    images: Sequence[Path] | None = (),
    audit: Mapping[str, Any] | None = None,
    title: str | None = None,
) -> Path:
    """Write a report; each file is whole or absent. Returns the page.

    Args:
        folder: is made; files of an earlier report there are replaced.
        systems: at least one.
        pairs: their comparison.
        images: folders that the score files' paths may be relative to, for thumbnails; None
            leaves pictures out on purpose, and the page says so.
        audit: see `report_html.render`.
        title: of the page.

    Raises:
        MissingExtraError: the `report` extra is not installed.
        DataError: the folder cannot be written to.
    """
    folder = Path(folder)
    errors = [worst_errors(one.table, one.row.threshold.value, images or ()) for one in systems]
    page = render(systems, pairs, errors, audit, title, left_out=images is None)
    files = {"report.html": page, "report.json": _json(systems, pairs, audit)}
    files |= {f"{name}.csv": table_csv(rows) for name, rows in _tables(systems, errors).items()}
    if pairs:
        files["comparison.csv"] = table_csv([plain_pair(pair) for pair in pairs])
    if audit and "cues" in audit:
        files["cues.csv"] = table_csv(audit["cues"])
        if audit.get("systems"):
            files["against_cue.csv"] = table_csv(audit["systems"])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            with atomic_path(folder / name) as temporary:
                temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise DataError(
            f"The report cannot be written to {folder}: {error.strerror or error}. Choose a folder "
            "that you may write to."
        ) from error
    return folder / "report.html"


def _json(
    systems: Sequence[Judgement], pairs: Sequence[Pair], audit: Mapping[str, Any] | None
) -> str:
    values = {
        "systems": [plain_judgement(found) for found in systems],
        "comparisons": [plain_pair(pair) for pair in pairs],
        "audit": audit,
    }
    return json.dumps(values, indent=2, allow_nan=False) + "\n"


def _tables(
    systems: Sequence[Judgement], errors: Sequence[Sequence[WorstError]]
) -> dict[str, list[dict[str, Any]]]:
    merged: dict[str, list[dict[str, Any]]] = {}
    for found, wrong in zip(systems, errors, strict=True):
        named = tables(found)
        if wrong:
            named["errors"] = [
                {key: value for key, value in vars(one).items() if key != "picture"}
                for one in wrong
            ]
        for name, rows in named.items():
            # Every table says how its threshold was chosen, for tables travel by themselves.
            head = {"system": found.name, "threshold_chosen": found.row.threshold.chosen}
            merged.setdefault(name, []).extend({**head, **row} for row in rows)
    return merged
