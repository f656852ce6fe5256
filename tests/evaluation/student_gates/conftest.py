import pytest
import torch

from despoof.systems.records import RECORDS
from evaluation.bridge_checks.conftest import make_faces, make_system

__all__ = ["make_faces", "make_system"]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def student():
    """An untrained tiny student."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return RECORDS["student"].make(RECORDS["student"].tiny)
