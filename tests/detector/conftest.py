import pytest

from detector.bridged_weights import write_bridged


@pytest.fixture(scope="session")
def bridged_weights(tmp_path_factory):
    pytest.importorskip("diffusers")
    return write_bridged(tmp_path_factory.mktemp("bridged") / "tiny")
