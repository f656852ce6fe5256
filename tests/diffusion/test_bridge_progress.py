"""A bridge says how far it is, and that changes nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from despoof.core.errors import ConfigError
from despoof.diffusion.bridge import BridgeConfig, bridge
from despoof.diffusion.schedule import NoiseSchedule
from despoof.diffusion.solvers.registry import SOLVERS


def shrinking(rate):
    """A field that any solver crosses at any number of steps."""
    return lambda x, t: rate * x


@settings(max_examples=40, deadline=None)
@given(
    solver=st.sampled_from(sorted(SOLVERS)),
    grid=st.sampled_from(["uniform", "quadratic", "log-snr", "edm", "karras"]),
    steps=st.integers(2, 9),
    t_max=st.sampled_from([None, 30.0, 400.0]),
    against=st.sampled_from(["input", "round-trip"]),
)
def test_every_step_is_told_once_in_order(solver, grid, steps, t_max, against):
    config = BridgeConfig(solver=solver, grid=grid, steps=steps, t_max=t_max, against=against)
    x = torch.linspace(-1, 1, 12).reshape(2, 6)
    told = []
    ask = (x, shrinking(0.3), shrinking(0.2), NoiseSchedule(), config)
    made = bridge(*ask, progress=lambda *at: told.append(at))
    total = steps * (2 if against == "input" else 3)
    assert told == [(step, total) for step in range(total + 1)]
    quiet = bridge(*ask)
    assert torch.equal(quiet.noise, made.noise) and quiet.nfe == made.nfe


def test_steps_are_told_when_they_are_done_not_at_the_end():
    """Between two reports lies about the same number of evaluations."""
    asked, told = [], []

    def counted(x, t):
        asked.append(float(t))
        return 0.1 * x

    config = BridgeConfig(solver="ddim", steps=4)
    schedule = NoiseSchedule()
    bridge(
        torch.ones(1, 3), counted, counted, schedule, config,
        progress=lambda done, total: told.append((done, len(asked))),
    )  # fmt: skip
    assert told == [(0, 0), (1, 2), (2, 3), (3, 4), (4, 4), (5, 6), (6, 7), (7, 8), (8, 8)]


def test_who_is_told_may_stop_it():
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    asked = []

    def counted(x, t):
        asked.append(t)
        return 0.1 * x

    with pytest.raises(KeyboardInterrupt):
        bridge(
            torch.ones(1, 3), counted, counted, NoiseSchedule(), BridgeConfig(steps=10),
            progress=stop,
        )  # fmt: skip
    assert len(asked) < 6


def test_o_belm_takes_two_steps_at_least():
    with pytest.raises(ConfigError, match="o-belm steps over two intervals, steps is 1"):
        BridgeConfig.parse({"solver": "o-belm", "steps": 1})
    assert BridgeConfig(solver="ddim", steps=1).steps == 1
