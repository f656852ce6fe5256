"""Make docs/peers.md from results/peers.json and template.md; no figure on it is typed by hand."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULT = HERE.parent / "results" / "peers.json"
PAGE = HERE.parents[1] / "docs" / "peers.md"
TEMPLATE = HERE / "template.md"
PARTS = (
    ("nuaa test", "plain"),
    ("nuaa test", "stressed"),
    ("nuaa test, new people", "plain"),
    ("nuaa test, new people", "stressed"),
    ("celeba-spoof dev", "plain"),
    ("celeba-spoof dev", "stressed"),
)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Render a GitHub table, numbers to the right."""
    lines = [head, ("---",) + ("---:",) * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def span(ends: list[float] | None, scale: float, digits: int, sign: str = "") -> str:
    """Render an interval; nothing where it cannot be had."""
    if ends is None:
        return ""
    low, high = (f"{scale * end:{sign}.{digits}f}" for end in ends)
    return f" [{low}, {high}]"


def candidate_table(found: dict[str, Any]) -> str:
    """Who takes part."""
    rows: list[tuple[str, ...]] = []
    for one in found["candidates"]:
        limit = one["threshold"]
        size = "–" if one["bytes"] is None else f"{one['bytes'] / 1e6:.1f}"
        count = "–" if one["parameters"] is None else f"{one['parameters'] / 1e6:.2f}"
        times = [f"{one[key]:.0f}" if key in one else "–" for key in ("ms_1", "ms_2", "cpu_ms")]
        rule = one["rule"] if limit is None else f"{one['rule']}: {limit:.3g}"
        rows.append((one["name"], one["trained_on"], rule, size, count, *times))
    head = ("system", "trained on", "live where", "MB", "10⁶ numbers", "ms, 1 thread")
    return table((*head, "ms, 2 threads", "ms of processor, 1 thread"), rows)


def seen(candidate: dict[str, Any], set_name: str) -> str:
    """Whether a candidate's training held the set a row is about."""
    if candidate["datasets"] is None:
        return "not known"
    if set_name.split(maxsplit=1)[0] not in candidate["datasets"]:
        return "no"
    if candidate["kind"] != "ours":
        return "yes, perhaps these pictures"
    return "yes, also these people" if set_name == "nuaa test" else "yes, other people"


def rate(row: dict[str, Any], name: str) -> str:
    """Render a rate in percent with its counts and its interval over people."""
    if row[name] is None:
        return "–"
    counts = f" ({row[f'{name}_k']}/{row[f'{name}_n']})"
    return f"{100 * row[name]:.1f}{counts}{span(row[f'{name}_ci95'], 100, 1)}"


def p_value(test: dict[str, Any], kind: str) -> str:
    """Render p, and p after Holm."""
    return f"{test[f'p_{kind}']:.4f} → {test[f'p_{kind}_holm']:.3f}"


def verdict(test: dict[str, Any]) -> str:
    """Put a comparison into a word."""
    if not test["told_apart"]:
        return "not told apart"
    return "ours is better" if test["difference"] > 0 else "the peer is better"


def part(found: dict[str, Any], name: str, view: str) -> str:
    """Tables of one set and view."""
    rows = [row for row in found["rows"] if (row["set"], row["view"]) == (name, view)]
    if not rows:
        return ""
    who = {one["name"]: one for one in found["candidates"]}
    first = rows[0]
    title = (
        f"### {name}: {view} ({first['n_live']} live, {first['n_attack']} attack, "
        f"{first['people']} people)"
    )
    cells = [
        (
            row["candidate"],
            seen(who[row["candidate"]], name),
            f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 3)}",
            rate(row, "apcer"),
            rate(row, "bpcer"),
        )
        for row in sorted(rows, key=lambda row: -row["auc"])
    ]
    head = ("system", "set in its training?", "AUC [95 %]", "APCER % (k/n) [95 %]")
    blocks = [title, table((*head, "BPCER % (k/n) [95 %]"), cells)]
    tests = [test for test in found["tests"] if (test["set"], test["view"]) == (name, view)]
    if tests:
        lines = [
            (
                test["ours"],
                test["peer"],
                f"{test['difference']:+.3f}{span(test['difference_ci95'], 1, 3, '+')}",
                p_value(test, "bootstrap"),
                p_value(test, "permutation"),
                verdict(test),
            )
            for test in tests
        ]
        columns = ("ours", "against", "AUC, ours − theirs [95 %]", "p, bootstrap → Holm")
        blocks.append(table((*columns, "p, permutation → Holm", ""), lines))
    return "\n\n".join(blocks)


def told_apart(found: dict[str, Any]) -> str:
    """Count, for every candidate of ours, where it is better and where a peer is."""
    lines: list[tuple[str, ...]] = []
    for one in found["candidates"]:
        tests = [test for test in found["tests"] if test["ours"] == one["name"]]
        for peer in dict.fromkeys(test["peer"] for test in tests):
            words = [verdict(test) for test in tests if test["peer"] == peer]
            counts = [
                str(words.count(word))
                for word in ("ours is better", "not told apart", "the peer is better")
            ]
            lines.append((one["name"], peer, *counts))
    head = ("ours", "against", "ours is better", "not told apart", "the peer is better")
    return table(head, lines) if lines else "No comparison: no peer was there."


def render(found: dict[str, Any], template: str) -> str:
    """Fill the template."""
    low, high = (min(found["load"]), max(found["load"]))
    skipped = [f"- Skipped: {line}" for line in found["skipped"]]
    values = {
        "CANDIDATES": with_lines(candidate_table(found), skipped),
        "SUMMARY": told_apart(found),
        "TABLES": "\n\n".join(filter(None, (part(found, *key) for key in PARTS))),
        "ROOM": ", ".join(f"{value:.2f} × ({name})" for name, value in found["room"].items()),
        "ROUNDS": str(found["rounds"]),
        "LOAD": f"{low:.1f} to {high:.1f}",
        "EVERY": every(found["every"]),
        "DRAWS": f"{found['draws']:,}",
        "MACHINE": f"{found['machine']}, Python {found['python']}, torch {found['torch']}",
        "WHEN": f"{found['date']}, commit {found['commit']}",
    }
    for key, value in values.items():
        template = template.replace(f"<!-- {key} -->", value)
    return template


def every(number: int) -> str:
    """Say so where only a part of the pictures was judged."""
    if number == 1:
        return "All pictures of the sets were judged."
    ordinal = {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
    return f"**Of every set only each {ordinal} picture was judged: a first look, wide intervals.**"


def with_lines(text: str, lines: list[str]) -> str:
    """Put lines under a table."""
    return "\n\n".join([text, "\n".join(lines)] if lines else [text])


def write_page() -> None:
    """Write the page."""
    found = json.loads(RESULT.read_text(encoding="utf-8"))
    PAGE.write_text(render(found, TEMPLATE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE}")
