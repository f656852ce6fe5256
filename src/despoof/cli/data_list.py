"""`despoof data list`: which datasets and protocols there are."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from despoof.cli.options import DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, new_table, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from despoof.data.datasets.contract import Dataset, Protocol

EXAMPLE = "Example: despoof data list oulu-npu"


def show(
    dataset: Annotated[
        str | None, typer.Argument(metavar="[DATASET]", help="One alone, in full.")
    ] = None,
    *,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """List the datasets that can be indexed, with protocols, counts, terms and what is unverified.

    Exit code: 0 done · 64 there is no such dataset.
    """
    from despoof.core.errors import DataError, InputError
    from despoof.data.datasets.registry import dataset_named, datasets
    from despoof.data.protocols.choose import GENERAL
    from despoof.data.protocols.cross import CROSS

    try:
        chosen = [dataset_named(dataset)] if dataset else list(datasets().values())
    except DataError as error:
        raise InputError(str(error)) from error
    across = {name: cross.protocol for name, cross in CROSS.items()}
    if json:
        plain: dict[str, object] = {"datasets": [_plain(one) for one in chosen]}
        if dataset is None:
            plain["across"] = [_plain_protocol(one) for one in across.values()]
            plain["any"] = [*GENERAL, "unseen-<species>"]
        print_json(plain)
    elif dataset is not None:
        _print_one(chosen[0])
    else:
        _print_all(chosen, across, [*GENERAL, "unseen-<species>"])


def _print_all(
    chosen: "Iterable[Dataset]", across: "Mapping[str, Protocol]", general: "list[str]"
) -> None:
    out = console()
    table = new_table("dataset", "protocols", "terms", "unverified", numbers=("unverified",))
    for one in chosen:
        table.add_row(
            Text(one.name, "bold"),
            Text(", ".join(one.protocols) or "–"),
            Text(one.terms),
            str(len(one.unverified)),
        )
    out.print(table)
    out.print(Text(f"\nAcross datasets: {', '.join(across)}."))
    out.print(Text(f"For any manifest: {', '.join(general)}."))
    out.print("Layout, counts and what is unverified: despoof data list DATASET.", markup=False)


def _print_one(one: "Dataset") -> None:
    out = console()
    out.print(Text(f"{one.name}: {one.title}", "bold"))
    for line in filter(None, (one.reference, f"Terms: {one.terms}")):
        out.print(Text(line))
    out.print(Text(f"\n{one.layout.strip()}\n"))
    if one.protocols:
        table = new_table("protocol", "train", "dev", "test", "people apart", "source")
        for protocol in one.protocols.values():
            counts = protocol.counts or {}
            cells = (_cell(counts.get(split)) for split in ("train", "dev", "test"))
            apart = "yes" if protocol.disjoint else "no"
            table.add_row(Text(protocol.name, "bold"), *cells, apart, Text(protocol.source))
        out.print(table)
    for fact in one.unverified:
        out.print(Text(f"Unverified: {fact}.", "yellow"))


def _cell(count: "Mapping[str, int] | None") -> str:
    return "–" if count is None else f"{count['live']} + {count['attack']}"


def _plain(one: "Dataset") -> dict[str, object]:
    return {
        "name": one.name,
        "title": one.title,
        "layout": one.layout,
        "reference": one.reference,
        "terms": one.terms,
        "unverified": one.unverified,
        "protocols": [_plain_protocol(protocol) for protocol in one.protocols.values()],
    }


def _plain_protocol(one: "Protocol") -> dict[str, object]:
    return {
        "name": one.name,
        "counts": {split: dict(count) for split, count in one.counts.items()}
        if one.counts
        else None,
        "source": one.source,
        "disjoint": one.disjoint,
    }
