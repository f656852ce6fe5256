"""AG-FAS's evidence from finished runs: domains left out, ablations, what identity tokens leak.

    python benchmarks/ag_fas.py [--every K] [--people N] [--only out,ablation,switches,probe]

Writes results/ag_fas_evidence.json, or with --only a file that is named after the parts. Runs that
are absent are named and left out; `ag_fas_plan.py` trains them. Two conventions stand side by side
and are labelled:

- strict: threshold = EER on the run's development sets; checkpoint chosen there, or the last one.
- published: checkpoint and threshold chosen on the test set itself, hence "oracle".

Intervals are 95 %, over people. Thresholds of `mean` rows are drawn anew with the development
faces. Domains share the live faces of the simulated sets: their mean's interval takes the sets as
independent.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from ag_fas_faces import (
    TARGETS,
    Run,
    TestSet,
    cue_network,
    load_run,
    noise_in,
    real_set,
    scores_of,
    test_set,
)
from ag_fas_plan import BASE, DOMAINS, MEANING, VARIANTS, folder, name_of, there
from ag_fas_probe import probe_rows
from recording import write

from despoof.core.errors import InputError
from despoof.evaluation.rows import eer_threshold, evaluation_row
from despoof.evaluation.tables import to_plain
from despoof.metrics import weighted
from despoof.metrics.curves import eer
from despoof.metrics.resample import Sampled, average, difference, interval, resample
from despoof.metrics.scores import Scores, make_scores

PARTS = ("out", "ablation", "switches", "probe")
DRAWS = 1000
SWITCHES: dict[str, dict[str, Any]] = {
    "identity off": {"condition": False},
    **{f"start {t}": {"start": t} for t in (200, 400, 600)},
    "K = 4": {"seeds": 4},
    "posterior sample": {"posterior": "sample"},
    "DDIM, 41 calls": {"solver": "ddim"},
    "DPM-Solver++, 24 calls": {"steps": 24},
}
"""Ways to reconstruct a face that the cue network was not taught on."""

Rows = list[dict[str, Any]]
Load = Callable[[str, Run], TestSet]


def out_rows(domain: str, variant: str, load: Load) -> tuple[Rows, tuple[Scores, Scores] | None]:
    """Measure one run on the domain that it never saw, by both conventions.

    Returns:
        The rows, and for the means scores of (test, development) faces by the chosen checkpoint.
    """
    run = load_run(folder(domain, variant))
    test = load(TARGETS[domain], run)
    dev_sets = [load(name, run) for name in run.dev]
    network, noise = cue_network(run.system), noise_in(run.system, test)
    dev_noise = [noise_in(run.system, faces) for faces in dev_sets]
    rows: Rows = []
    judged: dict[str, Scores] = {}
    kept: tuple[Scores, Scores] | None = None
    facts = {"run": run.name, "left_out": domain, "variant": variant or "base", "set": test.name}
    for name, weights in run.checkpoints.items():
        network.load_state_dict(weights)
        judged[name] = scores_of(network, test, noise)
        if name not in ("chosen", "last"):
            continue
        pairs = zip(dev_sets, dev_noise, strict=True)
        dev = joined([scores_of(network, faces, found) for faces, found in pairs])
        threshold = eer_threshold(dev, f"EER on {' + '.join(run.dev)}")
        row = to_plain(evaluation_row(run.name, judged[name], threshold, draws=DRAWS))
        rows.append({**facts, "convention": "strict", "checkpoint": name, **row})
        kept = (judged[name], dev) if name == "chosen" else kept
    best = min(judged, key=lambda name: eer(judged[name]).value)
    row = to_plain(evaluation_row(run.name, judged[best], None, draws=DRAWS))
    oracle = f"oracle: best of {len(judged)} on the test set, {best}"
    rows.append({**facts, "convention": "published", "checkpoint": oracle, **row})
    network.load_state_dict(run.checkpoints["chosen"])
    return rows, kept


def joined(tables: list[Scores]) -> Scores:
    """Put several sets' scores together."""
    return make_scores(
        np.concatenate([table.score for table in tables]),
        np.concatenate([table.live for table in tables]),
        np.concatenate([table.species for table in tables]),
        np.concatenate([table.group for table in tables]),
    )


def drawn(test: Scores, dev: Scores | None, seed: int) -> dict[str, Sampled]:
    """Return AUC and, with development scores, HTER at their EER, over draws of people."""
    statistics = {"auc": weighted.auc} | ({} if dev is None else {"hter": weighted.hter})
    return resample(test, statistics, dev=dev, draws=DRAWS, seed=seed, strata="class")


def mean_row(sampled: dict[str, dict[str, Sampled]]) -> dict[str, Any]:
    """Return the means over domains, each with its interval."""
    row: dict[str, Any] = {"domains": list(sampled)}
    for name in ("auc", "hter"):
        ends = interval(average([found[name] for found in sampled.values()]))
        row |= {name: ends.value, f"{name}_ci95": [ends.low, ends.high]}
    return row


def gap_row(
    base: dict[str, dict[str, Sampled]],
    other: dict[str, dict[str, Sampled]],
    names: tuple[str, ...],
) -> dict[str, Any]:
    """Return the mean difference other − base over the domains that both have, in pairs."""
    shared = [domain for domain in base if domain in other]
    row: dict[str, Any] = {"domains": shared}
    for name in names:
        gaps = [difference(base[domain][name], other[domain][name]) for domain in shared]
        gap = average(gaps)
        ends = interval(gap)
        smaller = min(np.count_nonzero(gap.draws <= 0), np.count_nonzero(gap.draws >= 0))
        row |= {
            f"{name}_difference": ends.value,
            f"{name}_difference_ci95": [ends.low, ends.high],
            f"{name}_p_bootstrap": min(1.0, 2 * (1 + int(smaller)) / (len(gap.draws) + 1)),
        }
    return row


def measure_out(load: Load, variants: list[str]) -> tuple[Rows, Rows, Rows]:
    """Return rows of runs, means over domains, and differences to the base."""
    rows: Rows = []
    sampled: dict[str, dict[str, dict[str, Sampled]]] = {}
    for variant in variants:
        for number, domain in enumerate(DOMAINS):
            if not there(domain, variant):
                print(f"absent, left out: {folder(domain, variant)}", flush=True)
                continue
            found, kept = out_rows(domain, variant, load)
            rows += found
            for row in found:
                say(row)
            if kept is not None:
                sampled.setdefault(variant, {})[domain] = drawn(*kept, seed=number)
    means = [
        {"variant": variant or "base", "meaning": MEANING[variant], **mean_row(found)}
        for variant, found in sampled.items()
    ]
    gaps = [
        {"variant": variant, "against": "base", **gap_row(sampled[BASE], found, ("auc", "hter"))}
        for variant, found in sampled.items()
        if variant != BASE and set(sampled.get(BASE, {})) & set(found)
    ]
    return rows, means, gaps


def measure_switches(load: Load) -> Rows:
    """Reconstruct in other ways than the cue network was taught on; AUC alone."""
    base: dict[str, dict[str, Sampled]] = {}
    other: dict[str, dict[str, dict[str, Sampled]]] = {name: {} for name in SWITCHES}
    rows: Rows = []
    for number, domain in enumerate(DOMAINS):
        if not there(domain):
            print(f"absent, left out: {folder(domain)}", flush=True)
            continue
        run = load_run(folder(domain))
        test, network = load(TARGETS[domain], run), cue_network(run.system)
        for name, changes in {"as taught": {}, **SWITCHES}.items():
            table = scores_of(network, test, noise_in(run.system, test, changes))
            found = drawn(table, None, number)
            (base if name == "as taught" else other[name])[domain] = found
            ends = interval(found["auc"])
            row = {"run": run.name, "left_out": domain, "switch": name, "changes": changes}
            rows.append(row | {"auc": ends.value, "auc_ci95": [ends.low, ends.high]})
            print(f"{run.name:32s} {name:24s} AUC {ends.value:.3f}", flush=True)
    return rows + [
        {"switch": name, "changes": SWITCHES[name], **gap_row(base, found, ("auc",))}
        for name, found in other.items()
        if found
    ]


def measure_probe(every: int) -> Rows:
    """Ask the identity tokens of the whole run for the medium."""
    if not there(None):
        print(f"absent, left out: {folder(None)}", flush=True)
        return []
    run = load_run(folder(None))
    rows: Rows = []
    for name in ("celeba-spoof dev", "nuaa test"):
        faces = real_set(name, run.system.config.crop, every)
        try:
            rows += probe_rows(run.system.generator, faces, draws=DRAWS)
        except InputError as error:
            print(f"no probe of {name}: {error}", flush=True)
    for row in rows:
        print(f"probe of {row['probe']:24s} {row['set']:20s} AUC {row['auc']:.3f}", flush=True)
    return rows


def say(row: dict[str, Any]) -> None:
    """Print one row."""
    low, high = row["hter_group_ci95"] or (float("nan"),) * 2
    print(
        f"{row['run']:36s} {row['convention']:9s} {row['checkpoint'][:32]:32s} "
        f"HTER {100 * row['hter']:5.1f} [{100 * low:.1f}, {100 * high:.1f}]  AUC {row['auc']:.3f}",
        flush=True,
    )


def main() -> None:
    """Measure what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only each n-th real picture")
    parser.add_argument("--people", type=int, default=60, help="of the simulated sets")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between")
    arguments = parser.parse_args()
    parts = arguments.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"--only {', '.join(sorted(unknown))}: expected some of {', '.join(PARTS)}")

    def load(name: str, run: Run) -> TestSet:
        crop = run.system.config.crop
        return test_set(name, crop, every=arguments.every, people=arguments.people)

    variants = list(VARIANTS) if "ablation" in parts else [BASE] if "out" in parts else []
    rows, means, gaps = measure_out(load, variants) if variants else ([], [], [])
    values = {
        "rows": rows,
        "means": means,
        "differences": gaps,
        "switches": measure_switches(load) if "switches" in parts else [],
        "probe": measure_probe(arguments.every) if "probe" in parts else [],
        "every": arguments.every,
        "people": arguments.people,
        "parts": parts,
        "draws": DRAWS,
        "seed": 0,
        "absent": [name_of(d, v) for d in DOMAINS for v in variants if not there(d, v)],
    }
    whole = set(parts) == set(PARTS)
    write("ag_fas_evidence" if whole else f"ag_fas_evidence_{'_'.join(parts)}", values)


if __name__ == "__main__":
    main()
