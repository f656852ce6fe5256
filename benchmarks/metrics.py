"""Time the metrics at scale, beside scikit-learn and bob.measure; write results/metrics.json.

    python benchmarks/metrics.py [--bob PYTHON]

PYTHON is an interpreter of an environment with bob.measure, which needs numpy 1.26 and so cannot
live beside despoof. All timings are of one run on the same arrays, best of RUNS; ratios are theirs
over ours, so above 1 means that ours is faster.
"""

import argparse
import json
import os
import resource as system
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from despoof.metrics import curves, weighted
from despoof.metrics.delong import auc_interval
from despoof.metrics.det import det_by_species, det_worst
from despoof.metrics.equal_error import equal_error
from despoof.metrics.operating import bpcer_10_20_100, tpr_at_fpr
from despoof.metrics.rates import acer_max, acer_pooled, apcer_by_species
from despoof.metrics.resample import interval, resample
from despoof.metrics.scores import Scores, make_scores
from despoof.metrics.species import acer_family_max, d_eer_by_species

RUNS = 3
FILE = "read and judge a file of 1e6 scores"
TARGETS = {f"{FILE}, s": 3.0, f"{FILE}, MB": 1000.0}
TARGETS |= {"evaluate 1e6 scores, s": 3.0, "evaluate 1e6 scores, MB": 1000.0}
TARGETS |= {"2000 draws of 1e4 clips, AUC EER HTER ACER BPCER10/20/100, s": 20.0}
KINDS = ("print/a4", "print/photo", "replay/phone", "replay/tablet", "mask/silicone")
JUDGE = """
import resource, sys, time
from despoof.evaluation.report import judge
from despoof.evaluation.score_formats import read_table
times = []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter(), time.process_time()
    judge(read_table(sys.argv[1]))
    times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
print(*map(min, zip(*times)), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
BOB = """
import sys, time, numpy as np
from bob import measure
attack, live = np.load(sys.argv[1]), np.load(sys.argv[2])
def work(attack, live):
    measure.farfrr(attack, live, measure.eer_threshold(attack, live))
    measure.farfrr(attack, live, measure.far_threshold(attack, live, 0.01))
work(attack[:100], live[:100])  # compile
times = []
for _ in range(int(sys.argv[3])):
    start = time.perf_counter(); work(attack, live); times.append(time.perf_counter() - start)
print(min(times))
"""


def made_up(n: int, subjects: int, seed: int) -> Scores:
    rng = np.random.default_rng(seed)
    live = rng.random(n) < 0.5
    species = np.where(live, "live", rng.choice(KINDS, n))
    group = np.char.add("s", rng.integers(subjects, size=n).astype(np.str_))
    return make_scores(rng.normal(2.0 * live, 1), live, species, group)


def evaluate(scores: Scores) -> None:
    """Everything that a report says of one set of scores, but for the bootstrap."""
    for convention in ("nearest", "interpolated", "hull"):
        threshold = equal_error(scores, convention).threshold
    auc_interval(scores)
    for rates in (apcer_by_species, acer_pooled, acer_max, acer_family_max):
        rates(scores, threshold)
    bpcer_10_20_100(scores)
    tpr_at_fpr(scores, 1e-4)
    d_eer_by_species(scores)
    det_worst(scores)
    det_by_species(scores)


def best(work: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def write_file(path: Path, scores: Scores) -> None:
    names = np.where(scores.live, "live", "attack")
    rows = zip(scores.group, names, scores.species, scores.score.tolist(), strict=True)
    with path.open("w", encoding="utf-8") as stream:
        stream.write("path,subject,label,species,score\n")
        stream.writelines(
            f"clips/{i:07d}.png,{group},{label},{'' if label == 'live' else species},{score!r}\n"
            for i, (group, label, species, score) in enumerate(rows)
        )


def judge_file(path: Path) -> dict[str, float]:
    """From the file to every number of a report, in a process of its own: time and memory."""
    command = [sys.executable, "-c", JUDGE, str(path), str(RUNS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, cpu, megabytes = map(float, done.stdout.split())
    return {f"{FILE}, s": seconds, f"{FILE}, CPU s": cpu, f"{FILE}, MB": megabytes}


def bootstrap(test: Scores, dev: Scores, method: str) -> None:
    statistics = {
        "auc": weighted.auc,
        "eer": weighted.eer,
        "hter": weighted.hter,
        "acer": weighted.acer_max,
        **{f"bpcer{n}": weighted.bpcer_at(1 / n) for n in (10, 20, 100)},
    }
    found = resample(test, statistics, dev=dev, draws=2000, influence=method == "bca")
    for sampled in found.values():
        interval(sampled, method=method)  # type: ignore[arg-type]


def against_bob(scores: Scores, python: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("attack.npy", "live.npy")]
        np.save(files[0], scores.score[~scores.live])
        np.save(files[1], scores.score[scores.live])
        command = [python, "-W", "ignore", "-c", BOB, *files, str(RUNS)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bob", help="interpreter with bob.measure")
    bob = parser.parse_args().bob
    figures: dict[str, float] = {}
    scores = made_up(1_000_000, 1000, 0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scores.csv"
        write_file(file, scores)
        figures |= judge_file(file)
    figures["evaluate 1e6 scores, s"] = best(lambda: evaluate(replace(scores)))  # nothing cached
    figures["evaluate 1e6 scores, MB"] = system.getrusage(system.RUSAGE_SELF).ru_maxrss / 1024
    test, dev = made_up(10_000, 500, 1), made_up(10_000, 500, 2)
    name = "2000 draws of 1e4 clips, AUC EER HTER ACER BPCER10/20/100"
    figures[f"{name}, s"] = best(lambda: bootstrap(test, dev, "percentile"))
    figures[f"{name}, BCa, s"] = best(lambda: bootstrap(test, dev, "bca"))

    from sklearn.metrics import roc_auc_score, roc_curve

    ours = best(lambda: curves.auc(scores))
    theirs = best(lambda: roc_auc_score(scores.live, scores.score))
    figures |= {"AUC of 1e6, s": ours, "AUC of 1e6, scikit-learn / ours": theirs / ours}
    ours = best(lambda: curves.roc(scores))
    theirs = best(lambda: roc_curve(scores.live, scores.score, drop_intermediate=False))
    figures |= {"ROC of 1e6, s": ours, "ROC of 1e6, scikit-learn / ours": theirs / ours}
    if bob:
        ours = best(lambda: (curves.eer(scores), curves.threshold_at_far(scores, 0.01)))
        figures["EER and FAR 1 % of 1e6, s"] = ours
        figures["EER and FAR 1 % of 1e6, bob.measure / ours"] = against_bob(scores, bob) / ours

    # Other processes make every figure worse: the load says how far to trust them.
    figures["load average, 1 min"] = os.getloadavg()[0]
    from recording import conditions

    figures = {key: round(value, 3) for key, value in figures.items()}
    result = {"runs": RUNS, "figures": figures, "targets": TARGETS, **conditions()}
    out = Path(__file__).parent / "results" / "metrics.json"
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for key, value in figures.items():
        target = f"target ≤ {TARGETS[key]:g}" if key in TARGETS else ""
        print(f"{key:60} {value:10.3f}  {target}")


if __name__ == "__main__":
    main()
