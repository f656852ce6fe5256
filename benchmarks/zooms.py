"""How wide should a texture classifier look? Chosen on development people alone.

    python benchmarks/zooms.py [WEIGHTS] [--every K]

One score a face at each scale (crop side / face), and means of them; CelebA-Spoof's and NUAA's
development people, plain and stressed. Writes results/zooms.json. The mean AUC decides.
"""

import argparse
import itertools
from typing import Any

import numpy as np
from results import samples_of, scores_of, write

from despoof.evaluation.scoring import View, cut_faces, labelled
from despoof.metrics.curves import auc
from despoof.systems.saving import load_system
from despoof.weights.registry import resolve

SCALES = (1.05, 1.2, 1.45, 1.8)
SETS = ("celeba-spoof dev", "nuaa dev")


def main() -> None:
    """Score every scale and print the means' ranking."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", nargs="?", default="texture")
    parser.add_argument("--every", type=int, default=1, help="only each n-th picture")
    arguments = parser.parse_args()
    system = load_system(resolve(arguments.weights))[1]
    size = system.config.seen
    scores: dict[tuple[str, bool], dict[float, Any]] = {}
    for name, stressed in itertools.product(SETS, (False, True)):
        samples = samples_of(name)[:: arguments.every]
        for scale in SCALES:
            faces = cut_faces(samples, View("zoom", scale, stressed), size)
            found = labelled(faces.samples, scores_of(system, faces))
            scores.setdefault((name, stressed), {})[scale] = found
    rows = []
    for count in (1, 2, 3):
        for scales in itertools.combinations(SCALES, count):
            row: dict[str, Any] = {"scales": scales}
            for (name, stressed), tables in scores.items():
                first = tables[scales[0]]
                mean = np.mean([tables[scale].score for scale in scales], axis=0)
                made = type(first)(mean, first.live, first.species, first.group)
                row[f"{name}{', stressed' if stressed else ''}"] = auc(made)
            row["mean"] = float(np.mean([v for k, v in row.items() if k != "scales"]))
            rows.append(row)
    rows.sort(key=lambda row: -row["mean"])
    for row in rows:
        print({k: v if k == "scales" else round(v, 4) for k, v in row.items()}, flush=True)
    counts = {name: len(samples_of(name)[:: arguments.every]) for name in SETS}
    write("zooms", {"weights": arguments.weights, "rows": rows, "n": counts, "seed": 0})


if __name__ == "__main__":
    main()
