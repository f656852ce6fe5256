from pathlib import Path

import pytest

from despoof.core.errors import ConfigError
from despoof.systems.experiment import read_experiment
from despoof.systems.records import RECORDS
from systems.test_every_system import write_experiment

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def path(tmp_path):
    return write_experiment(RECORDS["face-despoofing"], tmp_path, tmp_path, steps=7)


def test_a_stages_own_settings_change_nothing_else(path):
    experiment = read_experiment(
        path, ["stage_train.decoder.steps=3", "stage_train.decoder.monitor=psnr_gain"]
    )
    settings = experiment.settings()
    assert set(settings) == {"decoder"}
    expected = experiment.train.model_copy(update={"steps": 3, "monitor": "psnr_gain"})
    assert settings["decoder"] == expected
    assert experiment.train.steps == 7
    assert read_experiment(path).settings() == {}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "stage_train.decoder.stpes=3",
            r"stage_train\.decoder: unknown key 'stpes'\. Did you mean 'steps'\?",
        ),
        ("stage_train.decodr.steps=3", r"no stage 'decodr'\. Did you mean 'decoder'"),
        ("stage_train.decoder.steps=0", r"stage_train\.decoder: steps: .*\(got 0\)"),
        ("stage_train.decoder=3", r"stage_train\.decoder: .*dictionary \(got 3\)"),
        ("stage_trian.decoder.steps=3", r"unknown key 'stage_trian'\. Did you mean 'stage_train'"),
        ("recipe.refine.lerning_rate=1", r"'refine\.lerning_rate'\. Did you mean 'learning_rate'"),
        ("data.sources=[{datset: nuaa}]", r"'data\.sources\.0\.datset'\. Did you mean 'dataset'"),
    ],
)
def test_a_mistake_is_named_when_the_file_is_read(path, setting, message):
    with pytest.raises(ConfigError, match=message):
        read_experiment(path, [setting])


@pytest.mark.parametrize(
    "path", sorted(EXPERIMENTS.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_every_committed_experiment_is_read_and_built(path):
    experiment = read_experiment(path)
    system = RECORDS[experiment.system].make(experiment.model)
    assert (
        system.config.plain() == RECORDS[experiment.system].config.parse(experiment.model).plain()
    )
