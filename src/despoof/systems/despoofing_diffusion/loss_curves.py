"""The losses and the development errors of a stage as one picture, from its own journal."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from despoof.core.errors import TrainingError
from despoof.core.extras import need
from despoof.core.files import atomic_path
from despoof.training.journal import LOSSES, METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EXTRA = "train"
SMOOTH = 0.9
"""Of the thick line: what an exponential mean keeps of itself from one logged step to the next."""

_COLOURS = ("#1f5fa8", "#c05a00", "#0b6e4f", "#7a3fa0", "#a3195b", "#5b6b00")
_STYLE: dict[str, Any] = {
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}

Curves = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
"""By name: steps and values, (N,) each."""


def read_curves(folder: Path) -> tuple[Curves, Curves]:
    """Return the losses and the development metrics of a stage's folder.

    Losses are named `<update>` and, for its logs, `<update>/<log>`; what a line does not have, or
    has as null, is left out.

    Raises:
        TrainingError: there is no journal, or a line of it is damaged.
    """
    losses, metrics = Curves(), Curves()
    for line in _lines(folder / LOSSES):
        update = str(line.pop("update"))
        for name, value in line.items():
            if name not in ("step", "learning_rate", "gradient_norm"):
                _add(losses, update if name == "loss" else f"{update}/{name}", line["step"], value)
    for line in _lines(folder / METRICS):
        for name, value in line.items():
            if name != "step":
                _add(metrics, name, line["step"], value)
    return losses, metrics


def draw_curves(folder: Path, path: Path) -> None:
    """Draw losses (left, logarithmic) and development metrics (right) as a PNG.

    Args:
        folder: of a stage.
        path: of the picture; whole or not there.

    Raises:
        MissingExtraError: matplotlib is not installed.
        TrainingError: as `read_curves`.
    """
    matplotlib = need("matplotlib", EXTRA)
    losses, metrics = read_curves(folder)
    errors = {name: curve for name, curve in metrics.items() if name.startswith("eps")}
    with matplotlib.rc_context(_STYLE):
        figure: Figure = need("matplotlib.figure", EXTRA).Figure(figsize=(10, 4), dpi=120)
        left, right = figure.subplots(1, 2)
        _draw(left, losses, "loss", smooth=True)
        left.set_yscale("log")
        _draw(right, errors or metrics, "on development faces", smooth=False)
        figure.tight_layout()
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png")


def smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the exponential mean, (N,), without a pull towards 0 at its start."""
    kept, weight = 0.0, 0.0
    found = np.empty_like(values)
    for i, value in enumerate(values):
        kept, weight = SMOOTH * kept + (1 - SMOOTH) * value, SMOOTH * weight + 1 - SMOOTH
        found[i] = kept / weight
    return found


def _draw(axes: "Axes", curves: Curves, label: str, *, smooth: bool) -> None:
    for number, (name, (steps, values)) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        if smooth:
            axes.plot(steps, values, color=colour, alpha=0.25, linewidth=0.8)
        shown, marker = (smoothed(values), "") if smooth else (values, "o")
        axes.plot(steps, shown, color=colour, label=name, marker=marker, markersize=3)
    axes.set_xlabel("step")
    axes.set_ylabel(label)
    if curves:
        axes.legend()


def _add(curves: Curves, name: str, step: int, value: float | None) -> None:
    if value is not None:
        steps, values = curves.get(name, (np.zeros(0), np.zeros(0)))
        curves[name] = np.append(steps, step), np.append(values, value)


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{path} is no journal of a stage: {error}. Give the folder that `despoof train` wrote."
        ) from error
