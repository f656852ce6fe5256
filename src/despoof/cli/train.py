"""`despoof train`: an experiment file in, a run folder with weights out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from despoof.cli.options import DebugOption, JsonOption, VersionOption
from despoof.cli.output import complain, console, print_json

if TYPE_CHECKING:
    from despoof.evaluation.development import DevelopmentThreshold
    from despoof.systems.experiment import Experiment

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

    Ctrl-C leaves an exact checkpoint (exit code 130); the same command goes on from it. At the end
    the threshold of the EER on development faces is shown; `despoof calibrate` writes one.
    """
    from despoof.systems.experiment import read_experiment, train_experiment

    plan = read_experiment(experiment, settings or [])
    results = train_experiment(plan, resume=resume, progress=not json, until=until)
    weights = Path(plan.output) / "weights"
    found = _threshold(plan, weights) if until is None else None
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
                    "development_threshold": found.value if found else None,
                }
            )
        return
    out = console()
    for result in results:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in result.best_metrics.items())
        out.print(f"{result.folder}: best at step {result.best_step}: {figures}", markup=False)
    if until is None:
        out.print("\n".join(_advice(weights, found)), markup=False)


def _threshold(plan: "Experiment", weights: Path) -> "DevelopmentThreshold | None":
    """Return the development threshold, None where it cannot be had, which is then said."""
    from despoof.core.errors import DespoofError
    from despoof.detector import load
    from despoof.evaluation.development import development_threshold

    try:
        return development_threshold(load(weights), plan.data)
    except DespoofError as error:
        complain(f"No development threshold: {error}")
        return None


def _advice(weights: Path, found: "DevelopmentThreshold | None") -> list[str]:
    """Say what comes next: a threshold of the user's own scores, for without one nothing is live.

    No number is put into a command to be copied: a threshold that is too low calls attacks live.
    """
    lines: list[str] = []
    if found is not None:
        lines.append(
            f"Development threshold {found.value:.6g}: the EER's ({100 * found.rate:.2f} %) on "
            f"{found.n_live} live and {found.n_attack} attack faces of {', '.join(found.sets)}. "
            "It is not saved."
        )
    return [
        *lines,
        "The weights have no threshold and decide nothing yet. Choose one on scores of your own:",
        f"  despoof score MANIFEST --split dev --weights {weights} -o dev.csv",
        f"  despoof calibrate dev.csv --criterion apcer=0.05 --save {weights}",
    ]
