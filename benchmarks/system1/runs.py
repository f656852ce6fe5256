"""The runs of System 1's evidence: which data, which fields, which detector.

    python benchmarks/system1/runs.py [NAME …]     # trains what is missing

A protocol is a training set; each has one pair of fields, and one detector for every input of the
paper's ablation. `VARIANTS` change the fields of one protocol, or the bridge that its detector
learns from. All begin with one field of LFW's live faces (`start`), but `scratch` and
`independent`, which is the paper's way.

The networks are half as wide as those of experiments/small/despoofing_diffusion.yaml, and learn for
fewer steps: two dozen runs have to fit in the time of one.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from despoof.core.config import read_yaml
from despoof.systems.experiment import Experiment, train_experiment

SMALL = Path(__file__).parents[2] / "experiments" / "small"
BASE = SMALL / "despoofing_diffusion.yaml"
BEGIN = SMALL / "despoofing_diffusion_start.yaml"
RUNS = Path("runs") / "system1"
START = RUNS / "start"
WIDTHS = [32, 64, 96]
BATCH, START_STEPS, DEV_FACES = 24, 500, 80
TURN = 400.0
"""Where the bridge turns round: that of the shipped weights, O-BELM 8 + 8."""
FEW = ("noise", "rgb", "rgb+noise")
INPUTS = ("rgb", "noise", "rgb+rgb", "rgb+noise")


def _source(dataset: str, label: str, weight: float, **more: object) -> dict[str, Any]:
    return {"dataset": dataset, "label": label, "weight": weight, **more}


def _simulated(*families: str) -> list[dict[str, Any]]:
    """LFW's people, live through the simulated cameras too, and their simulated attacks."""
    live = [
        _source("lfw", "live", 0.15, limit=2000),
        _source("lfw", "live", 0.35, simulate="camera", limit=600),
    ]
    return live + [
        _source("lfw", "live", 0.5 / len(families), simulate="attack", species=[family], limit=600)
        for family in families
    ]


PROTOCOLS: dict[str, dict[str, Any]] = {
    "celeba": {
        "sources": [_source("celeba-spoof", label, 0.5) for label in ("live", "attack")],
        "dev": ["celeba-spoof"],
        "fields": 240,
        "views": 0.12,
    },
    "nuaa": {
        "sources": [_source("nuaa", label, 0.5) for label in ("live", "attack")],
        "dev": ["nuaa"],
        "fields": 160,
        "views": 0.25,
    },
    "simulated": {
        "sources": _simulated("print", "replay"),
        "dev": ["celeba-spoof", "nuaa"],
        "fields": 240,
        "views": 0.15,
    },
    # Nothing is chosen for these two: the last step of both stages is kept.
    "print": {
        "sources": _simulated("print"),
        "dev": ["nuaa"],
        "fields": 160,
        "views": 0.15,
        "choose": False,
    },
    "replay": {
        "sources": _simulated("replay"),
        "dev": ["nuaa"],
        "fields": 160,
        "views": 0.15,
        "choose": False,
    },
}
# Of the protocol "celeba"; noise alone is what a variant of the fields changes.
VARIANTS: dict[str, dict[str, Any]] = {
    "share-10": {"recipe.fields": {"live_share": 0.1}},
    "share-90": {"recipe.fields": {"live_share": 0.9}},
    "scratch": {"recipe.fields": {"begin": None}, "fields": 160},
    "independent": {
        "model.fields": {"domains": "separate"},
        "recipe.fields": {"start": "independent", "begin": None},
        "fields": 160,
    },
    "signed": {"model.detector": {"noise_form": "signed"}, "of": "celeba"},
    # Detectors that learn from another way across the same fields, and from as few views of ours.
    "few-views": {"of": "celeba", "views": 0.06},
    "dpm-8": {"model.bridge": {"solver": "dpm-solver"}, "of": "celeba", "views": 0.06},
    "ddim-50": {
        "model.bridge": {"solver": "ddim", "grid": "uniform", "steps": 50, "t_max": None},
        "of": "celeba",
        "views": 0.06,
    },
}


def _smaller(path: Path) -> dict[str, Any]:
    """Return an experiment's values, with networks and batches of this evidence's size."""
    values = read_yaml(path)
    values["model"]["fields"]["widths"] = WIDTHS
    values["data"] |= {"batch_size": BATCH, "dev_limit": DEV_FACES}
    return values


def start() -> Experiment:
    """Return the run whose field of live faces the others learn on from."""
    values = _smaller(BEGIN)
    few = {"steps": START_STEPS, "warmup_steps": 50, "ema_decay": 0.99}
    values["train"] |= few | {"validate_every": START_STEPS}
    values["output"] = str(START)
    return Experiment.parse(values, str(BEGIN))


def experiment(protocol: str, inputs: str, variant: str = "") -> Experiment:
    """Return one run; the detectors of a protocol take the fields that its first run trains."""
    values = _smaller(BASE)
    chosen = PROTOCOLS[protocol] | VARIANTS.get(variant, {})
    values["data"] |= {"sources": chosen["sources"], "dev": chosen["dev"]}
    values["model"]["bridge"] |= {"solver": "o-belm", "steps": 8, "t_max": TURN}
    values["recipe"]["fields"]["begin"] = str(START / "fields")
    values["stage_train"]["fields"] |= {"steps": chosen["fields"]}
    values["stage_train"]["fields"]["validate_every"] = chosen["fields"] // 2
    values["recipe"]["views"] = chosen.get("views", values["recipe"]["views"])
    if not chosen.get("choose", True):
        values["stage_train"]["fields"]["validate_every"] = chosen["fields"]
        values["train"]["validate_every"] = values["train"]["steps"]
    for place, changes in chosen.items():
        if "." in place:
            room, part = place.split(".")
            values[room][part] |= changes
    values["model"]["detector"]["inputs"] = inputs
    values["output"] = str(folder(protocol, inputs, variant))
    first = fields_folder(protocol, variant)
    if first != folder(protocol, inputs, variant) / "fields":
        values["recipe"]["fields"] = {
            **values["recipe"]["fields"],
            "trained": str(first),
            "begin": None,
        }
    return Experiment.parse(values, str(BASE))


def folder(protocol: str, inputs: str, variant: str = "") -> Path:
    """Return where a run lies."""
    return RUNS / "-".join(part for part in (protocol, variant, inputs.replace("+", "_")) if part)


def fields_folder(protocol: str, variant: str = "") -> Path:
    """Return where the fields of a run lie: in that of the same fields' noise detector."""
    own = "" if "of" in VARIANTS.get(variant, {}) else variant
    return folder(protocol, "noise", own) / "fields"


def plan() -> list[tuple[str, str, str]]:
    """Return (protocol, inputs, variant) of every run, fields before those that take them."""
    order = ("noise", "rgb+noise", "rgb", "rgb+rgb")
    runs = [(protocol, inputs, "") for protocol in PROTOCOLS for inputs in order]
    runs = [run for run in runs if run[0] in ("celeba", "nuaa", "simulated") or run[1] in FEW]
    return runs + [("celeba", "noise", variant) for variant in VARIANTS]


def main() -> None:
    """Train what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="beginnings of run folders; default: all")
    names = tuple(parser.parse_args().names)
    train_experiment(start(), progress=False, until="fields")
    for protocol, inputs, variant in plan():
        place = folder(protocol, inputs, variant)
        if names and not place.name.startswith(names):
            continue
        results = train_experiment(experiment(protocol, inputs, variant), progress=False)
        best = {result.folder.name: result.best_metrics for result in results}
        print(place.name, json.dumps(best), flush=True)


if __name__ == "__main__":
    main()
