"""Does the simulator help real transfer? Runs with and without simulated attacks, in pairs.

    python benchmarks/transfer.py            # the runs of RUNS that are there
    python benchmarks/transfer.py RUN …      # these alone; the other runs' rows are kept

Writes results/transfer.json; every row names the commit that it was measured at.

Every run is scored on the same crops. Differences in AUC: bootstrap and permutation over people.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from cameras import through_cameras
from cut_sets import faces_of, samples_of, scores_of
from recording import OUT, conditions, write

from despoof.core.types import System
from despoof.evaluation.scoring import TIGHT, TIGHT_STRESSED, Faces, View, cut_faces, labelled
from despoof.evaluation.stress import stressed_twin
from despoof.metrics import weighted
from despoof.metrics.compare import paired_bootstrap, permutation_test_auc
from despoof.metrics.curves import auc
from despoof.metrics.resample import interval, resample
from despoof.metrics.scores import Scores, select
from despoof.systems.saving import load_system

RUNS = (
    "face_despoofing_celeba",
    "face_despoofing_celeba_simulated",
    "face_despoofing_nuaa",
    "face_despoofing_nuaa_simulated",
    "face_despoofing_simulated",
    "face_despoofing",
    "face_despoofing_all",
    "texture_celeba_simulated",
    "texture_simulated",
    "texture_one_look",
)
NEW_PEOPLE = "nuaa test, new people"
PAIRS = (
    ("face_despoofing_celeba", "face_despoofing_celeba_simulated", "nuaa test"),
    ("face_despoofing_celeba", "face_despoofing_celeba_simulated", NEW_PEOPLE),
    ("face_despoofing_nuaa", "face_despoofing_nuaa_simulated", "celeba-spoof dev"),
)
MATCHED = "celeba-spoof dev, camera-matched live"
SETS = ("nuaa test", "celeba-spoof dev", MATCHED)
VIEWS = (TIGHT, TIGHT_STRESSED)


def matched_faces(view: View, size: int) -> Faces:
    """CelebA-Spoof's development attacks as they are, its live faces through simulated cameras."""
    samples = samples_of("celeba-spoof dev")
    live = [sample for sample in samples if sample.live]
    taken = through_cameras(live, [view.scale], size, "camera-matched")[view.scale]
    if view.stressed:
        twins = [
            stressed_twin(crop, seed=view.seed, path=sample.name)
            for crop, sample in zip(taken, live, strict=True)
        ]
        taken = np.stack(twins)
    attacks = cut_faces([sample for sample in samples if not sample.live], view, size)
    return Faces((*live, *attacks.samples), np.concatenate([taken, attacks.images]), ())


def table_of(system: System, faces: Faces) -> Scores:
    """Score faces."""
    return labelled(faces.samples, scores_of(system, faces))


def names_of(faces: Faces) -> list[str]:
    """Return the pictures' names."""
    return [sample.name for sample in faces.samples]


def row(run: str, name: str, view: View, scores: Scores) -> dict[str, Any]:
    """AUC with its interval over people."""
    draws = resample(scores, {"auc": weighted.auc}, draws=1000, seed=0)["auc"]
    ends = interval(draws, 0.95, "percentile")
    return {
        "run": run,
        "set": name,
        "view": view.name,
        "auc": auc(scores),
        "auc_ci95": [ends.low, ends.high],
        "n_live": scores.n_live,
        "n_attack": scores.n_attack,
        "groups": len(scores.groups[0]),
    }


def main() -> None:
    """Score the runs, then compare the pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="RUN")
    chosen = parser.parse_args().runs or RUNS
    there = [run for run in chosen if (Path("runs") / run / "weights").is_dir()]
    commit = conditions()["commit"]
    tables: dict[tuple[str, str, str], Scores] = {}
    rows: list[dict[str, Any]] = []
    new_people = [sample.name for sample in samples_of(NEW_PEOPLE)]
    for name in SETS:
        for view in VIEWS:
            cut: dict[int, Faces] = {}
            for run in there:
                _, system = load_system(Path("runs") / run / "weights")
                size = system.config.crop.size
                if size not in cut:
                    same = name == MATCHED
                    cut[size] = matched_faces(view, size) if same else faces_of(name, view, size)
                faces = cut[size]
                scores = table_of(system, faces)
                parts = {name: scores}
                if name == "nuaa test":
                    parts[NEW_PEOPLE] = select(scores, np.isin(names_of(faces), new_people))
                for part, table in parts.items():
                    tables[run, part, view.name] = table
                    rows.append(row(run, part, view, table) | {"commit": commit})
                    print(f"{run:36s} {part:40s} {view.name:16s} {rows[-1]['auc']:.3f}", flush=True)
    tests: list[dict[str, Any]] = []
    for first, second, name in PAIRS:
        for view in VIEWS:
            pair = tables.get((first, name, view.name)), tables.get((second, name, view.name))
            if pair[0] is None or pair[1] is None:
                continue
            boot = paired_bootstrap(pair[0], pair[1], weighted.auc, draws=2000, seed=0)
            swap = permutation_test_auc(pair[0], pair[1], seed=0)
            tests.append(
                {
                    "without": first,
                    "with": second,
                    "set": name,
                    "view": view.name,
                    "auc_without": boot.first,
                    "auc_with": boot.second,
                    "difference": boot.difference.value,
                    "difference_ci95": [boot.difference.low, boot.difference.high],
                    "p_bootstrap": boot.p,
                    "p_permutation": swap.p,
                    "groups": swap.groups,
                }
            )
    rows, tests = merged(rows, tests)
    write("transfer", {"rows": rows, "tests": tests, "draws": 2000, "seed": 0})


def merged(
    rows: list[dict[str, Any]], tests: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Put what is new in the place of what was measured before of the same runs."""
    path = OUT / "transfer.json"
    if not path.exists():
        return rows, tests
    old = json.loads(path.read_text(encoding="utf-8"))
    for known in old["rows"]:
        known.setdefault("commit", old["commit"])
    new_rows = {(r["run"], r["set"], r["view"]) for r in rows}
    new_tests = {(t["without"], t["with"], t["set"], t["view"]) for t in tests}
    kept = [r for r in old["rows"] if (r["run"], r["set"], r["view"]) not in new_rows]
    held = [
        t for t in old["tests"] if (t["without"], t["with"], t["set"], t["view"]) not in new_tests
    ]
    return kept + rows, held + tests


if __name__ == "__main__":
    main()
