"""Checks with their figures and targets as a table, and as plain values for JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from despoof.cli.output import new_table

if TYPE_CHECKING:
    from despoof.evaluation.bridge_checks.check import Check

STATES = (True, False, None)
_SAID = {True: "passed", False: "FAILED", None: "–"}


def check_table(checks: "Sequence[Check]") -> Table:
    """Return a table of checks: name, passed or not, figures, target and words."""
    table = new_table("check", "", "figures", "target")
    for check in checks:
        figures = "\n".join(f"{name} {value:.4g}" for name, value in check.figures.items())
        target = f"{check.target}\n{check.words}" if check.words else check.target
        row = (check.name, _SAID[check.passed], figures, target)
        table.add_row(*(Text(cell) for cell in row))
    return table


def counted(checks: "Sequence[Check]") -> str:
    """Return how many passed, failed, and had nothing to pass, in words."""
    passed, failed, neither = (sum(c.passed is state for c in checks) for state in STATES)
    return f"{passed} passed, {failed} failed, {neither} neither"


def plain_checks(checks: "Sequence[Check]") -> dict[str, Any]:
    """Return the checks and their counts as JSON has them."""
    passed, failed, neither = (sum(c.passed is state for c in checks) for state in STATES)
    return {
        "n_passed": passed,
        "n_failed": failed,
        "n_open": neither,
        "checks": [asdict(check) for check in checks],
    }
