import pytest
import torch

from despoof.diffusion.schedule import NoiseSchedule
from despoof.diffusion.solver_toy import toy_bridge


@pytest.fixture(scope="session")
def schedule():
    return NoiseSchedule()


@pytest.fixture(scope="session")
def toy():
    """The analytic world at 128 px, as SPEC §8.3 has it."""
    return toy_bridge(128)


@pytest.fixture(scope="session")
def small_toy():
    return toy_bridge(32)


@pytest.fixture
def curved(schedule):
    """A field that is not linear and mixes pixels: what is left of it is no formula's luck."""
    kernel = torch.randn(3, 3, 3, 3, generator=torch.Generator().manual_seed(1)).double() * 0.2

    def eps(x, t):
        alpha, sigma = schedule.at(t, x)
        mixed = torch.nn.functional.conv2d(x, kernel.to(x), padding=1)
        return sigma * (x + 0.5 * torch.tanh(mixed)) / (alpha**2 * 0.3 + sigma**2)

    return eps


@pytest.fixture
def faces():
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
