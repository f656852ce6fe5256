"""Every solver × grid × steps on the analytic bridge: cost beside error. Plain figures out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from despoof.core.errors import ConfigError
from despoof.diffusion.bridge import PAPER, BridgeConfig, bridge
from despoof.diffusion.grids import GridName
from despoof.diffusion.schedule import Float64s
from despoof.diffusion.score_difference import score_difference
from despoof.diffusion.solver_toy import ToyBridge
from despoof.diffusion.solvers.registry import SolverName

SOLVERS: tuple[SolverName, ...] = ("ddim", "heun", "dpm-solver", "inverse-ddim", "o-belm")
GRIDS: tuple[GridName, ...] = ("uniform", "quadratic", "edm", "karras", "log-snr")
STEPS = (5, 8, 10, 15, 20, 50, 100)
PAPER_STEPS = (25, 50, 100, 250, 1000)
LEVELS = (3, 4, 8)


@dataclass(frozen=True)
class SolverRow:
    """One way of bridging, judged by the exact bridge."""

    method: str
    """A solver, with "(cancelled)" where its noise is against the round trip, or
    "score-difference"."""
    grid: str
    """Of the times; "uniform from 0" starts at the clean picture itself, where only the analytic
    field can be asked."""
    steps: int
    """Each way; noise levels of score-difference."""
    nfe: int
    error: float
    """‖noise − exact noise‖ / ‖exact noise‖, over all frequencies as a recapture has them."""
    correlation: float
    """Of noise and exact noise; 0 where a method gave no finite noise."""
    latent_error: float | None
    """‖latent − exact latent‖ / ‖exact latent‖: how far a network would be from what it was
    trained on; None where there is no latent."""


def judge(toy: ToyBridge, config: BridgeConfig) -> SolverRow:
    """Run one bridge in the toy world and compare."""
    made = bridge(toy.picture, toy.source, toy.target, toy.schedule, config)
    method = config.solver + (" (cancelled)" if config.against == "round-trip" else "")
    grid = config.grid + (" from 0" if config.t_min == 0 else "")
    error, correlation = _compare(made.noise, toy.noise())
    # A karras grid ends before T: its latent belongs to another time.
    latent = None if config.grid == "karras" else _compare(made.latent[0], toy.latent())[0]
    return SolverRow(method, grid, config.steps, made.nfe, error, correlation, latent)


def planned(
    solvers: Sequence[str] | None = None,
    grids: Sequence[str] | None = None,
    steps: Sequence[int] | None = None,
) -> list[BridgeConfig]:
    """List the bridges of the table, the paper's own kind first.

    Args:
        solvers: only these; None or empty is all.
        grids: only these.
        steps: these instead of the table's own.

    Raises:
        ConfigError: a solver or a grid is unknown, or nothing is left.
    """
    _known("solver", solvers or (), SOLVERS)
    _known("grid", grids or (), GRIDS)
    paper = [
        PAPER.model_copy(update={"steps": n, "t_min": t})
        for t in (0.0, 1.0)
        for n in steps or PAPER_STEPS
    ]
    others = [
        BridgeConfig(solver=solver, grid=grid, steps=n)
        for solver in SOLVERS
        for grid in GRIDS
        for n in steps or STEPS
        if (solver, grid) != (PAPER.solver, PAPER.grid) and (solver != "o-belm" or n > 1)
    ]
    cancelled = [
        BridgeConfig(solver="ddim", grid="log-snr", steps=n, against="round-trip")
        for n in steps or STEPS
    ]
    chosen = [
        config
        for config in (*paper, *others, *cancelled)
        if config.solver in (solvers or SOLVERS) and config.grid in (grids or GRIDS)
    ]
    if not chosen:
        raise ConfigError("Nothing is left to judge: o-belm takes at least 2 steps. Ask for more.")
    return chosen


def solver_rows(toy: ToyBridge, configs: list[BridgeConfig]) -> Iterator[SolverRow]:
    """Judge one after the other."""
    yield from (judge(toy, config) for config in configs)


def level_rows(toy: ToyBridge) -> Iterator[SolverRow]:
    """Judge score differences of a few noise levels."""
    for count in LEVELS:
        made = score_difference(toy.picture, toy.source, toy.target, toy.schedule, count=count)
        error, correlation = _compare(made.noise, toy.noise())
        yield SolverRow("score-difference", "log-sigma", count, made.nfe, error, correlation, None)


def paper_sentence(rows: Sequence[SolverRow]) -> str | None:
    """Say what the paper's 50 + 50 is worth, from the rows alone; None where rows are missing."""
    found = {(row.method, row.grid, row.steps): row for row in rows}
    zero, one = (found.get(("ddim", grid, 50)) for grid in ("uniform from 0", "uniform"))
    if zero is None or one is None:
        return None
    text = (
        f"In the analytic world the paper's 50 + 50 DDIM steps (evenly spaced in time, {zero.nfe} "
        f"evaluations) give a noise that is {zero.error:.0%} away from the exact one, correlation "
        f"{zero.correlation:.2f} ({one.error:.0%} and {one.correlation:.2f} where the grid starts "
        "at the first time that a network knows): most of it is the solver's."
    )
    close = [row for row in rows if row.error <= zero.error / 10]
    if not close:
        return text
    best = min(close, key=lambda row: (row.nfe, row.error))
    return (
        f"{text} The cheapest that is ten times closer: {best.method} on a {best.grid} grid, "
        f"{best.steps} + {best.steps} steps ({best.nfe} evaluations), {best.error:.1%} away, "
        f"correlation {best.correlation:.4f}."
    )


def _known(name: str, asked: Sequence[str], known: Sequence[str]) -> None:
    for one in asked:
        if one not in known:
            raise ConfigError(f"No {name} is called {one!r}. There are: {', '.join(known)}.")


def _compare(found: Tensor, exact: Float64s) -> tuple[float, float]:
    noise = found.double().numpy()
    norm = float(np.linalg.norm(noise))
    error = float(np.linalg.norm(noise - exact) / np.linalg.norm(exact))
    if not np.isfinite(norm) or norm == 0:
        return error, 0.0
    return error, float((noise * exact).sum() / (norm * np.linalg.norm(exact)))
