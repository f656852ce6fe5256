"""One YAML file = one row of a results table: system, data, recipe and loop settings."""

import difflib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import Field

from despoof.core.config import StrictConfig, override, read_yaml, write_yaml
from despoof.core.errors import ConfigError
from despoof.core.extras import need
from despoof.core.locks import only_writer
from despoof.core.types import System
from despoof.data.views import DataConfig
from despoof.systems.records import SystemRecord, system_record
from despoof.systems.saving import save_system
from despoof.training.config import TrainConfig
from despoof.training.folder import LOCK, StageResult, busy
from despoof.training.loop import run_stages
from despoof.training.stage import Stage


class Experiment(StrictConfig):
    """What to train. `model` and `recipe` are checked by the system they belong to."""

    system: str
    output: str = Field(description="folder of the run")
    seed: int = 0
    model: dict[str, Any] = Field(default_factory=dict[str, Any])
    recipe: dict[str, Any] = Field(default_factory=dict[str, Any])
    data: DataConfig
    train: TrainConfig
    stage_train: dict[str, dict[str, Any]] = Field(
        default_factory=dict[str, dict[str, Any]],
        description="settings of `train` that differ for a stage, by its name",
    )

    def settings(self) -> dict[str, TrainConfig]:
        """Return the loop's settings of every stage that has its own."""
        return {
            name: TrainConfig.parse({**self.train.plain(), **values}, f"stage_train.{name}")
            for name, values in self.stage_train.items()
        }


def read_experiment(path: str | Path, settings: Sequence[str] = ()) -> Experiment:
    """Read an experiment and apply `a.b=value` overrides.

    Raises:
        ConfigError: unreadable file, unknown key (the nearest valid one is named), bad value.
    """
    experiment = Experiment.parse(override(read_yaml(path), settings), str(path))
    record = system_record(experiment.system)
    record.config.parse(experiment.model, f"{path}, model")
    record.recipe.parse(experiment.recipe, f"{path}, recipe")
    for name in experiment.stage_train:
        if name not in record.stage_names:
            raise ConfigError(_no_stage(f"{path}, stage_train", record, name))
    experiment.settings()
    return experiment


def train_experiment(
    experiment: Experiment, *, resume: bool = True, progress: bool = True, until: str | None = None
) -> list[StageResult]:
    """Run all stages and save the system as a folder that `despoof check --weights` takes.

    With `until` it stops after that stage, for other runs to learn on from, and saves no system.

    The run is `<output>/<stage>/…`, the system `<output>/weights/`, and pictures of what it has
    learnt, where the system draws some, `<output>/pictures/`.

    Raises:
        ConfigError: the system has no stage of the name `until`.
        MissingExtraError: the `train` extra is not installed; before any data is cut.
        DataError: a dataset is missing or empty.
        TrainingError: as `training.loop.run_stages`, or another process trains in the folder.
    """
    for module in ("accelerate", "tensorboard"):
        need(module, "train")
    record = system_record(experiment.system)
    if until is not None and until not in record.stage_names:
        raise ConfigError(_no_stage("until", record, until))
    config = record.config.parse(experiment.model)
    recipe = record.recipe.parse(experiment.recipe)
    folder = Path(experiment.output)
    folder.mkdir(parents=True, exist_ok=True)
    with only_writer(folder / LOCK, busy(folder)):
        return _train_in(
            folder, experiment, config, recipe, resume=resume, progress=progress, until=until
        )


def _train_in(
    folder: Path,
    experiment: Experiment,
    config: StrictConfig,
    recipe: StrictConfig,
    *,
    resume: bool,
    progress: bool,
    until: str | None,
) -> list[StageResult]:
    """Train in a folder that nobody else writes to."""
    record = system_record(experiment.system)
    write_yaml(folder / "experiment.yaml", experiment.plain())
    made: list[Stage] = []

    def stages() -> Iterator[Stage]:
        for stage in record.stages(config, recipe, experiment.data, experiment.seed):
            made.append(stage)
            yield stage
            if stage.name == until:
                return

    settings = defaultdict(lambda: experiment.train, experiment.settings())
    results = run_stages(stages(), settings, folder, resume=resume, progress=progress)
    if until is not None:
        return results
    system = made[-1].module.eval()
    save_system(folder / "weights", experiment.system, cast("System", system).config, system)
    if record.illustrate is not None:
        record.illustrate(made, folder)
    return results


def _no_stage(where: str, record: SystemRecord, name: str) -> str:
    near = difflib.get_close_matches(name, record.stage_names, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"{where}: {record.name} has no stage {name!r}.{hint} "
        f"Stages: {', '.join(record.stage_names)}."
    )
