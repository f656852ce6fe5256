"""Measure trained runs on the development data and write docs/results.md's tables.

    python benchmarks/results.py row runs/face_despoofing          # score one run: its rows
    python benchmarks/results.py decoder runs/face_despoofing      # PSNR of its refined decoder
    python benchmarks/result_cues.py                               # trivial cues: their rows
    python benchmarks/results_page.py                              # all rows so far -> tables

Rows are kept as JSON in benchmarks/results/; the page is made from them alone.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cameras import live_only_threshold, through_cameras
from cut_sets import CELEBA_VIEWS, NUAA_VIEWS, faces_of, samples_of, scores_of, thinned
from recording import OUT, write

from despoof.core.config import read_yaml
from despoof.core.device import bf16_autocast
from despoof.core.types import System
from despoof.data.pairs import recapture_pairs
from despoof.data.views import DataConfig, SourceConfig
from despoof.evaluation.rows import Threshold, breakdown, eer_threshold, evaluation_row
from despoof.evaluation.scoring import TIGHT, TIGHT_STRESSED, Faces, View, labelled, score_faces
from despoof.evaluation.tables import to_plain
from despoof.systems.face_despoofing.refine import DEV_PICTURES
from despoof.systems.face_despoofing.scoring import rank_rules
from despoof.systems.face_despoofing.system import FaceDespoofing
from despoof.systems.saving import load_system, save_system

OTHER_CAMERAS = "lfw dev"


def parts_of(system: FaceDespoofing, pixels: torch.Tensor) -> dict[str, np.ndarray]:
    """The three published scores of (N, 3, S, S) faces in [-1, 1]."""
    parts: dict[str, list[np.ndarray]] = {}
    for chunk in pixels.split(16):
        with bf16_autocast("cpu"):
            found = system.score_parts(chunk)
        for key, value in found.items():
            parts.setdefault(key, []).append(value.double().numpy())
    return {key: np.concatenate(values) for key, values in parts.items()}


def choose_rule(
    folder: Path, system: FaceDespoofing, dev_sets: list[str], data: DataConfig
) -> list[dict[str, Any]]:
    """System 3 only: choose the score rule on dev, save it with the weights, return the ranking.

    Real development faces plain and stressed, and simulated recaptures of development people: the
    real sets have hardly a screen.
    """
    size = system.config.crop.size
    sets = []
    for name in dev_sets:
        for view in CELEBA_VIEWS:
            faces = faces_of(name, view, size)
            pixels = torch.from_numpy(faces.images).permute(0, 3, 1, 2).float() / 127.5 - 1
            live = np.array([sample.live for sample in faces.samples])
            sets.append((parts_of(system, pixels), live))
    # The same for every run, whatever it was trained on: recaptures of the dev set's own people.
    source = SourceConfig(dataset=data.dev[0], label="live", weight=1, simulate="attack")
    simulated = recapture_pairs(data.model_copy(update={"sources": (source,)}), size, "dev", 192)
    simulated = simulated.batch(384, 0.5, seed=0)
    sets.append((parts_of(system, simulated["faces"]), simulated["live"].numpy()))
    ranking = rank_rules(sets)
    config = system.config.model_copy(update={"score": ranking[0][1]})
    system.config = config
    save_system(folder, "face-despoofing", config, system)
    return [{"dev_auc": round(value, 4), **rule.plain()} for value, rule in ranking]


def live_scores(
    system: System, view: View, dev_names: list[str], every: int
) -> dict[str, np.ndarray]:
    """Score live development faces of many cameras, by set.

    The live faces of the development sets, and LFW's: as they are, from cameras that no attack was
    taken with, and each second one through a simulated camera.
    """
    size = system.config.crop.size
    sets = {n: thinned(faces_of(n, view, size), every) for n in (*dev_names, OTHER_CAMERAS)}
    some = thinned(sets[OTHER_CAMERAS], 2).samples
    taken = through_cameras(some, [view.scale], size, "live only")[view.scale]
    sets[f"{OTHER_CAMERAS} through simulated cameras"] = Faces(some, taken, ())
    found: dict[str, np.ndarray] = {}
    for name, faces in sets.items():
        live = np.array([sample.live for sample in faces.samples])
        found[name] = scores_of(system, Faces((), faces.images[live], ()))
    return found


def measure(run: Path, every: int = 1, shown: str = "all", live_only: bool = False) -> None:
    """Score one run on every set and view; write its rows.

    Args:
        run: its folder.
        every: only each n-th picture, for systems that ask a network many times a face. The rows
            say how many pictures they are of.
        shown: "all" views; "tight" ones, without the wide; or "own": the system's own crop, for
            systems that look at several parts of it.
        live_only: the threshold keeps BPCER low on many cameras (cameras.py) instead of
            standing where both errors are equal on the development sets.
    """
    experiment = read_yaml(run / "experiment.yaml")
    folder = run / "weights"
    name, system = load_system(folder)
    system.to(memory_format=torch.channels_last)
    crop = system.config.crop
    dev_names = [f"{dataset} dev" for dataset in experiment["data"]["dev"]]
    data = DataConfig.parse(experiment["data"])
    ranking = []
    if isinstance(system, FaceDespoofing):
        ranking = choose_rule(folder, system, dev_names, data)
    own = (
        View("own crop", crop.scale, align=crop.align),
        View("own crop, stressed", crop.scale, True, align=crop.align),
    )
    nuaa_views, celeba_views = {
        "all": (NUAA_VIEWS, CELEBA_VIEWS),
        "tight": (CELEBA_VIEWS, CELEBA_VIEWS),
        "own": (own, own),
    }[shown]
    dev: dict[float, Threshold] = {}
    thresholds: dict[str, dict[str, Any]] = {}
    for view in (view for view in nuaa_views if not view.stressed):
        sets = [thinned(faces_of(n, view, crop.size), every) for n in dev_names]
        joined = [sample for faces in sets for sample in faces.samples]
        scores = np.concatenate([scores_of(system, faces) for faces in sets])
        table = labelled(joined, scores)
        dev[view.scale] = eer_threshold(table, f"EER on {' + '.join(dev_names)}, {view.name}")
        counts = {"n_live": table.n_live, "n_attack": table.n_attack}
        if live_only:
            found = live_scores(system, view, dev_names, every)
            dev[view.scale] = live_only_threshold(found, view.name)
            counts = {"n_live": sum(map(len, found.values())), "n_attack": 0}
        thresholds[view.name] = {**vars(dev[view.scale]), **counts}
    rows: list[dict[str, Any]] = []
    for set_name, views in (("nuaa test", nuaa_views), ("celeba-spoof dev", celeba_views)):
        for view in views:
            faces = thinned(faces_of(set_name, view, crop.size), every)
            rows += rows_of(set_name, view, faces, scores_of(system, faces), dev[view.scale])
    trained = "+".join(sorted({source["dataset"] for source in experiment["data"]["sources"]}))
    write(
        run.name,
        {
            "system": name,
            "trained_on": trained,
            "train_steps": experiment["train"]["steps"],
            "seed": experiment["seed"],
            "every": every,
            "score_rules": ranking,
            "thresholds": thresholds,
            "rows": rows,
        },
    )


def rows_of(
    set_name: str, view: View, faces: Faces, scores: np.ndarray, threshold: Threshold
) -> list[dict[str, Any]]:
    """One row for the set, one for its new people, and the break-downs."""
    table = labelled(faces.samples, scores)
    found = [{"set": set_name, "view": view.name, **to_plain(evaluation_row("", table, threshold))}]
    if set_name == "nuaa test":
        new = {sample.name for sample in samples_of("nuaa test, new people")}
        chosen = np.array([sample.name in new for sample in faces.samples])
        part = labelled([s for s in faces.samples if s.name in new], scores[chosen])
        plain = to_plain(evaluation_row("", part, threshold))
        found.append({"set": "nuaa test, new people", "view": view.name, **plain})
        if view in (TIGHT, TIGHT_STRESSED):
            subjects = np.array([sample.subject for sample in faces.samples])
            found += [
                {"set": set_name, "view": view.name, "by": "subject", **to_plain(row)}
                for row in breakdown("", table, subjects, threshold, draws=100)
            ]
    return found


def measure_decoder(run: Path) -> None:
    """Copy the best validation of a run's decoder stage: PSNR on development people's pairs."""
    lines = (run / "decoder" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    best = max(map(json.loads, lines), key=lambda line: line["psnr_gain"])
    live = round(0.25 * DEV_PICTURES)
    write("decoder", {**best, "n_recaptured": DEV_PICTURES - live, "n_live": live, "seed": 0})


def measure_precision(run: Path) -> None:
    """Compare bf16 scores, which the tables use, with the product's fp32 on development faces."""
    _, system = load_system(run / "weights")
    found = json.loads((OUT / f"{run.name}.json").read_text(encoding="utf-8"))
    threshold = next(iter(found["thresholds"].values()))["value"]
    crop = system.config.crop
    sets = [f"{d} dev" for d in read_yaml(run / "experiment.yaml")["data"]["dev"]]
    faces = [faces_of(name, View("own crop", crop.scale), crop.size) for name in sets]
    fast = np.concatenate([scores_of(system, part) for part in faces])
    exact = np.concatenate([score_faces(system, part.images, batch=16) for part in faces])
    differ = int(((fast > threshold) != (exact > threshold)).sum())
    worst = float(np.abs(fast - exact).max())
    values = {"n": len(exact), "max_difference": worst, "verdicts_differ": differ}
    write("precision", {**values, "threshold": threshold})


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    row = commands.add_parser("row", help="score one run")
    row.add_argument("run", type=Path, nargs="+")
    row.add_argument("--every", type=int, default=1, help="only each n-th picture")
    row.add_argument("--shown", choices=["all", "tight", "own"], default="all", help="crops")
    row.add_argument("--live-only", action="store_true", help="threshold: low BPCER everywhere")
    precision = commands.add_parser("precision", help="bf16 scores against fp32")
    precision.add_argument("run", type=Path)
    decoder = commands.add_parser("decoder", help="the refined decoder of a run")
    decoder.add_argument("run", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "row":
        for run in arguments.run:
            measure(run, arguments.every, arguments.shown, arguments.live_only)
    elif arguments.command == "precision":
        measure_precision(arguments.run)
    else:
        measure_decoder(arguments.run)


if __name__ == "__main__":
    main()
