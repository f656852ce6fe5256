"""The solvers by name, behind one signature: end states in, end states out."""

from collections.abc import Callable
from typing import Literal

from torch import Tensor

from despoof.diffusion.field import EpsFunction
from despoof.diffusion.schedule import NoiseSchedule
from despoof.diffusion.solvers.ddim import ddim
from despoof.diffusion.solvers.dpm_solver import dpm_solver
from despoof.diffusion.solvers.heun import heun
from despoof.diffusion.solvers.inverse_ddim import inverse_ddim
from despoof.diffusion.solvers.o_belm import o_belm
from despoof.diffusion.solvers.points import Times

SolverName = Literal["ddim", "heun", "dpm-solver", "inverse-ddim", "o-belm"]
States = tuple[Tensor, *tuple[Tensor, ...]]
"""State at the last time reached and, of two-step solvers, at the one before it."""
Solver = Callable[[EpsFunction, States, Times, NoiseSchedule], States]


def _one_state(solver: Callable[[EpsFunction, Tensor, Times, NoiseSchedule], Tensor]) -> Solver:
    def solve(eps: EpsFunction, states: States, times: Times, schedule: NoiseSchedule) -> States:
        return (solver(eps, states[0], times, schedule),)

    return solve


def _o_belm(eps: EpsFunction, states: States, times: Times, schedule: NoiseSchedule) -> States:
    neighbour = states[1] if len(states) > 1 else None
    return o_belm(eps, states[0], times, schedule, neighbour=neighbour)


SOLVERS: dict[SolverName, Solver] = {
    "ddim": _one_state(ddim),
    "heun": _one_state(heun),
    "dpm-solver": _one_state(dpm_solver),
    "inverse-ddim": _one_state(inverse_ddim),
    "o-belm": _o_belm,
}
INVERTIBLE: tuple[SolverName, ...] = ("inverse-ddim", "o-belm")
"""Their way down undoes their way up exactly, at any number of steps."""
