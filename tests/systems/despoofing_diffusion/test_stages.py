from collections import Counter

import pytest
import torch

from despoof.core.errors import ConfigError, TrainingError
from despoof.data.views import DataConfig, training_mix
from despoof.systems.despoofing_diffusion import cached_faces as cached
from despoof.systems.despoofing_diffusion.stages import DetectorStage, RecipeConfig, stages
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.despoofing_diffusion.system_config import DespoofingDiffusionConfig
from despoof.systems.experiment import read_experiment, train_experiment
from despoof.systems.records import RECORDS
from systems.test_every_system import data_config, write_experiment

pytest.importorskip("diffusers")
RECORD = RECORDS["despoofing-diffusion"]


def config(**detector):
    return DespoofingDiffusionConfig.parse(
        RECORD.tiny | {"detector": RECORD.tiny["detector"] | detector}
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory, made_up_root):
    folder = tmp_path_factory.mktemp("stages")
    return DataConfig.parse(data_config(made_up_root, folder, dev=["nuaa"]))


@pytest.fixture(scope="module")
def system():
    torch.manual_seed(0)
    return DespoofingDiffusion(config()).eval()


@pytest.fixture(scope="module")
def stage(data, system):
    return DetectorStage(system.fields, config(noise_scale=None), RecipeConfig(), data, 0)


def test_a_cached_batch_has_the_sources_shares_and_the_systems_own_noise(stage, data, system):
    batch = stage.batch(5)
    shares = Counter(training_mix(data, 32, 0).batch(0)["source"].tolist())
    assert all(abs(Counter(batch["source"].tolist())[s] - n) <= 1 for s, n in shares.items())
    assert batch["depth"].dtype == batch["noise"].dtype == torch.float32
    fresh = system.bridged(batch["faces"]).noise
    turned = system.bridged(batch["faces"].flip(-1)).noise.flip(-1)
    close = [
        min((a - b).abs().max(), (a - c).abs().max()) < 2e-3
        for a, b, c in zip(batch["noise"], fresh, turned, strict=True)
    ]
    assert all(close), "of the face as it is, or of its mirror image"


def test_the_scale_is_the_percentile_of_the_cached_training_noise(stage):
    found = stage.config.detector.noise_scale
    values = torch.cat([part.float().abs().ravel() for part in stage.faces.train.noise()])
    assert found == pytest.approx(
        float(values.kthvalue(round(0.99 * len(values))).values), rel=0.01
    )
    assert stage.system.config is stage.config, "it is saved with the weights"


def test_detectors_share_what_was_bridged_for_one(stage, data, system, monkeypatch):
    def never(*_):
        raise AssertionError("bridged again")

    monkeypatch.setattr(cached, "bridged_faces", never)
    keys = set()
    for inputs in ("rgb", "noise", "rgb+rgb", "rgb+noise"):
        other = DetectorStage(system.fields, config(inputs=inputs), RecipeConfig(), data, 0)
        keys.add(other.faces.key)
        loss, _ = other.updates()[0].loss(other.batch(0))
        assert loss.isfinite()
    assert keys == {stage.faces.key}
    changed = config().model_copy(
        update={"bridge": config().bridge.model_copy(update={"steps": 3})}
    )
    with pytest.raises(AssertionError, match="bridged again"):
        DetectorStage(system.fields, changed, RecipeConfig(), data, 0)


def test_validation_is_the_score_of_the_whole_system(stage):
    """Cached noise and the way through the bridge rank faces alike (in bf16, to a rounding)."""
    shard = stage.faces.dev["nuaa"].shard(0)
    system = stage.system.eval()
    from despoof.systems.despoofing_diffusion.stages import _scores

    direct = system.score(shard["faces"])
    torch.testing.assert_close(_scores(system, shard), direct, rtol=0.05, atol=0.02)
    assert set(stage.validate(stage.module)) == {"auc", "auc/nuaa", "auc/nuaa-stressed"}


def test_a_finished_fields_stage_can_be_taken(made_up_root, tmp_path):
    path = write_experiment(RECORD, made_up_root, tmp_path, steps=2)
    few = ["data.dev=[nuaa]", "recipe.fields.dev_faces=4"]
    first = train_experiment(read_experiment(path, few), progress=False)
    assert [result.folder.name for result in first] == ["fields", "detector"]
    taken = [
        *few,
        f"recipe.fields.trained={tmp_path / 'run' / 'fields'}",
        "model.detector.inputs=rgb",
    ]
    taken += [f"output={tmp_path / 'second'}"]
    second = train_experiment(read_experiment(path, taken), progress=False)
    assert [result.folder.name for result in second] == ["detector"]
    from despoof.systems.saving import load_system

    one, two = (load_system(tmp_path / run / "weights")[1] for run in ("run", "second"))
    for name, value in one.fields.state_dict().items():
        assert torch.equal(value, two.fields.state_dict()[name]), name
    assert two.config.detector.inputs == "rgb"
    drawn = {path.name for path in (tmp_path / "run" / "pictures").iterdir()}
    assert drawn == {"fields.png", "detector.png", "samples.png", "strip.png", "figures.json"}


def test_fields_that_are_not_there_are_named(data, tmp_path):
    recipe = RecipeConfig.parse({"fields": {"trained": str(tmp_path)}})
    with pytest.raises(TrainingError, match=r"best\.safetensors"):
        next(stages(config(), recipe, data, 0))


def test_a_crop_that_the_fields_cannot_take_is_named():
    with pytest.raises(ConfigError, match=r"crop\.size 33 must be a multiple of 2"):
        DespoofingDiffusionConfig.parse(RECORD.tiny | {"crop": {"size": 33, "scale": 1.25}})
    with pytest.raises(ConfigError, match=r"fields\.channels is 1"):
        DespoofingDiffusionConfig.parse({"fields": {"channels": 1}})
