"""Which bridge, and how many steps: fidelity and task error on one pair of trained fields.

    python benchmarks/system1/bridges.py [--faces 200]

The fields learnt from CelebA-Spoof; the faces are of NUAA's test. Fidelity is against 100 + 100
steps of DPM-Solver++ with the same turning point. The task is told by the detectors that learnt
from our bridge's noise, and for the two of `RETRAINED` also by one that learnt from theirs. Writes
results/system1_bridges.json.
"""

import argparse
import time
from typing import Any

import numpy as np
import torch
from ablation import compared
from noise import TestSet, noise_in, real_set, scores_with
from results import write
from runs import folder

from despoof.diffusion.bridge import PAPER, REFERENCE, BridgeConfig
from despoof.evaluation.bridge_checks.fidelity import noise_fidelity
from despoof.metrics.curves import auc
from despoof.metrics.scores import select
from despoof.metrics.significance import holm
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion, unbridged_noise
from despoof.systems.saving import load_system


def _ddim(steps: int) -> BridgeConfig:
    return PAPER.model_copy(update={"steps": steps})


_TURN = 400.0
WAYS: dict[str, BridgeConfig] = {
    "DPM-Solver++ 100 + 100": REFERENCE,
    "DDIM 10 + 10": _ddim(10),
    "DDIM 25 + 25": _ddim(25),
    "DDIM 50 + 50 (paper)": PAPER,
    "DDIM 100 + 100": _ddim(100),
    "DPM-Solver++ 10 + 10": BridgeConfig(solver="dpm-solver", steps=10),
    "DPM-Solver++ 20 + 20": BridgeConfig(solver="dpm-solver", steps=20),
    "O-BELM 10 + 10": BridgeConfig(steps=10),
    "O-BELM 20 + 20": BridgeConfig(steps=20),
    "DPM-Solver++ 100 + 100, t ≤ 400": REFERENCE.model_copy(update={"t_max": _TURN}),
    "DPM-Solver++ 8 + 8, t ≤ 400 (ours)": BridgeConfig(solver="dpm-solver", steps=8, t_max=_TURN),
    "O-BELM 8 + 8, t ≤ 400": BridgeConfig(steps=8, t_max=_TURN),
    "DDIM 8 + 8, t ≤ 400": BridgeConfig(solver="ddim", steps=8, t_max=_TURN),
}
OURS = "DPM-Solver++ 8 + 8, t ≤ 400 (ours)"
REFERENCES = ("DPM-Solver++ 100 + 100", "DPM-Solver++ 100 + 100, t ≤ 400")
DIFFERENCE = "score difference, K = 4"
RETRAINED = {"DDIM 50 + 50 (paper)": "ddim-50", "DPM-Solver++ 20 + 20": "dpm-20", OURS: "few-views"}


def few(faces: TestSet, count: int) -> TestSet:
    """Return `count` faces, half of them live, spread evenly."""
    chosen = []
    for live in (True, False):
        rows = np.flatnonzero(faces.table.live == live)
        chosen.append(rows[np.linspace(0, len(rows) - 1, count // 2).round().astype(int)])
    kept = np.concatenate(chosen)
    mask = np.zeros(len(faces.images), bool)
    mask[kept] = True
    return TestSet(f"{faces.name}, {count}", faces.images[mask], select(faces.table, mask))


def main() -> None:
    """Measure every way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=200)
    arguments = parser.parse_args()
    judges = {n: load_system(folder("celeba", n) / "weights")[1] for n in ("noise", "rgb+noise")}
    system = judges["noise"]
    faces = few(real_set("nuaa test", system.config.crop.size), arguments.faces)
    whole, short = (noise_in(system, faces, WAYS[n]) for n in REFERENCES)
    rows: list[dict[str, Any]] = []
    tables = {}
    for name in (*WAYS, DIFFERENCE):
        start = time.perf_counter()
        noise = (
            torch.cat([unbridged_noise(system, part) for part in faces.pixels().split(64)])
            if name == DIFFERENCE
            else noise_in(system, faces, WAYS[name])
        )
        nfe = 8 if name == DIFFERENCE else _nfe(system, faces, WAYS[name])
        exact = short if name in WAYS and WAYS[name].t_max else whole
        row = {"way": name, "nfe": nfe, **noise_fidelity(noise, exact)}
        for judge, own in judges.items():
            tables[judge, name] = faces.scored(scores_with(own, faces, noise))
            row[f"auc_{judge}"] = auc(tables[judge, name])
        again = folder("celeba", "noise", RETRAINED.get(name, "-")) / "weights"
        if name in RETRAINED and again.is_dir():
            own = load_system(again)[1]
            tables["retrained", name] = faces.scored(scores_with(own, faces, noise))
            row["auc_retrained"] = auc(tables["retrained", name])
        for live, word in ((True, "live"), (False, "attack")):
            part = noise[torch.from_numpy(faces.table.live == live)]
            row[f"rms_{word}"] = float(part.square().mean().sqrt())
        rows.append(row)
        print(name, f"{time.perf_counter() - start:.0f} s", row["correlation_median"], flush=True)
    tests = []
    for name, way in WAYS.items():
        if name != OURS and way.t_max:
            pair = compared(tables["noise", OURS], tables["noise", name])
            tests.append({"judge": "noise", "first": OURS, "second": name, **pair})
    for name in RETRAINED:
        if name != OURS and ("retrained", name) in tables:
            pair = compared(tables["retrained", OURS], tables["retrained", name])
            tests.append({"judge": "each its own", "first": OURS, "second": name, **pair})
    for test, p in zip(tests, holm([t["p_permutation"] for t in tests]), strict=True):
        test["p_holm"] = p
    n = {"live": int(faces.table.live.sum()), "attack": int((~faces.table.live).sum())}
    write("system1_bridges", {"rows": rows, "tests": tests, "n": n, "seed": 0})


def _nfe(system: DespoofingDiffusion, faces: TestSet, way: BridgeConfig) -> int:
    return system.with_bridge(way).bridged(faces.pixels()[:1]).nfe


if __name__ == "__main__":
    main()
