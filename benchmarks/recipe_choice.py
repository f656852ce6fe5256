"""Which recipe carries over to a camera that it never saw? NUAA held out, development people alone.

    python benchmarks/recipe_choice.py RUN …      # texture runs that saw no picture of NUAA
    python benchmarks/recipe_choice.py RUN --side 224 --looks 1.45    # one larger look instead
    python benchmarks/recipe_choice.py --print    # the kept table

A recipe is tried without NUAA, and judged on NUAA's training sessions (never its test part) and on
CelebA-Spoof's development people: as they are, stressed, in other light, and with both classes
through the same simulated cameras, where the photographer's camera tells nothing. The recipe that
wins trains the default, with NUAA. Writes results/recipe_choice.json; a run that is judged again
replaces its row.
"""

import argparse
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from cameras import through_cameras
from cut_sets import samples_of, scores_of
from default_choice import Set, one_look, recipe_table, set_of, simulated_set
from other_light import in_other_light
from recording import OUT, conditions, write

from despoof.core.config import read_yaml
from despoof.core.errors import InputError
from despoof.data.samples import find_data_root, read_samples
from despoof.evaluation.scoring import Faces, View, cut_faces
from despoof.metrics import weighted
from despoof.metrics.curves import auc
from despoof.metrics.resample import interval, resample
from despoof.systems.experiment import Experiment
from despoof.systems.saving import load_system

LOOKS, SIDE = (1.2, 1.45), 192
PEOPLE = 24


def sets(looks: tuple[float, ...], side: int, every: int) -> Iterator[Set]:
    """Cut each set at each look; CelebA-Spoof's pictures end before the wider ones."""
    unseen = [s for s in read_samples(find_data_root(), "nuaa") if s.split in ("train", "dev")]
    known = samples_of("celeba-spoof dev")
    for (name, samples), stressed in itertools.product(
        (("nuaa sessions 1, 2", unseen), ("celeba-spoof dev", known)), (False, True)
    ):
        title = f"{name}, stressed" if stressed else name
        cut = {k: cut_faces(samples[::every], View("look", k, stressed), side) for k in looks}
        kept, images = cut[looks[0]].samples, {k: found.images for k, found in cut.items()}
        yield set_of(title, images, kept)
        if not stressed:
            yield set_of(f"{name}, in other light", in_other_light(images, kept), kept)
    images = through_cameras(known[::every], looks, side, "recipe choice")
    yield set_of("celeba-spoof dev, all through simulated cameras", images, known[::every])
    yield simulated_set(side, PEOPLE, looks)


def judge(run: Path, judged_on: list[Set], looks: tuple[float, ...], side: int) -> dict[str, Any]:
    """Return a run's AUC on each set, with a 95 % bootstrap over people.

    Raises:
        InputError: the run has seen NUAA.
    """
    experiment = Experiment.parse(read_yaml(run / "experiment.yaml"), str(run))
    if any(source.dataset == "nuaa" for source in experiment.data.sources):
        raise InputError(f"{run} learnt from NUAA; recipes are compared on NUAA unseen.")
    system = one_look(load_system(run / "weights")[1], looks[0], side)
    shown = f"{' + '.join(map(str, looks))} at {side} px"
    row: dict[str, Any] = {"run": run.name, "looks": shown, "steps": experiment.train.steps}
    row |= {**conditions(), "auc": {}}
    for s in judged_on:
        views = [scores_of(system, Faces((), s.images[k], ())) for k in looks]
        found = s.scored(np.mean(views, axis=0))
        ends = interval(resample(found, {"auc": weighted.auc}, draws=1000, seed=0)["auc"], 0.95)
        row["auc"][s.name] = {"value": auc(found), "ci95": [ends.low, ends.high]}
    row["mean"] = float(np.mean([each["value"] for each in row["auc"].values()]))
    return row


def same_choice(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two rows are of one run, seen in one way."""
    return (one["run"], one["looks"]) == (other["run"], other["looks"])


def main() -> None:
    """Judge the runs, keep their rows, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--looks", nargs="+", type=float, default=LOOKS, help="side / face")
    parser.add_argument("--side", type=int, default=SIDE, help="of each look, pixels")
    parser.add_argument("--every", type=int, default=3, help="only each n-th real picture")
    parser.add_argument("--print", action="store_true", help="the kept table alone")
    asked = parser.parse_args()
    path = OUT / "recipe_choice.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    if asked.runs and not asked.print:
        looks = tuple(asked.looks)
        judged_on = list(sets(looks, asked.side, asked.every))
        counts = {s.name: [int(s.live.sum()), int((~s.live).sum())] for s in judged_on}
        for run in asked.runs:
            row = judge(run, judged_on, looks, asked.side)
            kept = [old for old in kept if not same_choice(old, row)] + [row]
            write("recipe_choice", {"rows": kept, "n": counts, "every": asked.every, "seed": 0})
    print(recipe_table(kept))


if __name__ == "__main__":
    main()
