"""System 1's ablation: RGB, noise, RGB + RGB, RGB + noise, by what was trained on.

    python benchmarks/system1/ablation.py [PROTOCOL …]     # of the runs that are there

Writes results/system1_ablation.json; protocols that are not measured now keep the rows that they
have there, with their own date and commit (`measured`). Thresholds: EER on the protocol's
development faces. Tests in pairs: bootstrap and permutation over people, Holm over the pairs of a
protocol.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from despoof.evaluation.rows import eer_threshold, evaluation_row
from despoof.evaluation.tables import to_plain
from despoof.metrics import weighted
from despoof.metrics.compare import paired_bootstrap, permutation_test_auc
from despoof.metrics.scores import Scores, make_scores, select
from despoof.metrics.significance import holm
from despoof.systems.despoofing_diffusion.field_losses import field_errors
from despoof.systems.despoofing_diffusion.scoring import fuse_scores, score_statistics
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.saving import load_system

sys.path.insert(0, str(Path(__file__).parents[1]))
from cut_sets import samples_of
from noise import TestSet, noise_in, real_set, scores_with, simulated_set
from recording import OUT, conditions, write
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
ASKED = "fields asked"
"""No detector and no bridge: how much better the live field tells the noise put on a face."""
LEVELS = 4
"""Noise levels at which both fields are asked, a face."""
EVERY = 4
"""Only each fourth picture of the real sets: a bridge takes its time."""
WHEN = ("date", "commit", "machine")
MEMBERS = ("rgb", "noise", "rgb+noise")
PAIRS = (
    ("rgb", "rgb+noise"),
    ("rgb+rgb", "rgb+noise"),
    ("rgb", "noise"),
    ("rgb", FUSED),
    ("rgb", ASKED),
    ("noise", ASKED),
)


def load_set(name: str, system: DespoofingDiffusion) -> TestSet:
    """Return a test set in the system's size."""
    crop = system.config.crop
    if name.startswith("simulated"):
        return simulated_set(
            name.removeprefix("simulated ").removesuffix("s"), crop.size, crop.scale
        )
    return real_set(name, crop.size, EVERY)


def scores_of_all(systems: dict[str, DespoofingDiffusion], faces: TestSet) -> dict[str, np.ndarray]:
    """Score a set by every detector, the noise computed once, and by the fields themselves."""
    first = next(iter(systems.values()))
    noise = noise_in(first, faces)
    found = {
        name: scores_with(system, faces, noise if system.config.detector.needs_noise else None)
        for name, system in systems.items()
    }
    return found | {ASKED: asked(first, faces)}


def asked(system: DespoofingDiffusion, faces: TestSet) -> np.ndarray:
    """Return (N,) by how much the live field's error is the smaller one: higher = more live."""
    schedule = system.config.schedule
    errors = field_errors(system.fields, schedule, faces.pixels(), name=faces.name, times=LEVELS)
    return (errors["all"] - errors["live"]).double().numpy()


def parts_of(name: str, table: Scores, faces: TestSet) -> dict[str, Scores]:
    """Return a set, and of NUAA's test its new people as well."""
    if name != "nuaa test":
        return {name: table}
    new = {sample.name for sample in samples_of(NEW_PEOPLE)}
    return {name: table, NEW_PEOPLE: select(table, np.array([n in new for n in faces.names]))}


def measure(protocol: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows and the tests of one training set."""
    there = {inputs: folder(protocol, inputs) / "weights" for inputs in INPUTS}
    systems = {inputs: load_system(p)[1] for inputs, p in there.items() if p.is_dir()}
    if missing := set(INPUTS) - set(systems):
        print(f"{protocol}: no run that sees {', '.join(sorted(missing))}")
    if not {"rgb", "noise"} <= set(systems):
        return [], []
    # Where nothing was chosen, no threshold was either: the rows' HTER is an oracle's.
    chosen = PROTOCOLS[protocol].get("choose", True)
    names = [f"{name} dev" for name in PROTOCOLS[protocol]["dev"]] if chosen else []
    dev = dev_scores(systems, names)
    rows, tests = [], []
    for set_name in TESTS[protocol]:
        faces = load_set(set_name, systems["rgb"])
        found = with_fusion(scores_of_all(systems, faces), dev)
        tables: dict[tuple[str, str], Scores] = {}
        for name, values in found.items():
            threshold = None
            if dev is not None:
                threshold = eer_threshold(dev[name], f"EER on {' + '.join(names)}")
            for part, table in parts_of(set_name, faces.scored(values), faces).items():
                tables[name, part] = table
                row = to_plain(evaluation_row("", table, threshold))
                rows.append({"trained_on": protocol, "inputs": name, "set": part, **row})
                print(protocol, name, part, f"{row['auc']:.3f}", flush=True)
        for first, second in PAIRS:
            for part in sorted({part for _, part in tables}):
                if (first, part) in tables and (second, part) in tables:
                    about = {"trained_on": protocol, "set": part, "first": first, "second": second}
                    tests.append(about | compared(tables[first, part], tables[second, part]))
    for test, p in zip(tests, holm([t["p_permutation"] for t in tests]), strict=True):
        test["p_holm"] = p
    return rows, tests


def dev_scores(
    systems: dict[str, DespoofingDiffusion], names: list[str]
) -> dict[str, Scores] | None:
    """Return every detector's development scores, the fusion's among them."""
    if not names:
        return None
    sets = [load_set(name, systems["rgb"]) for name in names]
    scored = [scores_of_all(systems, faces) for faces in sets]
    live = np.concatenate([faces.table.live for faces in sets])
    groups = np.concatenate([faces.table.group for faces in sets])
    found = {
        name: make_scores(np.concatenate([part[name] for part in scored]), live, None, groups)
        for name in scored[0]
    }
    joined = with_fusion({name: table.score for name, table in found.items()}, found)
    return {n: make_scores(values, live, None, groups) for n, values in joined.items()}


def with_fusion(
    scores: dict[str, np.ndarray], dev: dict[str, Scores] | None
) -> dict[str, np.ndarray]:
    """Add the mean of three detectors' scores, each in units of its development scores."""
    if dev is None:
        return scores
    statistics = {name: score_statistics(dev[name].score) for name in MEMBERS}
    return scores | {FUSED: fuse_scores({name: scores[name] for name in MEMBERS}, statistics)}


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


def main() -> None:
    """Measure the runs that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("protocols", nargs="*", choices=[[], *TESTS], default=[])
    chosen = parser.parse_args().protocols or list(TESTS)
    found: dict[str, Any] = {"rows": [], "tests": [], "measured": {}}
    for protocol in TESTS:
        rows, tests = measure(protocol) if protocol in chosen else ([], [])
        made = conditions()
        if not rows:
            rows, tests, made = kept(protocol)
        if rows:
            found["rows"] += rows
            found["tests"] += tests
            found["measured"][protocol] = {name: made[name] for name in WHEN}
    write("system1_ablation", {**found, "draws": 2000, "seed": 0})


def kept(protocol: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """Return the rows and tests that an earlier run found, and where and when that was."""
    path = OUT / "system1_ablation.json"
    if not path.exists():
        return [], [], {}
    before = json.loads(path.read_text(encoding="utf-8"))
    rows, tests = (
        [one for one in before[name] if one["trained_on"] == protocol] for name in ("rows", "tests")
    )
    return rows, tests, before.get("measured", {}).get(protocol, before)


if __name__ == "__main__":
    main()
