"""Write docs/datasets.md from the adapters themselves: layout, protocols, counts, terms, doubts.

python benchmarks/datasets_page.py
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from despoof.data.datasets.contract import Dataset, Protocol
from despoof.data.datasets.registry import datasets
from despoof.data.protocols.choose import GENERAL
from despoof.data.protocols.cross import CROSS

PAGE = Path(__file__).parent.parent / "docs" / "datasets.md"
HEAD = """# Datasets and protocols

Made by `python benchmarks/datasets_page.py` from the adapters in `src/despoof/data/`; nothing below the next section is typed by hand.
`despoof data list NAME` prints the same of one dataset.

No dataset comes with despoof, and none is downloaded: ask its owners for it. An adapter lists the clips of your copy and says what is
missing or misnamed, by count and example.

    despoof data list                                            # what there is
    despoof data index oulu-npu /data/OULU -o oulu.parquet       # one row a clip; exit code 2 where something is odd
    despoof data verify oulu.parquet                             # files, faces, counts, copies across splits
    despoof data protocol oulu.parquet p1 -o oulu-p1.parquet     # train, dev and test in the column split
    despoof data cut oulu-p1.parquet -o oulu-p1                  # pictures and tables that despoof train reads: train.md
    despoof data audit oulu-p1.parquet --split test              # do trivial cues solve it?
    despoof score oulu-p1.parquet --split test -o scores.csv

**Counts** are live + attack clips of the complete published set; a dash where none are published, none where a part has none. **People apart**: no person is in two
of the three parts. Where the authors publish no dev split, ours is named in the division's notes, and figures made with it must say so.

**What was proved, and what was not.** Every adapter is tested on a generated tree of the published naming and totals: each count below
comes out of it, and each path parses back into its fields. Of the sets below only excerpts of NUAA and CelebA-Spoof
have been at hand. "Unverified" lists what was remembered or guessed and wants a look at a real copy.

`verify` calls these errors (exit code 2): a file that is missing or does not decode, a clip without a face, a box outside its picture, equal
files (SHA-256) in two splits or with two labels, and pictures in two splits whose perceptual hashes differ in at most 31 of 256 bits. Remarks: copies
within a split, people in two splits, counts other than the published ones.
"""  # noqa: E501


def page() -> str:
    """The page as Markdown."""
    known = datasets()
    parts = [HEAD, "## Overview\n", _overview(known.values())]
    parts += [_section(one) for one in known.values()]
    parts += ["## Across datasets\n", "Give the manifests of all sets that the name needs.\n"]
    parts += [_protocols(cross.protocol for cross in CROSS.values())]
    parts += ["## Any manifest\n", *(f"- `{n}`: {one.source}" for n, one in GENERAL.items())]
    parts += ["- `unseen-<species>` and `unseen-<family>`: that kind of attack is test alone\n"]
    return "\n".join(parts)


def _overview(known: Iterable[Dataset]) -> str:
    rows = (
        f"| [`{one.name}`](#{one.name}) | {len(one.protocols) or '–'} | {one.terms} "
        f"| {len(one.unverified)} |"
        for one in known
    )
    return "\n".join(("| name | protocols | terms | doubts |", "|---|---:|---|---:|", *rows, ""))


def _section(one: Dataset) -> str:
    title = "" if one.title.lower() == one.name else f"{one.title}. "
    lines = [f"## {one.name}\n", f"{title}{one.reference}\n" if title + one.reference else ""]
    lines += [f"Terms: {one.terms}.\n", "```text", one.layout.strip("\n"), "```\n"]
    if one.protocols:
        lines.append(_protocols(one.protocols.values()))
    lines += [f"- Unverified: {doubt}." for doubt in one.unverified]
    return "\n".join([line for line in lines if line] + [""])


def _protocols(protocols: Iterable[Protocol]) -> str:
    """A table; neighbours that differ in nothing but their name share a row."""
    lines = [
        "| protocol | train | dev | test | people apart | source |",
        "|---|---:|---:|---:|---|---|",
    ]
    for facts, group in groupby(protocols, _facts):
        names = ", ".join(f"`{one.name}`" for one in group)
        lines.append(f"| {names} | {' | '.join(facts)} |")
    return "\n".join((*lines, ""))


def _facts(one: Protocol) -> tuple[str, ...]:
    return (*_counts(one.counts), "yes" if one.disjoint else "no", one.source)


def _counts(counts: Mapping[str, Mapping[str, int]] | None) -> Iterator[str]:
    for part in ("train", "dev", "test"):
        count = (counts or {}).get(part)
        if count is None:
            yield "–"
        else:
            yield f"{count['live']} + {count['attack']}" if any(count.values()) else "none"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
