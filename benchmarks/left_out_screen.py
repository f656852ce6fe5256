"""Recipes of the wide expert side by side: few steps, none of the four judged sources in training.

    python benchmarks/left_out_screen.py run control …   # rows of ROWS; all of them without names
    python benchmarks/left_out_screen.py table           # what stands so far

Each row is experiments/small/two_views_base.yaml with some settings changed, at the same number of
steps. It learns from LFW, simulated attacks on LFW and Axon's films alone, so all four sources are
left out: development parts of CelebA-Spoof, NUAA, CASIA-MFSD and Replay-Attack, plain and through
one random camera each. One seed unless another is asked for; a few hundredths are noise.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recording import OUT, write
from torch import nn

from despoof.core.config import override, read_yaml
from despoof.data.scene_mix import scene_dev
from despoof.data.views import DataConfig
from despoof.systems.experiment import read_experiment, train_experiment
from despoof.systems.saving import load_system
from despoof.systems.two_views.system import TwoViews
from despoof.systems.validation import development_auc
from despoof.training.config import TrainConfig

BASE = Path("experiments/small/two_views_base.yaml")
ROWS: dict[str, tuple[str, list[str]]] = {
    "control": ("the recipe", []),
    "answers": ("probabilities alone, no log-odds", ["recipe.odds=0"]),
    "average": ("views are averaged, not sampled", ["model.wide.antialias=true"]),
    "same-pixels": ("the teacher always sees the very same pixels", ["recipe.steady=0"]),
    "clean-teacher": ("the teacher always sees them before the camera", ["recipe.steady=1"]),
    "no-mixtures": ("no mixtures of two pictures", ["recipe.mixtures=0"]),
    "labels": ("labels alone", ["recipe.teacher=null", "recipe.mixtures=0"]),
    "teacher": ("the teacher alone", ["recipe.taught=1"]),
    "loose": ("no view is cut tighter first", ["recipe.window.tight=0"]),
    "calm": ("weak cameras", ["data.augment.together=0", "data.augment.probability=0.3"]),
    "free-norm": ("batch norms learn", ["recipe.freeze_norm=false"]),
    "lite2": (
        "EfficientNet-Lite2",
        [
            "model.wide.backbone.width=1.1",
            "model.wide.backbone.depth=1.2",
            "recipe.pretrained=cache/pretrained/efficientnet_lite2.safetensors",
        ],
    ),
    "random": ("from nothing instead of ImageNet", ["recipe.pretrained=null"]),
}
SOURCES: dict[str, tuple[str, tuple[int, ...]]] = {
    "no-simulation": ("no simulated attacks", (2,)),
    "no-axon": ("no real attacks (Axon)", (3,)),
    "no-camera": ("no simulated photographs of live faces", (1,)),
}
"""Rows that leave sources out: their places in the experiment's list."""


class Answer(nn.Module):
    """One mixture of the wide expert's two answers, as `validation` measures it."""

    def __init__(self, network: nn.Module, taught: float, labelled: float) -> None:
        super().__init__()
        self.network, self.taught, self.labelled = network, taught, labelled

    def score(self, views: torch.Tensor) -> torch.Tensor:
        """(B, 3, S, S) in [-1, 1] to (B,)."""
        answers = self.network(views)
        return self.taught * answers.taught.float() + self.labelled * answers.labelled.float()


def run(name: str, steps: int, seed: int) -> dict[str, Any]:
    """Train a row and judge it on the four sources."""
    values = read_yaml(BASE)
    settings: list[str] = []
    if name in SOURCES:
        drop = SOURCES[name][1]
        values["data"]["sources"] = [
            source for at, source in enumerate(values["data"]["sources"]) if at not in drop
        ]
    else:
        settings = ROWS[name][1]
    values["seed"] = seed
    values["output"] = f"runs/screen_{name}_{seed}"
    values["train"] |= {"steps": steps, "validate_every": steps, "checkpoint_every": steps}
    folder = Path(values["output"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "screen.yaml"
    path.write_text(json.dumps(override(values, settings)), encoding="utf-8")
    experiment, begun = read_experiment(path), time.perf_counter()
    assert isinstance(experiment.train, TrainConfig)
    train_experiment(experiment)
    seconds = time.perf_counter() - begun
    _, system = load_system(folder / "weights")
    assert isinstance(system, TwoViews)
    wide = system.config.wide
    data = DataConfig.parse(values["data"])
    sets = scene_dev(data, system.config.crop.scale, wide.side, antialias=wide.antialias)
    found: dict[str, Any] = {"row": name, "seed": seed, "steps": steps, "seconds": seconds}
    for answer, weights in {"taught": (1, 0), "labelled": (0, 1), "both": (1, 1)}.items():
        auc = development_auc(Answer(system.wide.eval(), *weights), sets)
        found[answer] = {key.removeprefix("auc/"): value for key, value in auc.items()}
    return found


def means(found: dict[str, float]) -> tuple[float, float, float]:
    """Mean AUC plain, worst, mean stressed."""
    plain = [v for k, v in found.items() if k != "auc" and not k.endswith("-stressed")]
    stressed = [v for k, v in found.items() if k.endswith("-stressed")]
    return float(np.mean(plain)), min(plain), float(np.mean(stressed))


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: plain / worst / stressed, by answer."""
    said = {name: text for name, (text, _) in (ROWS | SOURCES).items()}
    lines = ["| row | what differs | both | taught | labels |", "|---|---|---:|---:|---:|"]
    for row in rows:
        cells = [
            " / ".join(f"{v:.3f}" for v in means(row[a])) for a in ("both", "taught", "labelled")
        ]
        seed = "" if row["seed"] == 1 else f" (seed {row['seed']})"
        lines.append(f"| {row['row']}{seed} | {said[row['row']]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run rows, or print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("rows", nargs="*", help="all of them if none is named")
    running.add_argument("--steps", type=int, default=300)
    running.add_argument("--seed", type=int, default=1)
    commands.add_parser("table")
    asked = parser.parse_args()
    path = OUT / "left_out_screen.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    if asked.command == "run":
        for name in asked.rows or [*ROWS, *SOURCES]:
            found = run(name, asked.steps, asked.seed)
            kept = [r for r in kept if (r["row"], r["seed"]) != (name, asked.seed)] + [found]
            write("left_out_screen", {"rows": kept})
            print(table([found]), flush=True)
    print(table(kept))


if __name__ == "__main__":
    main()
