"""The bridge: up to the noise with the field of all faces, down with the field of live ones.

Both fields share the latent. What changes on the way is the noise that de-spoofing removes (Dual
Diffusion Implicit Bridges, 2203.08382; SPEC §1.3 and §8).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from despoof.core.config import StrictConfig
from despoof.core.errors import InputError
from despoof.diffusion.field import CountedEps, EpsFunction
from despoof.diffusion.grids import GridName, time_grid
from despoof.diffusion.schedule import Float64s, NoiseSchedule
from despoof.diffusion.solvers.registry import SOLVERS, SolverName, States

Progress = Callable[[int, int], None]
"""(steps done, steps of all ways together) -> nothing; from (0, n) upwards to (n, n)."""


class BridgeConfig(StrictConfig):
    """How a bridge is integrated; the defaults are the recommended 10 + 10 (SPEC §8.4, level 1)."""

    solver: SolverName = "o-belm"
    grid: GridName = "log-snr"
    steps: int = Field(default=10, ge=1, description="each way")
    t_min: float = Field(default=1.0, ge=0, description="the time that pictures are taken to be at")
    t_max: float | None = Field(
        default=None, gt=0, description="turn round here (truncated bridge); none: the schedule's T"
    )
    against: Literal["input", "round-trip"] = Field(
        default="input",
        description="the noise is the input minus the genuine state, or the source field's own "
        "decoding minus it (SPEC §8.2 item 4: cancels solver errors for one more decoding)",
    )
    precision: Literal["fp32", "fp64"] = Field(default="fp32", description="of the state")

    @model_validator(mode="after")
    def _fits(self) -> "BridgeConfig":
        if self.solver == "o-belm" and self.steps < 2:
            raise ValueError(f"o-belm steps over two intervals, steps is {self.steps}; take 2 up")
        return self

    def times(self, schedule: NoiseSchedule) -> Float64s:
        """Return the ascending grid on a schedule."""
        return time_grid(schedule, self.grid, self.steps, t_min=self.t_min, t_max=self.t_max)


PAPER = BridgeConfig(solver="ddim", grid="uniform", steps=50)
"""DDIM, 50 + 50, evenly spaced in time: De-spoofing Diffusion's own setting (2401.08275)."""
REFERENCE = BridgeConfig(solver="dpm-solver", steps=100)
"""What other settings are measured against on a trained network (SPEC §8.4, level 0)."""


def reference_of(config: BridgeConfig, steps: int = REFERENCE.steps) -> BridgeConfig:
    """Return the reference that turns round where a bridge does.

    A bridge that turns round early is another map from face to face, not a bad approximation of
    the whole way up and down; what it is true to is its own way, integrated finely.

    >>> reference_of(BridgeConfig(steps=8, t_max=400.0)).t_max
    400.0
    """
    return REFERENCE.model_copy(update={"steps": steps, "t_max": config.t_max})


@dataclass(frozen=True)
class Bridged:
    """What a bridge gives; all tensors like the input, fp32 unless the state is fp64."""

    genuine: Tensor
    """[B, …]; not clipped, so that genuine + noise is the input."""
    noise: Tensor
    """Signed: input − genuine."""
    latent: tuple[Tensor, ...]
    """The state at `t_max` and, of two-step solvers, at the time before it; empty where a method
    has none."""
    nfe: int
    """Evaluations of both fields together, a batch counting once."""


def bridge(
    x: Tensor,
    eps_source: EpsFunction,
    eps_target: EpsFunction,
    schedule: NoiseSchedule,
    config: BridgeConfig | None = None,
    *,
    progress: Progress | None = None,
) -> Bridged:
    """Carry pictures from the source's domain to the target's; deterministic.

    Args:
        x: [B, C, H, W] in [-1, 1].
        eps_source: field of all faces.
        eps_target: field of live faces.
        schedule: of both.
        config: solver, grid and steps; the default is `BridgeConfig()`.
        progress: told how far it is, each step once at most. What it raises ends the bridge.

    Raises:
        InputError: x is empty or not floating, or the grid does not fit the schedule.
    """
    config = config or BridgeConfig()
    if not x.is_floating_point() or x.ndim < 2 or not x.numel():
        raise InputError(
            f"A bridge got {x.dtype} of shape {tuple(x.shape)}, expected a batch of floating "
            "pictures [B, C, H, W] in [-1, 1]."
        )
    times = config.times(schedule)
    source, target, solve = CountedEps(eps_source), CountedEps(eps_target), SOLVERS[config.solver]
    state = x.to(torch.float64 if config.precision == "fp64" else torch.float32)
    ways = 3 if config.against == "round-trip" else 2
    tell = progress or _silent
    tell(0, ways * config.steps)

    def walk(way: int, eps: EpsFunction, start: States, grid: Float64s) -> States:
        end = solve(_watched(eps, grid, way, ways, tell), start, grid, schedule)
        tell((way + 1) * config.steps, ways * config.steps)
        return end

    latent = walk(0, source, (state,), times)
    found = walk(1, target, latent, times[::-1])[0]
    if config.against == "round-trip":
        noise = walk(2, source, latent, times[::-1])[0] - found
    else:
        noise = state - found
    return Bridged(state - noise, noise, latent, source.nfe + target.nfe)


def _silent(done: int, total: int) -> None:
    """Tell nobody."""


def _watched(eps: EpsFunction, grid: Float64s, way: int, ways: int, tell: Progress) -> EpsFunction:
    """Return the field, telling which point of the grid a solver has reached.

    Every solver asks at times of its grid, some of them more than once: so none has to be told of
    progress. The last point is left to the end of the way.
    """
    steps = len(grid) - 1
    place = {float(t): number for number, t in enumerate(grid[:-1])}
    reached = 0

    def asked(x: Tensor, t: Tensor) -> Tensor:
        nonlocal reached
        noise = eps(x, t)
        here = place.get(float(t), 0)
        if here > reached:
            reached = here
            tell(way * steps + here, ways * steps)
        return noise

    return asked
