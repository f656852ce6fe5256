import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("diffusers")

from despoof.core.errors import ConfigError
from despoof.data.views import DataConfig
from despoof.systems.ag_fas import cached_cues as cached
from despoof.systems.ag_fas.config import AgFasConfig
from despoof.systems.ag_fas.cue_recipe import CueRecipe
from despoof.systems.ag_fas.cue_stage import CueStage
from despoof.systems.ag_fas.generator import Generator
from despoof.systems.ag_fas.recipe import RecipeConfig
from despoof.systems.ag_fas.stages import stages
from despoof.systems.records import RECORDS
from despoof.training.folder import BEST
from despoof.training.tensors import write_tensors
from systems.test_every_system import data_config

RECORD = RECORDS["ag-fas"]
CONFIG = AgFasConfig.parse(RECORD.tiny)


@pytest.fixture(scope="module")
def data(tmp_path_factory, made_up_root):
    folder = tmp_path_factory.mktemp("cue")
    return DataConfig.parse(data_config(made_up_root, folder, dev=["nuaa"], batch_size=8))


@pytest.fixture(scope="module")
def generator():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Generator(CONFIG.generator).eval()


def stage(generator, data, config=CONFIG, **recipe):
    return CueStage(generator, config, CueRecipe.parse({"views": 1.0} | recipe), data, 0)


def test_batches_are_balanced_seeded_and_hold_the_reconstructions(generator, data):
    made = stage(generator, data, mirror=0.0)
    batch = made.batch(3)
    assert batch["live"].sum() == 4 and batch["step"].tolist() == [3.0] * 8
    again = stage(generator, data, mirror=0.0).batch(3)
    assert all(torch.equal(batch[name], again[name]) for name in batch)
    genuine = generator.reconstruct(batch["faces"], CONFIG.generator.reconstruct)
    torch.testing.assert_close(batch["noise"], batch["faces"] - genuine, rtol=2e-3, atol=2e-3)


def test_with_the_flip_bug_noise_is_of_a_mirrored_reconstruction(generator, data):
    right, wrong = stage(generator, data), stage(generator, data, flip_bug=True)
    same = [
        torch.allclose(a, b, atol=1e-6)
        for step in range(6)
        for a, b in zip(right.batch(step)["noise"], wrong.batch(step)["noise"], strict=True)
    ]
    assert 0.25 < sum(same) / len(same) < 0.75
    assert torch.equal(right.batch(0)["faces"], wrong.batch(0)["faces"])


def test_reconstructions_are_computed_once_for_all_fusions(generator, data, monkeypatch):
    first = stage(generator, data)

    def refuse(*_):
        raise AssertionError("it was computed again")

    monkeypatch.setattr(cached, "subtracted", refuse)
    concat = CONFIG.model_copy(update={"cue": CONFIG.cue.model_copy(update={"fusion": "concat"})})
    assert stage(generator, data, concat).faces.key == first.faces.key
    plain = CONFIG.model_copy(update={"cue": CONFIG.cue.model_copy(update={"fusion": "none"})})
    made = stage(generator, data, plain)
    assert made.faces.key != first.faces.key and not made.batch(0)["noise"].any()


def test_the_fingerprint_tells_what_counts(generator, data):
    mark = stage(generator, data).fingerprint()
    assert mark == stage(generator, data, allow_download=True).fingerprint()
    assert mark != stage(generator, data, loss={"margin": 0.2}).fingerprint()


def test_more_live_domains_than_the_critic_has_are_refused(generator, data):
    cue = CONFIG.cue.model_copy(update={"domains": 1})
    with pytest.raises(ConfigError, match=r"2 domains \(celeba-spoof, lfw\).*domains is 1"):
        stage(generator, data, CONFIG.model_copy(update={"cue": cue}))


def test_a_trained_generator_leaves_the_cue_alone(generator, data, tmp_path):
    write_tensors(tmp_path / BEST, generator.state_dict(), {})
    recipe = RecipeConfig.parse({"views": 1.0, "generator": {"trained": str(tmp_path)}})
    (made,) = stages(CONFIG, recipe, data, 0)
    assert made.name == "cue"
    kept = made.module.generator.state_dict()
    assert all(torch.equal(kept[name], value) for name, value in generator.state_dict().items())
