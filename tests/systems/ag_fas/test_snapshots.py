"""The cue network of every validation is kept where the recipe says so, and nowhere else."""

import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("diffusers")

from despoof.data.views import DataConfig
from despoof.systems.ag_fas.config import AgFasConfig
from despoof.systems.ag_fas.cue_recipe import CueRecipe
from despoof.systems.ag_fas.cue_stage import CueStage
from despoof.systems.ag_fas.generator import Generator
from despoof.systems.records import RECORDS
from despoof.training.config import TrainConfig
from despoof.training.loop import run_stage
from despoof.training.tensors import read_tensors
from systems.test_every_system import data_config

TINY = RECORDS["ag-fas"].tiny


@pytest.fixture
def make(made_up_root, tmp_path):
    """Make a stage whose cue is the autoencoder's alone, which takes no walk."""
    config = AgFasConfig.parse({**TINY, "cue": {**TINY["cue"], "kind": "vae"}})
    data = DataConfig.parse(data_config(made_up_root, tmp_path, dev=["nuaa"]))

    def made(**recipe):
        torch.manual_seed(0)
        chosen = CueRecipe.parse({"views": 0.5} | recipe)
        return CueStage(Generator(config.generator), config, chosen, data, 0)

    return made


def test_every_validation_leaves_its_network_under_its_step(make, tmp_path):
    made = make(snapshots=str(tmp_path / "kept"))
    settings = TrainConfig(steps=4, validate_every=2, ema_decay=0.0, threads=1, prefetch=0)
    run_stage(made, settings, tmp_path / "run", progress=False)
    kept = sorted((tmp_path / "kept").iterdir())
    assert [path.name for path in kept] == ["step-000002.safetensors", "step-000004.safetensors"]
    states = [read_tensors(path)[0] for path in kept]
    weights = "classifier.weight"
    assert not torch.equal(states[0][weights], states[1][weights])
    last = read_tensors(tmp_path / "run" / "checkpoint.safetensors")[0]
    assert torch.equal(states[1][weights], last[f"model/network.{weights}"])
    made.system.network.load_state_dict(states[0])


def test_where_they_are_kept_decides_nothing(make, tmp_path):
    assert make().fingerprint() == make(snapshots=str(tmp_path / "kept")).fingerprint()
    assert make().fingerprint() != make(mirror=0.0).fingerprint()
