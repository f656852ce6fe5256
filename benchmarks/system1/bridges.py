"""Which bridge, and how many steps: fidelity and task error on one pair of trained fields.

    python benchmarks/system1/bridges.py [--faces 200]

The fields learnt from CelebA-Spoof; the faces are of NUAA's test. Fidelity is against 100 + 100
steps of DPM-Solver++ with the same turning point. The task is told by detectors that learnt from
our bridge's noise, by one that learnt from the paper's, and for each way of `RETRAINED` by one that
learnt from that way's. Writes results/system1_bridges.json.
"""

import argparse
import time
from typing import Any

import numpy as np
import torch
from ablation import compared
from noise import TestSet, noise_in, real_set, scores_with
from recording import write
from runs import TURN, folder

from despoof.diffusion.bridge import PAPER, REFERENCE, BridgeConfig
from despoof.evaluation.bridge_checks.fidelity import noise_fidelity
from despoof.metrics.curves import auc
from despoof.metrics.intervals import wilson
from despoof.metrics.scores import select
from despoof.metrics.significance import holm
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion, unbridged_noise
from despoof.systems.saving import load_system


def _ddim(steps: int) -> BridgeConfig:
    return PAPER.model_copy(update={"steps": steps})


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
    "DPM-Solver++ 100 + 100, t ≤ 400": REFERENCE.model_copy(update={"t_max": TURN}),
    "DDIM 100 + 100, t ≤ 400": PAPER.model_copy(update={"steps": 100, "t_max": TURN}),
    "DPM-Solver++ 8 + 8, t ≤ 400": BridgeConfig(solver="dpm-solver", steps=8, t_max=TURN),
    "O-BELM 8 + 8, t ≤ 400 (ours)": BridgeConfig(steps=8, t_max=TURN),
    "O-BELM 10 + 10, t ≤ 400": BridgeConfig(steps=10, t_max=TURN),
    "O-BELM 12 + 12, t ≤ 400": BridgeConfig(steps=12, t_max=TURN),
    "Heun 6 + 6, t ≤ 400": BridgeConfig(solver="heun", steps=6, t_max=TURN),
    "DDIM 8 + 8, t ≤ 400": BridgeConfig(solver="ddim", steps=8, t_max=TURN),
}
OURS = "O-BELM 8 + 8, t ≤ 400 (ours)"
PAPERS = "DDIM 50 + 50 (paper)"
REFERENCES = ("DPM-Solver++ 100 + 100", "DPM-Solver++ 100 + 100, t ≤ 400")
DIFFERENCE = "score difference, K = 4"
RETRAINED = {
    PAPERS: "ddim-50",
    "DPM-Solver++ 8 + 8, t ≤ 400": "dpm-8",
    OURS: "few-views",
}
"""Ways with a detector of noise that learnt from them, all from as few views."""
PAPER_JUDGE = "noise of DDIM 50 + 50"
SLOW = ("DDIM 100 + 100", "DDIM 100 + 100, t ≤ 400")
"""What a way with an eighth of the evaluations, and the same turning point, is to be as true as."""


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
    retrained = {
        way: load_system(folder("celeba", "noise", variant) / "weights")[1]
        for way, variant in RETRAINED.items()
    }
    judges[PAPER_JUDGE] = retrained[PAPERS]
    system = judges["noise"]
    faces = few(real_set("nuaa test", system.config.crop.size), arguments.faces)
    whole, short = (noise_in(system, faces, WAYS[n]) for n in REFERENCES)
    rows: list[dict[str, Any]] = []
    tables = {}
    far: dict[str, torch.Tensor] = {}
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
        far[name] = (noise - exact).double().flatten(1).norm(dim=1)
        for judge, own in judges.items():
            tables[judge, name] = faces.scored(scores_with(own, faces, noise))
            row[f"auc_{judge}"] = auc(tables[judge, name])
        if name in RETRAINED:
            own = retrained[name]
            tables["each its own", name] = faces.scored(scores_with(own, faces, noise))
            row["auc_retrained"] = auc(tables["each its own", name])
        for live, word in ((True, "live"), (False, "attack")):
            part = noise[torch.from_numpy(faces.table.live == live)]
            row[f"rms_{word}"] = float(part.square().mean().sqrt())
        rows.append(row)
        print(name, f"{time.perf_counter() - start:.0f} s", row["correlation_median"], flush=True)
    steps = [(PAPER_JUDGE, PAPERS, name) for name in WAYS if name.startswith("DDIM")]
    own_ways = [("each its own", OURS, name) for name in RETRAINED]
    tests = [
        {"judge": judge, "first": first, "second": second}
        | compared(tables[judge, first], tables[judge, second])
        for judge, first, second in steps + own_ways
        if first != second
    ]
    for test, p in zip(tests, holm([t["p_permutation"] for t in tests]), strict=True):
        test["p_holm"] = p
    n = {"live": int(faces.table.live.sum()), "attack": int((~faces.table.live).sum())}
    found = {"rows": rows, "tests": tests, "closer": closer(rows, far), "n": n, "seed": 0}
    write("system1_bridges", found)


def closer(rows: list[dict[str, Any]], far: dict[str, torch.Tensor]) -> list[dict[str, Any]]:
    """Count the faces on which a cheap way is nearer to the reference than DDIM's 100 + 100.

    Args:
        rows: of the ways, with their evaluations.
        far: (N,) distances of each way's noise to the reference with its turning point.
    """
    nfe = {row["way"]: row["nfe"] for row in rows}
    found: list[dict[str, Any]] = []
    for slow in SLOW:
        for name, way in WAYS.items():
            if way.t_max == WAYS[slow].t_max and 8 * nfe[name] <= nfe[slow]:
                k, n = int((far[name] <= far[slow]).sum()), len(far[name])
                ratio = float(np.median(far[name] / far[slow]))
                counts = {"closer_k": k, "closer_n": n, "closer_ci95": list(wilson(k, n))}
                about = {"slow": slow, "way": name, "nfe": nfe[name], "ratio": ratio}
                found.append(about | {"closer": k / n} | counts)
    return found


def _nfe(system: DespoofingDiffusion, faces: TestSet, way: BridgeConfig) -> int:
    return system.with_bridge(way).bridged(faces.pixels()[:1]).nfe


if __name__ == "__main__":
    main()
