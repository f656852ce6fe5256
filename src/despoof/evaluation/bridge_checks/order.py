"""Check 2: half the step, and a solver of order p must err 2^p times less.

The order of a solver is a statement about steps that resolve the field. A network's field wavers
with t: its time embedding has sinusoids of all periods from 6.3 units of t upwards, and steps in
use are longer. Over the whole way the error therefore falls unevenly, in fp64 as in fp32, which
says nothing about the solver (docs/bridge.md).
So the order is asked where steps resolve everything: within single units of t, with an fp64 state
and an fp32 network. Within one unit the schedule has no kink either. Errors there are small, but so
is the rounding, which is measured beside them.
"""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from despoof.core.errors import InputError
from despoof.diffusion.field import EpsFunction
from despoof.diffusion.grids import time_grid
from despoof.diffusion.network import Domain, eps_function
from despoof.diffusion.solver_orders import ORDERS
from despoof.diffusion.solvers.registry import SOLVERS
from despoof.evaluation.bridge_checks.check import Check, rms
from despoof.evaluation.bridge_checks.subject import Subject

FACES = 2
STEPS = (4, 8, 16)
PLACES = (0.25, 0.5, 0.75)
"""Where between the grid's ends a unit of t is looked at, as shares of the log-SNR."""
ABOVE_FLOOR = 10.0
"""The finer error must be so many times what rounding of the network makes of it."""


@dataclass(frozen=True)
class _Unit:
    """One unit of t, one way: what twice the steps divide the error by; error over rounding."""

    ratio: float
    above_floor: float


def order_check(subject: Subject) -> Check:
    """Halve the step within units of t, up with the field of all faces, down with that of live."""
    config = subject.system.config.bridge
    order = ORDERS[config.solver]
    wanted = 0.75 * 2**order
    target = f"half the step: {config.solver}'s error / {2**order}, at least / {wanted:g}"
    found = list(_units(subject))
    whole = _whole_way(subject)
    seen = [unit.ratio for unit in found if unit.above_floor >= ABOVE_FLOOR]
    figures = {
        "units": float(len(seen)),
        "above_rounding": min((unit.above_floor for unit in found), default=0.0),
        "ratio_whole_way": whole,
    }
    if not seen:
        words = "Not measured: the error is at the rounding of the network everywhere."
        return Check("order", None, target, figures, words)
    figures |= {"ratio_median": statistics.median(seen), "ratio_lowest": min(seen)}
    words = (
        f"Within {len(seen)} single units of t, {STEPS[0]}, {STEPS[1]} and {STEPS[2]} steps, fp64 "
        f"state. Whole way at {config.steps}, {2 * config.steps} and {4 * config.steps} steps: "
        "only for comparison, such steps do not resolve the field."
    )
    return Check("order", min(seen) >= wanted, target, figures, words)


def _units(subject: Subject) -> Iterator[_Unit]:
    own = subject.system.config
    schedule = own.schedule
    times = own.bridge.times(schedule)
    first, last = (float(schedule.log_snr(max(t, 1.0))) for t in (times[0], times[-1]))
    starts = {int(schedule.t_of_log_snr(first + place * (last - first))) for place in PLACES}
    clean = subject.pixels[subject.spread(FACES)].double()
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0)).double()
    ways: tuple[tuple[Domain, bool], ...] = (("all", True), ("live", False))
    for domain, up in ways:
        eps = eps_function(subject.system.fields, domain, schedule, bf16=False)
        for start in sorted(starts):
            here = float(start if up else start + 1)
            alpha, sigma = float(schedule.alpha(here)), float(schedule.sigma(here))
            state = (alpha * clean + sigma * noise).to(subject.device)
            yield _unit(subject, eps, state, start, up=up)


def _unit(subject: Subject, eps: EpsFunction, x: Tensor, start: int, *, up: bool) -> _Unit:
    own = subject.system.config
    ends: list[Tensor] = []
    for steps in STEPS:
        times = time_grid(own.schedule, own.bridge.grid, steps, t_min=start, t_max=start + 1)
        grid = times if up else times[::-1]
        ends.append(SOLVERS[own.bridge.solver](eps, (x,), grid, own.schedule)[0])
    coarse, fine = rms(ends[0] - ends[1]), rms(ends[1] - ends[2])
    # What one rounding of the input does to an answer is as good a guess as any of its rounding;
    # the answer itself is rounded, too.
    t = torch.tensor(float(start if up else start + 1), dtype=torch.float64)
    answer = eps(x, t)
    rounding = max(rms(eps(x * (1 + 2.0**-24), t) - answer), 2.0**-25 * rms(answer))
    low, high = (float(own.schedule.noise_ratio(end)) for end in (start, start + 1))
    floor = rounding * (high - low) * float(own.schedule.alpha(start + 1))
    return _Unit(coarse / max(fine, 1e-300), fine / max(floor, 1e-300))


def _whole_way(subject: Subject) -> float:
    own = subject.system.config
    eps = eps_function(subject.system.fields, "all", own.schedule, bf16=False)
    x = subject.pixels[subject.spread(FACES)].double().to(subject.device)
    ends: list[Tensor] = []
    for times in (1, 2, 4):
        config = own.bridge.model_copy(update={"steps": times * own.bridge.steps})
        try:
            grid = config.times(own.schedule)
        except InputError:  # so many steps that two of them coincide
            return float("nan")
        ends.append(SOLVERS[own.bridge.solver](eps, (x,), grid, own.schedule)[0])
    return rms(ends[0] - ends[1]) / max(rms(ends[1] - ends[2]), 1e-300)
