import pytest
import torch
from data.made_up_data import make_data_root


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def made_up_root(tmp_path_factory):
    return make_data_root(tmp_path_factory.mktemp("data"))
