import pytest
import torch

from despoof.diffusion.network import eps_function
from despoof.diffusion.solver_orders import ORDERS
from despoof.diffusion.solvers.registry import SOLVERS
from despoof.evaluation.bridge_checks import order
from despoof.evaluation.bridge_checks.order import order_check


@pytest.fixture(autouse=True)
def little(monkeypatch):
    monkeypatch.setattr(order, "PLACES", (0.5,))
    monkeypatch.setattr(order, "FACES", 1)


QUICK = [name for name in SOLVERS if name != "inverse-ddim"]


@pytest.mark.parametrize("name", QUICK)
def test_the_order_of_a_solver_on_a_network_is_that_of_theory(subject_of, name):
    found = order_check(subject_of({"solver": name, "steps": 2, "t_max": 300.0}))
    assert found.passed and found.figures["above_rounding"] > 10
    assert found.figures["ratio_median"] == pytest.approx(2 ** ORDERS[name], rel=0.1)


@pytest.mark.slow
def test_the_order_of_the_inverse_of_ddim(subject_of):
    found = order_check(subject_of({"solver": "inverse-ddim", "steps": 2, "t_max": 300.0}))
    assert found.passed and found.figures["ratio_median"] == pytest.approx(2, rel=0.1)


def test_a_solver_of_a_lower_order_than_it_says_fails(subject_of, monkeypatch):
    monkeypatch.setitem(SOLVERS, "heun", SOLVERS["ddim"])
    found = order_check(subject_of({"solver": "heun", "steps": 2, "t_max": 300.0}))
    assert found.passed is False and found.figures["ratio_lowest"] == pytest.approx(2, rel=0.1)


@pytest.mark.usefixtures("emulated_bf16")
def test_a_network_in_half_precision_would_fail(subject_of, monkeypatch):
    """Why the check asks it in fp32, whatever the system runs in."""
    monkeypatch.setattr(order, "eps_function", lambda *of, bf16: eps_function(*of, bf16=True))
    found = order_check(subject_of({"solver": "dpm-solver", "steps": 2, "t_max": 300.0}))
    assert found.passed is False and found.figures["ratio_lowest"] < 2.5


def test_what_wavers_faster_than_the_steps_has_no_order(subject_of, monkeypatch):
    """Why the whole way says nothing: the field's waves in t are shorter than the steps there.

    The same field with its time slowed down fifty times obeys theory over the whole way.
    """
    made = subject_of({"solver": "dpm-solver", "steps": 20, "t_max": 300.0})
    monkeypatch.setattr(order, "PLACES", ())
    plain = order_check(made).figures["ratio_whole_way"]
    forward = made.system.fields.forward
    monkeypatch.setattr(
        made.system.fields, "forward", lambda x, t, *rest: forward(x, t / 50, *rest)
    )
    slow = order_check(made).figures["ratio_whole_way"]
    assert slow > 3 and abs(plain - 4) > 2 * abs(slow - 4)


def test_an_error_that_is_rounding_is_not_measured(subject_of, monkeypatch):
    made = subject_of({"solver": "heun", "steps": 2, "t_max": 300.0})
    # A field that is the same everywhere is followed exactly by any solver.
    monkeypatch.setattr(made.system.fields, "forward", lambda x, t, *rest: torch.ones_like(x))
    found = order_check(made)
    assert found.passed is None and "rounding" in found.words
