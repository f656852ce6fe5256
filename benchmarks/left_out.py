"""Whole sources left out: what a recipe is worth on cameras and people that it never saw.

    python benchmarks/left_out.py train EXPERIMENT.yaml --without nuaa --set train.steps=500
    python benchmarks/left_out.py score NAME=WEIGHTS nuaa      # a fold's weights on what it lacks
    python benchmarks/left_out.py peers ../shared/peers nuaa   # MiniFASNet's on the same pictures
    python benchmarks/left_out_table.py                        # docs/left_out.md from the scores

`train` drops every source of one dataset from an experiment and trains the rest. `score` judges
weights on the left-out set's train and dev parts (official tests are not touched), plain and
through one random camera a picture ("stressed"), and cut to 1.2 × the face ("tight"); the pictures
and their faces are the same for everybody. Scores lie in runs/left_out/, one CSV a name and fold.
"""

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from recording import conditions

from despoof.core.config import override, read_yaml
from despoof.core.errors import DataError
from despoof.core.types import Face, Image
from despoof.data.samples import Sample, find_data_root, read_samples
from despoof.data.scenes import camera_of
from despoof.data.store import face_of
from despoof.evaluation.stress import apply_stress, draw_stress
from despoof.face.crop import CropConfig, crop_face
from despoof.media.images import read_image
from despoof.systems.experiment import read_experiment, train_experiment
from despoof.systems.saving import load_system

SCORES = Path("runs/left_out")
ALWAYS_IN = ("axon",)
"""Attacks without live faces: their training part is in every fold."""
WAYS = ("plain", "stressed", "tight")
CAMERA_COLUMN = {"casia-mfsd": "session"}
Judge = Callable[[Sequence[tuple[Image, Face]]], list[dict[str, float]]]
"""Pictures with their faces -> columns of scores, "score" among them."""


def train(experiment: Path, without: str, settings: list[str]) -> None:
    """Train an experiment on all its sources but one dataset's, into runs/<name>_without_<set>."""
    values = read_yaml(experiment)
    sources = values["data"]["sources"]
    kept = [source for source in sources if source["dataset"] not in (without, "visagetrack")]
    if len(kept) == len(sources):
        raise DataError(f"{experiment} has no source {without!r}; there is nothing to leave out.")
    values["data"]["sources"] = kept
    values["data"]["dev"] = [name for name in values["data"]["dev"] if name != without]
    values["output"] = f"runs/{experiment.stem}_without_{without}"
    folder = Path(values["output"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "fold.yaml"
    path.write_text(json.dumps(override(values, settings)), encoding="utf-8")
    train_experiment(read_experiment(path))


def shown(dataset: str, every: int) -> list[Sample]:
    """Each n-th picture of the train and dev parts, in the table's order; of some only of dev."""
    parts = ("dev",) if dataset in ALWAYS_IN else ("train", "dev")
    samples = [s for s in read_samples(find_data_root(), dataset) if s.split in parts]
    return samples[::every]


def pictures(samples: Sequence[Sample], way: str) -> list[tuple[Sample, Image, Face]]:
    """Read pictures that have a face, and show them in one of `WAYS`."""
    found: list[tuple[Sample, Image, Face]] = []
    for sample in samples:
        picture = read_image(sample.path)
        face = face_of(sample, picture)
        if face is None:
            continue
        if way == "stressed":
            picture = _stressed(picture, face, sample.name)
        elif way == "tight":
            picture, face = _tight(picture, face)
        found.append((sample, picture, face))
    return found


def _tight(picture: Image, face: Face) -> tuple[Image, Face]:
    """What is left of a picture that was cut to a square of 1.2 × the face."""
    x1, y1, x2, y2 = face.box
    half = 0.6 * max(x2 - x1, y2 - y1)
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    left, top = max(0, round(x - half)), max(0, round(y - half))
    part = picture[top : round(y + half), left : round(x + half)]
    shift = (left, top)
    points = None if face.landmarks is None else face.landmarks - np.array(shift, np.float32)
    box = (x1 - left, y1 - top, x2 - left, y2 - top)
    return np.ascontiguousarray(part), replace(face, box=box, landmarks=points)


def _stressed(picture: Image, face: Face, name: str) -> Image:
    """Through the stress of `evaluation.stress`, its blur sized by the face, not by the picture."""
    height, width = picture.shape[:2]
    x1, y1, x2, y2 = face.box
    side = max(height, width)
    square = np.full((side, side, 3), 127, np.uint8)
    square[:height, :width] = picture
    stress = draw_stress(0, name)
    tight = 1.25 * max(x2 - x1, y2 - y1) / side
    return apply_stress(square, replace(stress, blur=stress.blur * tight))[:height, :width]


def weights_judge(folder: Path, scale: float | None = None) -> Judge:
    """Return what scores with weights of this project; a two-view system's parts come too.

    `scale`: of a two-view system's crop instead of its own; the near view stays as it is.
    """
    _, system = load_system(folder)
    if scale is not None:
        near = system.config.near.crop
        size = 2 * round(near.size * scale / near.scale / 2)
        crop = CropConfig(size=size, scale=scale, align=False)
        system.config = type(system.config).parse({**system.config.plain(), "crop": crop.plain()})
    crop = system.config.crop
    parts = getattr(system, "experts", None)

    def judge(faces: Sequence[tuple[Image, Face]]) -> list[dict[str, float]]:
        rows: list[dict[str, float]] = []
        for at in range(0, len(faces), 16):
            cut = [crop_face(image, face, crop).image for image, face in faces[at : at + 16]]
            pixels = torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2).float() / 127.5 - 1
            columns = {"score": system.score(pixels)}
            if parts is not None:
                with torch.no_grad():
                    near, answers, reach = parts(pixels)
                columns |= {"near": near, "taught": answers.taught}
                columns |= {"labelled": answers.labelled, "reach": reach}
            rows += [
                {name: float(value[i]) for name, value in columns.items()} for i in range(len(cut))
            ]
        return rows

    return judge


def peers_judge(folder: Path) -> Judge:
    """Return MiniFASNet's answers as log-odds, and whether its own rule says live."""
    from peers.minifasnet import open_score

    score = open_score(folder, threads=1)

    def judge(faces: Sequence[tuple[Image, Face]]) -> list[dict[str, float]]:
        rows: list[dict[str, float]] = []
        for image, face in faces:
            said = score(image, face.box)
            live = min(max(said.score, 1e-6), 1 - 1e-6)
            rows.append({"score": float(np.log(live / (1 - live))), "rule": float(said.live)})
        return rows

    return judge


def score(name: str, judge: Judge, dataset: str, every: int) -> Path:
    """Score a left-out set in each of `WAYS`; return the CSV that was written."""
    samples = shown(dataset, every)
    column = CAMERA_COLUMN.get(dataset, "")
    rows: list[dict[str, str | float]] = []
    for way in WAYS:
        seen = pictures(samples, way)
        found = judge([(image, face) for _, image, face in seen])
        for (sample, _, _), values in zip(seen, found, strict=True):
            fixed = {"path": sample.name, "subject": sample.subject, "label": sample.label}
            fixed |= {"species": sample.species, "camera": camera_of(sample, column)}
            rows.append({**fixed, "shown": way, **values})
    SCORES.mkdir(parents=True, exist_ok=True)
    path = SCORES / f"{name}--{dataset}.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    path.with_suffix(".json").write_text(json.dumps({**conditions(), "every": every}))
    print(f"wrote {path}: {len(rows)} rows")
    return path


def main() -> None:
    """Train a fold or score it."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("experiment", type=Path)
    training.add_argument("--without", required=True)
    training.add_argument("--set", action="append", default=[], dest="settings")
    for command in ("score", "peers"):
        scoring = commands.add_parser(command)
        scoring.add_argument("weights", help="NAME=FOLDER, or the folder of the peers")
        scoring.add_argument("datasets", nargs="+")
        scoring.add_argument("--scale", type=float, help="of a two-view system's crop")
        scoring.add_argument("--every", type=int, default=1, help="only each n-th picture")
    asked = parser.parse_args()
    torch.set_grad_enabled(asked.command == "train")
    if asked.command == "train":
        train(asked.experiment, asked.without, asked.settings)
    else:
        name, _, folder = asked.weights.rpartition("=")
        ours = asked.command == "score"
        judge = weights_judge(Path(folder), asked.scale) if ours else peers_judge(Path(folder))
        for dataset in asked.datasets:
            score(name or ("" if ours else "minifasnet"), judge, dataset, asked.every)


if __name__ == "__main__":
    main()
