import numpy as np
import pytest
import torch

from despoof.evaluation.bridge_checks.faces import BridgeFaces
from despoof.evaluation.bridge_checks.subject import make_subject
from despoof.systems.records import RECORDS

SHORT = {"solver": "dpm-solver", "steps": 4, "t_max": 300.0}
TINY = RECORDS["despoofing-diffusion"].tiny


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def make_system():
    """An untrained tiny System 1 with another bridge and detector."""
    pytest.importorskip("diffusers")

    def make(bridge=SHORT, precision="fp32", **detector):
        values = TINY | {"bridge": bridge, "precision": precision}
        values |= {"detector": TINY["detector"] | detector}
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return RECORDS["despoofing-diffusion"].make(values)

    return make


@pytest.fixture(scope="session")
def make_faces():
    """Random crops, every second one live, two of a person, with landmarks."""

    def make(n=6, side=32, people=None, landmarks=True):
        rng = np.random.default_rng(2)
        points = np.array([[10, 12], [21, 12], [15.5, 18], [11, 23], [20, 23]], np.float64)
        return BridgeFaces(
            images=rng.integers(0, 256, (n, side, side, 3)).astype(np.uint8),
            live=np.arange(n) % 2 == 0,
            groups=tuple(str(i // 2 if people is None else i % people) for i in range(n)),
            landmarks=(points if landmarks else None,) * n,
        )

    return make


@pytest.fixture
def subject_of(make_system, make_faces):
    def make(bridge=SHORT, n=6, chunk=16, **options):
        return make_subject(make_system(bridge, **options), make_faces(n), chunk)

    return make
