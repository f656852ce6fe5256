"""Make docs/ag_fas.md from benchmarks/results/ag_fas_evidence.json.

python benchmarks/ag_fas_page.py [FILE]     # of some parts alone: ag_fas.py --only
"""

import argparse
import json
from pathlib import Path
from typing import Any

from ag_fas_plan import TITLES
from results_page import rate, span, table

HERE = Path(__file__).parent
FOUND = HERE / "results" / "ag_fas_evidence.json"
PAGE = HERE.parent / "docs" / "ag_fas.md"
TEMPLATE = HERE / "ag_fas_template.md"
NONE = "Not measured yet."
Rows = list[dict[str, Any]]


def out_table(rows: Rows) -> str:
    """Domains left out, by both conventions."""
    kept = [r for r in rows if r["convention"] == "published" or r["checkpoint"] == "chosen"]
    body = [
        (
            row["left_out"],
            TITLES[row["variant"]],
            "strict" if row["convention"] == "strict" else "published (oracle)",
            f"{100 * row['hter']:.1f}{span(row['hter_group_ci95'], 100, 1)}",
            f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 3)}",
            rate(row, "apcer_pooled"),
            rate(row, "bpcer"),
        )
        for row in kept
    ]
    head = (
        "left out",
        "network",
        "convention",
        "HTER % [95 %]",
        "AUC [95 %]",
        "APCER %",
        "BPCER %",
    )
    return table(head, body)


def mean_table(rows: Rows) -> str:
    """Means over the domains that each variant was trained without; strict convention."""
    body = [
        (
            row["meaning"],
            ", ".join(row["domains"]),
            f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 3)}",
            f"{100 * row['hter']:.1f}{span(row['hter_ci95'], 100, 1)}",
        )
        for row in rows
    ]
    return table(("network", "domains left out", "AUC [95 %]", "HTER % [95 %]"), body)


def difference_table(rows: Rows) -> str:
    """Mean differences to the base over the domains that both have."""
    body = [
        (
            TITLES[row["variant"]],
            ", ".join(row["domains"]),
            f"{row['auc_difference']:+.3f}{span(row['auc_difference_ci95'], 1, 3)}",
            f"{100 * row['hter_difference']:+.1f}{span(row['hter_difference_ci95'], 100, 1)}",
            f"{row['auc_p_bootstrap']:.3f}",
        )
        for row in rows
    ]
    head = ("instead of cross-attention", "domains", "AUC [95 %]", "HTER, points [95 %]", "p (AUC)")
    return table(head, body)


def switch_table(rows: Rows) -> str:
    """Other ways to reconstruct, AUC of each domain left out and the mean difference."""
    domains = list(dict.fromkeys(row["left_out"] for row in rows if "left_out" in row))
    names = list(dict.fromkeys(row["switch"] for row in rows))
    body: list[tuple[str, ...]] = []
    for name in names:
        own = {row["left_out"]: row for row in rows if row["switch"] == name and "left_out" in row}
        gap = [row for row in rows if row["switch"] == name and "left_out" not in row]
        body.append(
            (
                name,
                *(f"{own[d]['auc']:.3f}" if d in own else "–" for d in domains),
                f"{gap[0]['auc_difference']:+.3f}{span(gap[0]['auc_difference_ci95'], 1, 3)}"
                if gap
                else "",
            )
        )
    head = ("reconstruction", *(f"AUC, {d} left out" for d in domains), "mean difference [95 %]")
    return table(head, body)


def probe_table(rows: Rows) -> str:
    """What a straight line through the identity tokens tells of the medium."""
    body = [
        (
            row["probe"],
            row["set"],
            f"{row['auc']:.3f}{span(row['auc_ci95'], 1, 3)}",
            f"{row['n_live']} / {row['n_attack']}",
        )
        for row in rows
    ]
    return table(("probe", "set", "AUC [95 %]", "live / attack"), body)


def main() -> None:
    """Fill the template and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=FOUND)
    found = json.loads(parser.parse_args().file.read_text(encoding="utf-8"))
    text = TEMPLATE.read_text(encoding="utf-8")
    for key, value in {
        "OUT": out_table(found["rows"]),
        "MEANS": mean_table(found["means"]) if found["means"] else NONE,
        "DIFFERENCES": difference_table(found["differences"]) if found["differences"] else NONE,
        "SWITCHES": switch_table(found["switches"]) if found["switches"] else NONE,
        "PROBE": probe_table(found["probe"]),
        "ABSENT": ", ".join(found["absent"]) or "none",
        "MACHINE": f"{found['machine']}, Python {found['python']}, torch {found['torch']}; "
        f"{found['date']}, {found['commit']}; each {found['every']}. real picture, "
        f"{found['people']} simulated people, {found['draws']} draws, seed {found['seed']}",
    }.items():
        text = text.replace(f"<!-- {key} -->", value)
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
