"""Weights of this project as candidates: a folder with config.json and model.safetensors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from despoof.core.config import read_yaml
from despoof.core.types import Face, Image
from despoof.face.crop import crop_face
from despoof.systems.saving import MODEL, load_system
from despoof.weights.record import read_record
from peers.contract import Candidate, Judge, Judged

DATASETS = ("celeba-spoof", "nuaa", "lfw")


def open_judge(folder: Path) -> Callable[[int], Judge]:
    """Return threads -> judge; fp32, one face a call. Torch's threads are the process's, not ours.

    Raises:
        WeightsError: the folder does not hold a readable system.
    """

    def opened(threads: int) -> Judge:
        torch.set_num_threads(threads)
        _, system = load_system(folder)

        def judge(image: Image, face: Face) -> Judged:
            crop = torch.from_numpy(crop_face(image, face, system.config.crop).image)
            return Judged(float(system.score(crop.permute(2, 0, 1)[None].float() / 127.5 - 1)))

        return judge

    return opened


def candidate(name: str, folder: Path) -> Candidate:
    """Return a folder of weights as a candidate.

    The threshold is its record's; without one it is chosen on its experiment's development sets.

    Raises:
        WeightsError: the folder does not hold a readable system, or its record is damaged.
        ConfigError: there is an experiment beside it that cannot be read.
    """
    _, system = load_system(folder)
    record = read_record(folder)
    experiment = folder.parent / "experiment.yaml"
    data: dict[str, Any] = read_yaml(experiment)["data"] if experiment.is_file() else {}
    said = record.trained_on if record else _sources(data)
    limit = record.threshold if record else None
    dev = tuple(f"{name} dev" for name in data.get("dev", ("nuaa", "celeba-spoof")))
    return Candidate(
        name=name,
        kind="ours",
        trained_on=said or "not known",
        datasets=frozenset(d for d in DATASETS if d in said) if said else None,
        rule=f"record: {limit.chosen_on}" if limit else f"EER on {' + '.join(dev)}",
        open=open_judge(folder),
        threshold=limit.value if limit else None,
        dev=dev,
        files=(folder / MODEL,),
        parameters=sum(p.numel() for p in cast("nn.Module", system).parameters()),
    )


def _sources(data: dict[str, Any]) -> str:
    words = {"no": "", "attack": " recaptured by simulation", "camera": " in simulated photographs"}
    return ", ".join(
        f"{source['dataset']} {source['label']}{words[str(source['simulate'])]}"
        for source in data.get("sources", ())
    )
