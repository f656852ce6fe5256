import itertools

import numpy as np
import pytest
import torch

from despoof.core.errors import InputError
from despoof.diffusion.field import CountedEps
from despoof.systems.ag_fas.generator_config import GeneratorConfig, ReconstructConfig
from despoof.systems.ag_fas.reconstruct import through_noise, walk

SCHEDULE = GeneratorConfig().schedule
SPREAD = 0.6
"""Standard deviation of latents whose exact field is known."""


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def exact_field(x, t):
    alpha, sigma = SCHEDULE.at(t, x)
    return sigma * x / ((alpha * SPREAD) ** 2 + sigma**2)


def width_at(t):
    return ((SCHEDULE.alpha(t) * SPREAD) ** 2 + SCHEDULE.sigma(t) ** 2) ** 0.5


def test_the_published_walk_has_41_calls_from_timestep_801():
    times = walk(ReconstructConfig(), SCHEDULE)
    timesteps = times - 1
    assert len(times) - 1 == 41
    assert timesteps[0] == 801
    assert timesteps[-3:].tolist() == [21, 1, 0]
    assert np.all(np.diff(timesteps[:-1]) == -20)
    assert float(SCHEDULE.alpha(times[0])) == pytest.approx(0.0365**0.5, rel=0.002)  # SPEC §2.1


def test_ddim_is_stable_diffusions_own():
    diffusers = pytest.importorskip("diffusers")
    theirs = diffusers.DDIMScheduler(
        num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012,
        beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False, steps_offset=1,
    )  # fmt: skip
    theirs.set_timesteps(50)
    kept = [t for t in theirs.timesteps if t <= 801]
    latents, noise = normal(2, 4, 3, 3), normal(1, 4, 3, 3, seed=1)

    def field(x, t):  # not linear, and its own at each time
        return torch.tanh(x * 1.3) + 0.3 * torch.cos(t / 50)

    x = theirs.add_noise(latents, noise, torch.tensor([801]))
    for timestep in kept:
        x = theirs.step(field(x, timestep + 1), timestep, x).prev_sample
    mine = CountedEps(field)
    found = through_noise(latents, noise, mine, SCHEDULE, ReconstructConfig())
    assert mine.nfe == len(kept) == 41
    assert torch.allclose(found, x, atol=1e-4)


@pytest.mark.parametrize("steps, within", [(10, 0.02), (15, 0.01)])
def test_dpm_solver_follows_the_exact_flow_in_few_calls(steps, within):
    settings = ReconstructConfig(solver="dpm-solver", steps=steps)
    latents, noise = SPREAD * normal(2, 4, 3, 3), normal(2, 4, 3, 3, seed=1)
    field = CountedEps(exact_field)
    found = through_noise(latents, noise, field, SCHEDULE, settings)
    noised = SCHEDULE.alpha(802) * latents + SCHEDULE.sigma(802) * noise
    exact = noised * width_at(1) / width_at(802)
    assert field.nfe == steps
    assert float((found - exact).norm() / exact.norm()) < within
    assert not torch.allclose(found, latents, atol=0.1), "t = 801 leaves little of a face"


def test_the_earlier_the_start_the_more_of_the_face_is_left():
    latents, noise = SPREAD * normal(2, 4, 3, 3), normal(2, 4, 3, 3, seed=1)
    lost = [
        (through_noise(latents, noise, exact_field, SCHEDULE, ReconstructConfig(start=start))
         - latents).norm() for start in (101, 201, 401, 601, 801)
    ]  # fmt: skip
    assert all(a < b for a, b in itertools.pairwise(lost))


def test_a_start_between_two_grid_times_begins_at_the_lower_one():
    assert walk(ReconstructConfig(start=200), SCHEDULE)[0] == 1 + 181
    assert walk(ReconstructConfig(start=200, solver="dpm-solver"), SCHEDULE)[0] == 1 + 200


def test_more_steps_than_the_schedule_has_times_are_refused():
    with pytest.raises(InputError, match="1001"):
        walk(ReconstructConfig(grid_steps=1001), SCHEDULE)
