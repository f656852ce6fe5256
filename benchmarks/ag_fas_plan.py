"""The runs of AG-FAS's evidence: which domain is left out, and what differs from the base.

    python benchmarks/ag_fas_plan.py list            # what is there, what is missing
    python benchmarks/ag_fas_plan.py train NAME …    # train runs by the beginnings of their names

Every run takes identity encoder, autoencoder and generator from runs/ag_fas, which must be there
first (`despoof train experiments/small/ag_fas.yaml`), unless its variant needs others.
"""

import argparse
import copy
import json
from pathlib import Path
from typing import Any

from despoof.core.config import read_yaml
from despoof.systems.experiment import Experiment, train_experiment

EXPERIMENTS = Path(__file__).parent.parent / "experiments" / "small"
RUNS = Path("runs")
DOMAINS = ("celeba", "nuaa", "replay", "print")
BASE = ""
EXTRA_LIVE = {"dataset": "lfw", "label": "live", "weight": 0.2, "limit": 2000}
UNTOLD = "runs/ag_fas_no_identity/generator"
LFW_ALONE = "runs/ag_fas_lfw"

VARIANTS: dict[str, dict[str, Any]] = {
    BASE: {},
    "no_cue": {"model.cue.fusion": "none"},
    "concat": {"model.cue.fusion": "concat"},
    "vae": {"model.cue.kind": "vae"},
    "flip_bug": {"recipe.flip_bug": True},
    "seeds_4": {"model.generator.reconstruct.seeds": 4},
    # More live faces to the plain network: what the generator learnt from is given to it directly.
    "extra_live": {"model.cue.fusion": "none", "data.sources": [EXTRA_LIVE]},
    "no_identity": {"model.generator.condition": False, "recipe.generator.trained": UNTOLD},
    # A generator that has seen no face of CelebA-Spoof or NUAA, live ones neither.
    "lfw_generator": {
        "recipe.identity.trained": f"{LFW_ALONE}/identity",
        "recipe.autoencoder.trained": f"{LFW_ALONE}/autoencoder",
        "recipe.generator.trained": f"{LFW_ALONE}/generator",
    },
}
MEANING = {
    BASE: "cross-attention, K = 1",
    "no_cue": "the plain transformer",
    "concat": "two branches, joined once",
    "vae": "the autoencoder's residual alone",
    "flip_bug": "face and reconstruction mirrored apart, as published",
    "seeds_4": "K = 4 reconstructions, in training too",
    "extra_live": "the plain transformer, LFW's live faces in its batches",
    "no_identity": "a generator that was never told the identity",
    "lfw_generator": "a generator of LFW's live faces alone",
}

TITLES = {variant or "base": words for variant, words in MEANING.items()}
"""As rows of the evidence name the variants."""


def name_of(domain: str | None, variant: str = BASE) -> str:
    """Return a run's name; domain None = nothing is left out."""
    parts = ["ag_fas", *([f"without_{domain}"] if domain else []), *([variant] if variant else [])]
    return "_".join(parts)


def folder(domain: str | None, variant: str = BASE) -> Path:
    """Return where a run lies."""
    return RUNS / name_of(domain, variant)


def experiment(domain: str | None, variant: str = BASE) -> Experiment:
    """Return a run's experiment: the file of its domain with the variant's changes.

    `data.sources` of a variant are added to the file's.
    """
    path = EXPERIMENTS / f"{name_of(domain)}.yaml"
    values = copy.deepcopy(read_yaml(path))
    values["output"] = str(folder(domain, variant))
    values["recipe"]["snapshots"] = str(folder(domain, variant) / "snapshots")
    changes = dict(VARIANTS[variant])
    values["data"]["sources"] = [*values["data"]["sources"], *changes.pop("data.sources", [])]
    if domain is None and variant:
        for stage in ("identity", "autoencoder", "generator"):
            taken = {"trained": str(folder(None) / stage)}
            values["recipe"][stage] = values["recipe"].get(stage, {}) | taken
    if domain is None and variant == "no_identity":
        changes["recipe.generator.trained"] = None  # the one run that trains such a generator
    for place, value in changes.items():
        _put(values, place.split("."), value)
    return Experiment.parse(values, str(path))


def plan() -> list[tuple[str | None, str]]:
    """Return (domain, variant) of every run, in the order in which they need each other."""
    whole = [(None, variant) for variant in (BASE, "no_identity", "no_cue")]
    return whole + [(domain, variant) for variant in VARIANTS for domain in DOMAINS]


def there(domain: str | None, variant: str = BASE) -> bool:
    """Say whether a run is finished."""
    return (folder(domain, variant) / "weights" / "config.json").exists()


def _put(values: dict[str, Any], place: list[str], value: object) -> None:
    for part in place[:-1]:
        values = values.setdefault(part, {})
    values[place[-1]] = value


def main() -> None:
    """List the runs, or train some."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("list", "train"))
    parser.add_argument("names", nargs="*", help="beginnings of names; train: at least one")
    arguments = parser.parse_args()
    if arguments.command == "train" and not arguments.names:
        parser.error("train: name runs by their beginnings, e.g. ag_fas_without_nuaa")
    for domain, variant in plan():
        name = name_of(domain, variant)
        if arguments.names and not name.startswith(tuple(arguments.names)):
            continue
        if arguments.command == "list":
            state = "there  " if there(domain, variant) else "missing"
            print(f"{state} {name:36s} {MEANING[variant]}")
            continue
        results = train_experiment(experiment(domain, variant), progress=False)
        best = {result.folder.name: result.best_metrics for result in results}
        print(name, json.dumps(best), flush=True)


if __name__ == "__main__":
    main()
