"""`despoof train`: an experiment file in, a run folder with weights out."""

from pathlib import Path
from typing import Annotated

import typer

from despoof.cli.options import DebugOption, JsonOption, VersionOption
from despoof.cli.output import console, print_json

EXAMPLE = "Example: despoof train experiments/small/face_despoofing.yaml --set train.steps=200"


def train(
    *,
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT.yaml", help="What to train.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a value, e.g. train.steps=200."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume/--fresh", help="Go on where the run stands, or start it over."),
    ] = True,
    until: Annotated[
        str | None,
        typer.Option(help="Stop after this stage, for other runs to learn on from; no weights."),
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
    version: VersionOption = False,
) -> None:
    """Train the system that an experiment file describes.

    Ctrl-C leaves an exact checkpoint (exit code 130); the same command goes on from it.
    """
    from despoof.systems.experiment import read_experiment, train_experiment

    plan = read_experiment(experiment, settings or [])
    results = train_experiment(plan, resume=resume, progress=not json, until=until)
    weights = Path(plan.output) / "weights"
    if json:
        for result in results:
            print_json(
                {
                    "stage": result.folder.name,
                    "folder": str(result.folder),
                    "last_step": result.last_step,
                    "best_step": result.best_step,
                    "best_metrics": result.best_metrics,
                    "skipped": result.skipped,
                    "weights": str(weights),
                }
            )
        return
    out = console()
    for result in results:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in result.best_metrics.items())
        out.print(f"{result.folder}: best at step {result.best_step}: {figures}", markup=False)
    if until is None:
        out.print(f"Try: despoof check selfie.jpg --weights {weights} --threshold 0", markup=False)
