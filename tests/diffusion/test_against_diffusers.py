"""diffusers' schedulers, step by step: an implementation that is not ours."""

import numpy as np
import pytest
import torch

from despoof.diffusion.grids import time_grid
from despoof.diffusion.schedule import NoiseSchedule
from despoof.diffusion.solvers.ddim import ddim
from despoof.diffusion.solvers.dpm_solver import dpm_solver

diffusers = pytest.importorskip("diffusers")
NAMES = {"linear": "linear", "cosine": "squaredcos_cap_v2", "scaled-linear": "scaled_linear"}
THEIR_NUMPY = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def told(kind):
    betas = {"beta_start": 8.5e-4, "beta_end": 0.012} if kind == "scaled-linear" else {}
    ours = NoiseSchedule(kind=kind, **betas)
    return ours, {
        "num_train_timesteps": 1000,
        "beta_schedule": NAMES[kind],
        "beta_start": ours.beta_start,
        "beta_end": ours.beta_end,
    }


@pytest.mark.parametrize("kind", NAMES)
def test_integer_times_are_their_timesteps_plus_one(kind):
    ours, settings = told(kind)
    theirs = diffusers.DDPMScheduler(**settings)
    np.testing.assert_allclose(ours.betas(), theirs.betas.numpy(), rtol=3e-6)
    # Theirs is a product of a thousand float32 factors.
    kept = theirs.alphas_cumprod.double().numpy()
    np.testing.assert_allclose(ours.alpha(np.arange(1, 1001)) ** 2, kept, rtol=2e-4)


@pytest.mark.parametrize("kind", ["linear", "scaled-linear"])
@pytest.mark.parametrize("way", ["decode", "encode"])
def test_ddim_agrees_step_by_step(curved, faces, kind, way):
    """50 steps; their last step down leads to the clean picture, which is our t = 0."""
    ours, settings = told(kind)
    settings |= {"clip_sample": False, "set_alpha_to_one": True}
    down = way == "decode"
    theirs = (diffusers.DDIMScheduler if down else diffusers.DDIMInverseScheduler)(**settings)
    theirs.set_timesteps(50)
    times = np.concatenate([[0.0], np.arange(1, 1000, 20)])
    times = times[::-1] if down else times
    x = faces
    for i, index in enumerate(theirs.timesteps):
        # Their inverse is told the time it goes to; the noise is that of where it stands.
        noise = curved(x, torch.tensor(times[i]))
        expected = theirs.step(noise, index, x).prev_sample
        x = ddim(curved, x, times[i : i + 2], ours)
        torch.testing.assert_close(x, expected, rtol=2e-5, atol=2e-5)
    assert i == 49


@THEIR_NUMPY
def test_dpm_solver_agrees_step_by_step(curved, faces):
    ours, settings = told("linear")
    theirs = diffusers.DPMSolverMultistepScheduler(
        **settings, lower_order_final=False, final_sigmas_type="sigma_min"
    )
    theirs.set_timesteps(20)
    times = [*(theirs.timesteps.double() + 1).tolist(), 1.0]
    x = faces
    for i, index in enumerate(theirs.timesteps):
        noise = curved(x, torch.tensor(times[i]).double())
        x = theirs.step(noise, index, x).prev_sample
        found = dpm_solver(curved, faces, times[: i + 2], ours)
        torch.testing.assert_close(found, x, rtol=1e-3, atol=1e-4)


@THEIR_NUMPY
def test_the_edm_grid_is_what_they_call_karras():
    ours, settings = told("linear")
    theirs = diffusers.DPMSolverMultistepScheduler(**settings, use_karras_sigmas=True)
    theirs.set_timesteps(12)
    grid = ours.noise_ratio(time_grid(ours, "edm", 11))
    sigmas = np.sort(theirs.sigmas.numpy())[-12:]
    np.testing.assert_allclose(grid, sigmas, rtol=2e-4)
