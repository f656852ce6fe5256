"""System 1's ablation: RGB, noise, RGB + RGB, RGB + noise, by what was trained on.

    python benchmarks/system1/ablation.py [PROTOCOL …]     # of the runs that are there

Writes results/system1_ablation.json. Thresholds: EER on the protocol's development faces. Tests in
pairs: bootstrap and permutation over people, Holm over the pairs of a protocol.
"""

import argparse
from typing import Any

import numpy as np
from noise import TestSet, noise_in, real_set, scores_with, simulated_set
from results import faces_of, samples_of, write

from despoof.evaluation.rows import eer_threshold, evaluation_row
from despoof.evaluation.scoring import TIGHT
from despoof.evaluation.tables import to_plain
from despoof.metrics import weighted
from despoof.metrics.compare import paired_bootstrap, permutation_test_auc
from despoof.metrics.scores import Scores, make_scores, select
from despoof.metrics.significance import holm
from despoof.systems.despoofing_diffusion.scoring import fuse_scores, score_statistics
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.saving import load_system
from runs import INPUTS, PROTOCOLS, folder

NEW_PEOPLE = "nuaa test, new people"
TESTS = {
    "celeba": ("nuaa test", "celeba-spoof dev"),
    "nuaa": ("celeba-spoof dev", "nuaa test"),
    "simulated": ("nuaa test", "celeba-spoof dev"),
    "print": ("simulated replays", "simulated prints"),
    "replay": ("simulated prints", "simulated replays"),
}
FUSED = "fused"
PAIRS = (("rgb", "rgb+noise"), ("rgb+rgb", "rgb+noise"), ("rgb", "noise"), ("rgb", FUSED))


def load_set(name: str, system: DespoofingDiffusion) -> TestSet:
    """Return a test set in the system's size."""
    crop = system.config.crop
    if name.startswith("simulated"):
        return simulated_set(
            name.removeprefix("simulated ").removesuffix("s"), crop.size, crop.scale
        )
    return real_set(name, crop.size)


def scores_of_all(systems: dict[str, DespoofingDiffusion], faces: TestSet) -> dict[str, np.ndarray]:
    """Score a set by every detector, the noise computed once."""
    noise = noise_in(next(iter(systems.values())), faces)
    return {
        name: scores_with(system, faces, noise if system.config.detector.needs_noise else None)
        for name, system in systems.items()
    }


def parts_of(name: str, table: Scores, samples: list[str]) -> dict[str, Scores]:
    """Return a set, and of NUAA's test its new people as well."""
    if name != "nuaa test":
        return {name: table}
    new = {sample.name for sample in samples_of(NEW_PEOPLE)}
    return {name: table, NEW_PEOPLE: select(table, np.array([n in new for n in samples]))}


def measure(protocol: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows and the tests of one training set."""
    systems = {}
    for inputs in INPUTS:
        place = folder(protocol, inputs) / "weights"
        if not place.is_dir():
            print(f"{place} is not there: {protocol} is left out")
            return [], []
        systems[inputs] = load_system(place)[1]
    dev_names = [f"{name} dev" for name in PROTOCOLS[protocol]["dev"]]
    devs = [load_set(name, systems["rgb"]) for name in dev_names]
    if not PROTOCOLS[protocol].get("choose", True):
        devs = []  # nothing was chosen, no threshold either: the rows' HTER is an oracle's
    scored = [scores_of_all(systems, faces) for faces in devs]
    dev = {
        name: np.concatenate([part[name] for part in scored]) if scored else None for name in INPUTS
    }
    rows, tests = [], []
    for set_name in TESTS[protocol]:
        faces = load_set(set_name, systems["rgb"])
        found = scores_of_all(systems, faces)
        thresholds: dict[str, Any] = dict.fromkeys([*INPUTS, FUSED])
        if devs:
            statistics = {n: score_statistics(dev[n]) for n in ("rgb", "noise", "rgb+noise")}
            chosen = {name: dev[name] for name in statistics}
            found[FUSED] = fuse_scores({n: found[n] for n in statistics}, statistics)
            live = np.concatenate([d.table.live for d in devs])
            groups = np.concatenate([d.table.group for d in devs])
            for name, values in {**dev, FUSED: fuse_scores(chosen, statistics)}.items():
                table = make_scores(values, live, None, groups)
                thresholds[name] = eer_threshold(table, f"EER on {' + '.join(dev_names)}")
        names = [s.name for s in _samples(set_name, faces)]
        tables: dict[tuple[str, str], Scores] = {}
        for name, values in found.items():
            for part, table in parts_of(set_name, faces.scored(values), names).items():
                tables[name, part] = table
                row = to_plain(evaluation_row("", table, thresholds[name]))
                rows.append({"trained_on": protocol, "inputs": name, "set": part, **row})
                print(protocol, name, part, f"{row['auc']:.3f}", flush=True)
        for first, second in PAIRS:
            for part in {part for _, part in tables}:
                if (second, part) in tables:
                    tests.append(
                        {"trained_on": protocol, "set": part, "first": first, "second": second}
                        | compared(tables[first, part], tables[second, part])
                    )
    for test, p in zip(tests, holm([t["p_permutation"] for t in tests]), strict=True):
        test["p_holm"] = p
    return rows, tests


def compared(first: Scores, second: Scores) -> dict[str, Any]:
    """Compare two detectors' AUC on the same faces, over people."""
    boot = paired_bootstrap(first, second, weighted.auc, draws=2000, seed=0)
    swap = permutation_test_auc(first, second, seed=0)
    return {
        "auc_first": boot.first,
        "auc_second": boot.second,
        "difference": boot.difference.value,
        "difference_ci95": [boot.difference.low, boot.difference.high],
        "p_bootstrap": boot.p,
        "p_permutation": swap.p,
        "groups": swap.groups,
    }


def _samples(name: str, faces: TestSet) -> list[Any]:
    if name.startswith("simulated"):
        return []
    return list(faces_of(name, TIGHT, faces.images.shape[1]).samples)


def main() -> None:
    """Measure the runs that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("protocols", nargs="*", choices=[[], *TESTS], default=[])
    chosen = parser.parse_args().protocols or list(TESTS)
    rows: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    for protocol in chosen:
        found = measure(protocol)
        rows += found[0]
        tests += found[1]
    write("system1_ablation", {"rows": rows, "tests": tests, "draws": 2000, "seed": 0})


if __name__ == "__main__":
    main()
