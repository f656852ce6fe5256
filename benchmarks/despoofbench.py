"""DespoofBench: the published set, its rows as JSON, and docs/despoofbench.md from that.

    python benchmarks/despoofbench.py [WEIGHTS …] [--people 100] [--page-only]

Weights are names or folders; default: all shipped, and runs/pair_unet/weights where it exists.
"""

import argparse
import json
import sys
from pathlib import Path

from recording import conditions

from despoof.cli.output import progress, strict
from despoof.core.files import atomic_path
from despoof.data.real_pairs import real_pairs
from despoof.data.samples import find_data_root
from despoof.data.simulated import chosen_species
from despoof.evaluation.despoofbench.faces import lfw_faces
from despoof.evaluation.despoofbench.methods import all_methods, bridge_methods
from despoof.evaluation.despoofbench.pairs import make_pairs
from despoof.evaluation.despoofbench.real import real_bench_pairs
from despoof.evaluation.despoofbench.report import main_table, markdown, table_rows
from despoof.evaluation.despoofbench.run import measure
from despoof.weights.registry import records

HERE = Path(__file__).parent
OUT = HERE / "results" / "despoofbench.json"
PAGE = HERE.parent / "docs" / "despoofbench.md"
REAL = Path("cache/real_pairs.json")  # made by benchmarks/real_pairs.py
PAIR_UNET = Path("runs/pair_unet/weights")
BRIDGED = "despoofing-diffusion"
"""Its bridge is crossed in other ways, too."""
PAGE_TEXT = (HERE / "despoofbench_template.md").read_text(encoding="utf-8")


def run(weights: list[str], people: int) -> None:
    """Measure and write the JSON."""
    faces = lfw_faces(find_data_root(), people)
    species = chosen_species(())
    methods = all_methods(weights)
    methods += [row for name in weights if name == BRIDGED for row in bridge_methods(name)]
    with progress(len(faces) * len(species), wanted=True) as show:
        results = measure(make_pairs(faces, species), methods, show)
    table = table_rows(methods, results) | {"conditions": conditions()}
    if REAL.exists():
        real = measure(real_bench_pairs(find_data_root(), real_pairs(find_data_root())), methods)
        table["real"] = table_rows(methods, real) | {"conditions": conditions()}
    elif OUT.exists():  # kept with the conditions of its own
        before = json.loads(OUT.read_text(encoding="utf-8"))
        if "real" in before:
            table["real"] = {"conditions": before["conditions"]} | before["real"]
    with atomic_path(OUT) as temporary:
        text = json.dumps(strict(table), indent=1, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    print(f"wrote {OUT}", file=sys.stderr)


def page() -> None:
    """Write the page from the JSON."""
    table = json.loads(OUT.read_text(encoding="utf-8"))
    real = table.get("real")
    text = PAGE_TEXT.format(
        tables=markdown(table),
        real_table=main_table(real["rows"]) if real else "Not measured yet.\n",
        real_pairs=real["n_pairs"] if real else 0,
        real_people=real["n_people"] if real else 0,
        real_when="{date}, commit {commit}; {machine}".format(**real["conditions"]) if real else "",
        **{key: value for key, value in table.items() if key not in ("real", "conditions")},
        **table["conditions"],
    )
    PAGE.write_text(text, encoding="utf-8")
    print(f"wrote {PAGE}", file=sys.stderr)


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", nargs="*")
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--page-only", action="store_true")
    arguments = parser.parse_args()
    default = [*records(), *([str(PAIR_UNET)] if PAIR_UNET.is_dir() else [])]
    if not arguments.page_only:
        run(arguments.weights or default, arguments.people)
    page()


if __name__ == "__main__":
    main()
