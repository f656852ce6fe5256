import pytest
import torch

from despoof.data.views import DataConfig
from despoof.systems.records import RECORDS
from despoof.systems.saving import save_system
from systems.test_every_system import data_config

TEACHER = RECORDS["despoofing-diffusion"]


@pytest.fixture(scope="session")
def teacher_folder(tmp_path_factory):
    """An untrained tiny System 1; its detector counts as trained (its noise scale is set)."""
    pytest.importorskip("diffusers")
    folder = tmp_path_factory.mktemp("teacher") / "weights"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        system = TEACHER.make(TEACHER.tiny)
        with torch.no_grad():  # fields that differ, so that there is some noise
            for parameter in system.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape))
    save_system(folder, TEACHER.name, system.config, system)
    return folder


@pytest.fixture(scope="session")
def data(tmp_path_factory, made_up_root):
    folder = tmp_path_factory.mktemp("lessons")
    return DataConfig.parse(data_config(made_up_root, folder, dev=["nuaa"]))
