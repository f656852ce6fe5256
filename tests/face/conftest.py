import numpy as np
import pytest
from skimage import data


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def portrait():
    return data.astronaut()
