import numpy as np
import pytest
import torch

from despoof.core.errors import InputError
from despoof.diffusion.field import CountedEps
from despoof.diffusion.grids import time_grid
from despoof.diffusion.solver_orders import ORDERS, order_rows
from despoof.diffusion.solvers.anderson import fixed_point
from despoof.diffusion.solvers.ddim import ddim
from despoof.diffusion.solvers.dpm_solver import dpm_solver
from despoof.diffusion.solvers.inverse_ddim import inverse_ddim
from despoof.diffusion.solvers.o_belm import o_belm
from despoof.diffusion.solvers.registry import INVERTIBLE, SOLVERS


def test_orders_on_the_analytic_bridge(small_toy):
    """Twice the steps: half the error of first order, a quarter of second, both ways."""
    rows = list(order_rows(small_toy, 80))
    assert {row.method for row in rows} == set(SOLVERS) and len(rows) == 2 * len(SOLVERS)
    for row in rows:
        assert row.ratio == pytest.approx(2 ** ORDERS[row.method], rel=0.03), row


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("down", [False, True])
def test_a_field_that_never_turns_is_followed_exactly(schedule, faces, name, down):
    """The same noise everywhere makes straight lines: x = alpha · (picture + ratio · noise)."""
    x, noise = faces.double(), torch.randn(faces.shape).double()
    times = time_grid(schedule, "log-snr", 6)
    times = times[::-1].copy() if down else times
    first, last = ((schedule.alpha(t), schedule.sigma(t)) for t in times[[0, -1]])
    start = first[0] * x + first[1] * noise
    found = SOLVERS[name](lambda x, t: noise, (start,), times, schedule)
    torch.testing.assert_close(found[0], last[0] * x + last[1] * noise, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", INVERTIBLE)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_invertible_solvers_come_back(schedule, curved, faces, name, dtype):
    times = time_grid(schedule, "log-snr", 10)
    x = faces.to(dtype)
    latent = SOLVERS[name](curved, (x,), times, schedule)
    back = SOLVERS[name](curved, latent, times[::-1], schedule)
    assert latent[0].dtype == back[0].dtype == dtype
    assert (back[0] - x).abs().max() <= (1e-4 if dtype == torch.float32 else 1e-6)


def test_o_belm_comes_back_from_any_number_of_steps_and_the_inverse_of_ddim_does_not(
    schedule, curved, faces
):
    """A step of 1 : 25 in noise has no inverse in a field that turns: no iteration finds one."""
    times = time_grid(schedule, "log-snr", 3)
    missed = {}
    for name in INVERTIBLE:
        latent = SOLVERS[name](curved, (faces,), times, schedule)
        back = SOLVERS[name](curved, latent, times[::-1], schedule)[0]
        missed[name] = (back - faces).abs().max()
    assert missed["o-belm"] <= 1e-4
    assert missed["inverse-ddim"] > 0.1


def test_plain_ddim_does_not_come_back(schedule, curved, faces):
    times = time_grid(schedule, "uniform", 10)
    back = ddim(curved, ddim(curved, faces, times, schedule), times[::-1], schedule)
    assert (back - faces).abs().max() > 0.05


@pytest.mark.parametrize(
    ("name", "promised"),
    [("ddim", (10, 10)), ("heun", (20, 20)), ("dpm-solver", (10, 10)), ("o-belm", (10, 9))],
)
def test_evaluations_are_what_is_promised(schedule, curved, faces, name, promised):
    times = time_grid(schedule, "log-snr", 10)
    source, target = CountedEps(curved), CountedEps(curved)
    latent = SOLVERS[name](source, (faces,), times, schedule)
    SOLVERS[name](target, latent, times[::-1], schedule)
    assert (source.nfe, target.nfe) == promised


def test_the_inverse_of_ddim_stops_when_it_has_the_point(schedule, curved, faces):
    times = time_grid(schedule, "log-snr", 10)
    counts = []
    for depth, iterations in ((4, 40), (0, 40), (0, 3)):
        field = CountedEps(curved)
        inverse_ddim(field, faces, times, schedule, depth=depth, iterations=iterations)
        counts.append(field.nfe)
    anderson, plain, three = counts
    assert anderson < 0.6 * plain and three == 3 * 10 + 1


def test_anderson_solves_a_linear_problem_in_as_many_tries_as_it_has_values():
    """Two eigenvalues: from the fourth try on the point is known; plain iteration is far off."""
    matrix = torch.diag(torch.tensor([0.9, 0.9, -0.5], dtype=torch.float64))
    right = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, -1.0]], dtype=torch.float64)
    exact = torch.linalg.solve(torch.eye(3).double() - matrix, right.T).T
    settings = {"iterations": 5, "tolerance": 0.0}
    found = fixed_point(lambda x: x @ matrix + right, torch.zeros_like(right), depth=4, **settings)
    plain = fixed_point(lambda x: x @ matrix + right, torch.zeros_like(right), depth=0, **settings)
    torch.testing.assert_close(found, exact, rtol=1e-6, atol=1e-6)
    assert (plain - exact).abs().max() > 1


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_repeat_themselves_and_touch_nothing(schedule, curved, faces, name):
    times, kept = time_grid(schedule, "log-snr", 10), faces.clone()
    first, second = (SOLVERS[name](curved, (faces,), times, schedule) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert torch.equal(faces, kept)
    alone = SOLVERS[name](curved, (faces[1:],), times, schedule)
    torch.testing.assert_close(alone[0], first[0][1:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("times", [[1.0], [], [1.0, 1.0], [1.0, 5.0, 3.0], [1.0, 2000.0]])
@pytest.mark.parametrize("name", SOLVERS)
def test_times_that_lead_nowhere_are_errors(schedule, curved, faces, name, times):
    with pytest.raises(InputError):
        SOLVERS[name](curved, (faces,), times, schedule)


def test_other_bad_input(schedule, curved, faces):
    times = time_grid(schedule, "uniform", 4, t_min=0)
    with pytest.raises(InputError, match="t = 0"):
        dpm_solver(curved, faces, times, schedule)
    with pytest.raises(InputError, match="uint8"):
        ddim(curved, faces.byte(), times, schedule)
    with pytest.raises(InputError, match="alike"):
        ddim(lambda x, t: x[:1], faces, times, schedule)
    with pytest.raises(InputError, match="neighbour"):
        o_belm(curved, faces, times, schedule, neighbour=faces[:1])
    with pytest.raises(InputError, match="at least 2 steps"):
        o_belm(curved, faces, times[:2], schedule)
    assert np.all(np.diff(times) > 0)
