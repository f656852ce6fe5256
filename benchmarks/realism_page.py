"""Make docs/realism.md from results/realism.json and results/real_pairs.json; nothing is typed."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "realism.md"
TITLES = {
    "nuaa dev": "Simulated prints against NUAA's real prints, people 0004 and 0009",
    "nuaa train": "The same, training people (recipes were tuned on them)",
    "celeba-spoof dev": "Every species against CelebA-Spoof's attacks, development people",
    "celeba-spoof train": "The same, training people (recipes were tuned on them)",
    "pairs dev": "Real pairs: the same portrait, really and simulated, development people",
    "pairs train": "The same, training people (recipes were tuned on them)",
}
HEAD = """# How true to life is the recapture simulator?

Made by `benchmarks/realism.py page` from `benchmarks/results/`; every figure below is measured.
Real pictures are the development data's (not part of this repository); none is shown.

AUC says how well real and simulated attacks can be told apart: **0.5 is a perfect simulation**, 1
a useless one. The classifier is a logistic regression on all statistics of
`despoof.recapture.statistics`, cross-validated by person. *Effect* is the simulated median minus
the real one, over the real sample's robust standard deviation. Kolmogorov-Smirnov's p counts
pictures as independent; *p, people* compares the people's medians instead.

What the comparison cannot separate: NUAA's prints were made from other photographs (a good camera,
other light) than its live webcam frames, from which ours are simulated, so differences of level,
colour and local contrast there are partly the source's. Real pairs are free of that, but only sharp
attacks can be matched, and CelebA-Spoof does not say what each attack is. Two people (NUAA dev) are
too few for an interval or a test over people.
"""


def write_page(results: dict[str, Any]) -> None:
    """Write the page."""
    parts = [HEAD]
    pairs = HERE / "results" / "real_pairs.json"
    if pairs.exists():
        parts.append(pair_section(json.loads(pairs.read_text(encoding="utf-8"))))
    for key, title in TITLES.items():
        if key in results:
            parts.append(section(title, key, results[key]))
    PAGE.write_text("\n".join(parts), encoding="utf-8")
    print(f"wrote {PAGE}")


def section(title: str, key: str, found: dict[str, Any]) -> str:
    """One comparison: the classifiers, then the statistics of all species together."""
    species = [
        name for name, part in found.items() if isinstance(part, dict) and "classifier" in part
    ]
    command, split = key.rsplit(" ", 1)
    rows = []
    for name in species:
        part = found[name]["classifier"]
        ends = part["auc_ci95"]
        span = f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else " (too few people for an interval)"
        first = found[name]["statistics"][0]
        rows.append(
            f"| {name} | {part['n_real']} / {part['n_simulated']} ({part['people']}) "
            f"| {part['auc']:.3f}{span} | {part['keys_on'][0][0]} (−{part['keys_on'][0][1]:.3f}) "
            f"| {first['statistic']} ({first['auc']:.3f}) |"
        )
    whole = "all" if "all" in species else species[0]
    n = found[whole]["statistics"][0]
    lines = [
        f"\n## {title}\n",
        f"`python benchmarks/realism.py {command.split('-')[0]} --split {split}`, "
        f"simulator of {found['simulator']}\n",
        "| species | n real / simulated (people) | classifier AUC | keys on (fall when shuffled) "
        "| best single statistic (AUC) |",
        "|---|---:|---:|---|---|",
        *rows,
        f"\nStatistics, *{whole}* ({n['n_real']} real, {n['n_simulated']} simulated): "
        "median [quartiles].\n",
        "| statistic | real | simulated | KS | p | p, people | AUC | effect |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *[statistic(row) for row in found[whole]["statistics"]],
    ]
    return "\n".join(lines)


def statistic(row: dict[str, Any]) -> str:
    """One statistic's row."""
    sides = [f"{row[k][1]:.3g} [{row[k][0]:.3g}, {row[k][2]:.3g}]" for k in ("real", "simulated")]
    return (
        f"| {row['statistic']} | {sides[0]} | {sides[1]} | {row['ks']:.2f} | {row['p']:.1g} "
        f"| {row['p_people']:.2g} | {row['auc']:.3f} | {row['effect']:+.2f} |"
    )


def pair_section(found: dict[str, Any]) -> str:
    """How many pairs there are, how well they lie, and what happened to them."""
    same, other = found["found"]["same person"], found["found"]["another person"]
    lines = [
        "\n## Real pairs: attack photographs whose very portrait is at hand\n",
        "`python benchmarks/real_pairs.py find`, then `measure`\n",
        f"{same['accepted']} of {same['attacks']} attack photographs ({found['people']} people) "
        "show a live portrait of the set. A pair has at least "
        f"{found['rule']['min_inliers']} feature matches on one plane and details that agree by "
        f"{found['rule']['min_agreement']}. With another person's portraits instead, "
        f"{other['accepted']} of {other['attacks']} attacks are accepted: the rate of "
        "false pairs.\n",
        *spreads("registration", found["registration"]),
    ]
    if "statistics" in found:
        lines += [
            f"\nWhat print or screen and camera did to {found['measured']} portraits "
            "(`despoof.recapture.match_statistics`):\n",
            *spreads("statistic", found["statistics"]),
        ]
    return "\n".join(lines)


def spreads(name: str, table: dict[str, dict[str, float]]) -> list[str]:
    """Percentiles as a table."""
    lines = [f"| {name} | n | 5 % | 25 % | median | 75 % | 95 % |", "|---|" + "---:|" * 6]
    for key, row in table.items():
        if row["n"]:
            values = " | ".join(f"{row[f'p{p}']:.3g}" for p in (5, 25, 50, 75, 95))
            lines.append(f"| {key} | {row['n']} | {values} |")
    return lines
