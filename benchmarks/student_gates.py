"""Keep what `despoof bench student` says, with where and when, and write docs/student.md.

    python benchmarks/student_gates.py WEIGHTS TEACHER [--count 64] [--species NAME …]
    python benchmarks/student_gates.py --page     # the page again, from the kept figures

The page also shows the front of student_pareto.py. Writes results/student_gates.json.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from recording import OUT, write
from results_page import table

from despoof.core.files import atomic_path

PAGE = Path(__file__).parent.parent / "docs" / "student.md"
TEMPLATE = Path(__file__).parent / "student_template.md"
SAID = {True: "passed", False: "**failed**", None: "not measured"}


def measured(options: list[str]) -> dict[str, Any]:
    """Run the gates as a user does, and return what they print."""
    command = [sys.executable, "-m", "despoof", "bench", "student", *options, "--json"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{found.stderr}")
    return json.loads(found.stdout)


def gate_rows(gates: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row a set: correlation, bands, task."""
    checks = {check["name"]: check for check in gates["checks"]}
    rows: list[tuple[str, ...]] = []
    for one in gates["sets"]:
        name = one["name"]
        near, bands, task = (
            checks.get(f"{what}, {name}") for what in ("correlation", "bands", "task")
        )
        size = f"{one['n_live']} + {one['n_attack']}, {one['n_people']} people"
        if near is None or bands is None or task is None or one["missing"]:
            rows.append((name, size, one["missing"] or "–", "–", "–"))
            continue
        f, said = near["figures"], SAID[near["passed"]]
        ratios = list(bands["figures"].values())
        rows.append(
            (
                name,
                size,
                f"{f['correlation_median']:.3f} / {f['correlation_5th']:.3f} {said}",
                f"{min(ratios):.2f}–{max(ratios):.2f} {SAID[bands['passed']]}",
                task_cell(task),
            )
        )
    return rows


def task_cell(task: dict[str, Any]) -> str:
    """Both AUCs and their paired difference."""
    f = task["figures"]
    if "auc" not in f:
        return f"{SAID[task['passed']]}: {task['words']}"
    change = f"{f['auc_change']:+.3f} [{f['auc_change_low']:+.3f}, {f['auc_change_high']:+.3f}]"
    return f"{f['auc']:.3f} / {f['auc_teacher']:.3f}, {change} {SAID[task['passed']]}"


def latency_words(gates: dict[str, Any]) -> str:
    """The latency gate in a sentence."""
    (check,) = [check for check in gates["checks"] if check["name"] == "latency"]
    f = check["figures"]
    return (
        f"{f['ms_student']:.1f} ms a face in fp32 (bf16 {f['ms_student_bf16']:.1f}), "
        f"{f['faces_per_second']:.0f} faces/s one at a time, {f['ratio_paper']:.0f} × as fast as "
        f"DDIM 50 + 50 ({f['ms_paper']:.0f} ms), {f['ratio_exact']:.0f} × as O-BELM 10 + 10: "
        f"{SAID[check['passed']]}. {check['words']}"
    )


def front_rows(front: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row for each student and way to run it, the quickest first."""
    return [
        (
            ("**" if row["front"] else "")
            + f"{row['run']}, {row['how']}"
            + ("**" if row["front"] else ""),
            f"{row['parameters'] / 1e6:.2f}",
            f"{row['ms']:.1f}",
            f"{row['relative_l2']:.3f}",
            f"{row['correlation_median']:.3f} / {row['correlation_5th']:.3f}",
        )
        for row in sorted(front["rows"], key=lambda row: row["ms"])
        if "relative_l2" in row
    ]


def source(kept: dict[str, Any]) -> str:
    """Where and when figures were made."""
    return f"{kept['date']}, commit {kept['commit']}; {kept['machine']}, torch {kept['torch']}"


def write_page() -> None:
    """Fill the template from the kept figures."""
    gates, front = (
        json.loads((OUT / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("student_gates", "student_pareto")
    )
    head = (
        "set",
        "live + attacks",
        "correlation, median / 5th percentile",
        "octaves",
        "AUC, student / teacher",
    )
    ways = ("student", "10⁶ numbers", "ms a face", "relative L2", "correlation, median / 5th")
    values = {
        "GATES": table(head, gate_rows(gates)),
        "LATENCY": latency_words(gates),
        "FRONT": table(ways, front_rows(front)),
        "GATES_COMMAND": gates["command"],
        "GATES_SOURCE": source(gates),
        "FRONT_SOURCE": source(front),
        "FRONT_COUNT": str(front["count"]),
        "FRONT_STEPS": str(front["reference_steps"]),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    with atomic_path(PAGE) as path:
        path.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE}")


def main() -> None:
    """Measure and keep, or write the page alone."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", nargs="?")
    parser.add_argument("teacher", nargs="?")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--reference-steps", type=int, default=50)
    parser.add_argument("--species", action="append", default=[])
    parser.add_argument("--page", action="store_true", help="the page alone")
    asked = parser.parse_args()
    if not asked.page:
        if asked.teacher is None:
            raise SystemExit("Name the student's weights and its teacher's, or --page.")
        options = ["--weights", asked.weights, "--teacher", asked.teacher]
        options += ["--count", str(asked.count), "--reference-steps", str(asked.reference_steps)]
        options += [part for name in asked.species for part in ("--species", name)]
        found = measured(options)
        write("student_gates", {**found, "command": f"despoof bench student {' '.join(options)}"})
    write_page()


if __name__ == "__main__":
    main()
