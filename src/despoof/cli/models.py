"""`despoof models`: which weights there are, and which systems."""

from typing import TYPE_CHECKING

from rich.text import Text

from despoof.cli.options import DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, new_table, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

    from despoof.systems.records import SystemRecord
    from despoof.weights.record import Record

EXAMPLE = "Example: despoof models --json"


def models(
    json: JsonOption = False, debug: DebugOption = False, version: VersionOption = False
) -> None:
    """List the weights in this package with their figures, and the systems."""
    from despoof.systems.records import RECORDS
    from despoof.weights.registry import records

    found = list(records().values())
    systems = list(RECORDS.values())
    if json:
        known = [{"name": s.name, "title": s.title, "paper": s.paper} for s in systems]
        print_json({"weights": [record.plain() for record in found], "systems": known})
        return
    _print_weights(found)
    _print_systems(systems)


def _print_weights(records: "list[Record]") -> None:
    table = new_table("weights", "system", "size", "threshold", "terms", numbers=("size",))
    for record in records:
        limit = record.threshold
        text = f"{limit.value:.4f} ({limit.criterion} on {limit.chosen_on})" if limit else "none"
        size = f"{record.size_bytes / 1e6:.1f} MB"
        terms = f"{record.licence}; {record.terms}"
        table.add_row(
            Text(record.name, style="bold"), Text(record.system), size, Text(text), Text(terms)
        )
    out = console()
    if not records:
        out.print("No weights in this package; give --weights DIR of your own run.")
        return
    out.print(table)
    for record in records:
        out.print()
        out.print(Text(f"{record.name}: trained on {record.trained_on}"))
        for name, value in _flat("", record.measured):
            out.print(Text(f"  {name}: {value}"))


def _print_systems(systems: "list[SystemRecord]") -> None:
    table = new_table("system", "what", "paper")
    for system in systems:
        table.add_row(Text(system.name, style="bold"), Text(system.title), Text(system.paper))
    console().print()
    console().print(table)


def _flat(prefix: str, value: "JsonValue") -> "Iterable[tuple[str, str]]":
    """Give nested figures as lines: `nuaa test.auc`, `0.97`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else key, inner)
    elif isinstance(value, float):
        yield prefix, f"{value:.4g}"
    else:
        yield prefix, str(value)
