"""One YAML file = one row of a results table: system, data, recipe and loop settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from despoof.core.config import StrictConfig, override, read_yaml, write_yaml
from despoof.core.extras import need
from despoof.data.views import DataConfig
from despoof.systems.records import system_record
from despoof.systems.saving import save_system
from despoof.training.config import TrainConfig
from despoof.training.folder import StageResult, load_best
from despoof.training.loop import run_stages


class Experiment(StrictConfig):
    """What to train. `model` and `recipe` are checked by the system they belong to."""

    system: str
    output: str = Field(description="folder of the run")
    seed: int = 0
    model: dict[str, Any] = Field(default_factory=dict[str, Any])
    recipe: dict[str, Any] = Field(default_factory=dict[str, Any])
    data: DataConfig
    train: TrainConfig


def read_experiment(path: str | Path, settings: Sequence[str] = ()) -> Experiment:
    """Read an experiment and apply `a.b=value` overrides.

    Raises:
        ConfigError: unreadable file, unknown key (the nearest valid one is named), bad value.
    """
    experiment = Experiment.parse(override(read_yaml(path), settings), str(path))
    record = system_record(experiment.system)
    record.config.parse(experiment.model, f"{path}, model")
    record.recipe.parse(experiment.recipe, f"{path}, recipe")
    return experiment


def train_experiment(
    experiment: Experiment, *, resume: bool = True, progress: bool = True
) -> list[StageResult]:
    """Run all stages and save the system as a folder that `despoof check --weights` takes.

    The run is `<output>/<stage>/…`, the system `<output>/weights/`.

    Raises:
        MissingExtraError: the `train` extra is not installed; before any data is cut.
        DataError: a dataset is missing or empty.
        TrainingError: as `training.loop.run_stages`.
    """
    for module in ("accelerate", "tensorboard"):
        need(module, "train")
    record = system_record(experiment.system)
    config = record.config.parse(experiment.model)
    recipe = record.recipe.parse(experiment.recipe)
    folder = Path(experiment.output)
    folder.mkdir(parents=True, exist_ok=True)
    write_yaml(folder / "experiment.yaml", experiment.plain())
    stages = record.stages(config, recipe, experiment.data, experiment.seed)
    results = run_stages(stages, experiment.train, folder, resume=resume, progress=progress)
    load_best(results[-1].folder, stages[-1].module)
    save_system(folder / "weights", experiment.system, config, stages[-1].module.eval())
    return results
