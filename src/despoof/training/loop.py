"""The loop: it runs any stage, survives a kill at any moment, and keeps the best weights."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from despoof.core.config import write_yaml
from despoof.core.device import seed_of
from despoof.core.errors import TrainingError
from despoof.core.extras import need
from despoof.core.files import atomic_path
from despoof.core.locks import only_writer
from despoof.training.checkpoint import load_checkpoint
from despoof.training.config import TrainConfig
from despoof.training.display import progress_bar
from despoof.training.environment import record_environment
from despoof.training.folder import (
    CHECKPOINT,
    CONFIG,
    DONE,
    ENVIRONMENT,
    LOCK,
    StageResult,
    busy,
    clear,
    load_best,
    read_done,
    write_done,
)
from despoof.training.interrupt import deferred_interrupt
from despoof.training.journal import open_journal
from despoof.training.prefetch import prefetched
from despoof.training.run import Run
from despoof.training.stage import Stage

if TYPE_CHECKING:
    from accelerate import Accelerator


def run_stage(
    stage: Stage, config: TrainConfig, folder: Path, *, resume: bool = True, progress: bool = True
) -> StageResult:
    """Train a stage in a folder of its own, from its last checkpoint if there is one.

    On return the stage's module holds the best averaged weights, in eval mode, on the device that
    it was trained on. With fp32 on a CPU, a run that was killed and resumed gives the same losses,
    bit for bit, as one that was not.

    Args:
        stage: what to train.
        config: how long and how carefully.
        folder: for checkpoint, best weights, losses, metrics, events and notes; made if missing.
        resume: go on where the folder stands (a finished run is only loaded); else start over.
        progress: show a bar, if the terminal is one.

    Raises:
        TrainingError: the folder holds a run with another configuration or other inputs, another
            process trains in it, a loss is not finite, or the monitored metric is not measured.
        MissingExtraError: accelerate or tensorboard is not installed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    identity = _identity(stage, config)
    with only_writer(folder / LOCK, busy(folder)):
        if not resume:
            clear(folder)
        elif finished := read_done(folder, identity):
            load_best(folder, stage.module)
            stage.module.eval()
            return finished
        return _run_stage(stage, config, folder, identity, shown=progress)


def _run_stage(
    stage: Stage, config: TrainConfig, folder: Path, identity: Mapping[str, Any], *, shown: bool
) -> StageResult:
    """Begin or resume a stage in a folder that nobody else writes to, and bring it to its end."""
    if config.threads:
        torch.set_num_threads(config.threads)
    accelerator = _accelerator(folder)
    run = Run(stage, config, folder, accelerator.device, identity)
    if (folder / CHECKPOINT).exists():
        run.progress = load_checkpoint(
            folder / CHECKPOINT, stage.module, run.trained, run.average, identity
        )
    else:
        clear(folder)
        run.save()  # a kill before the next one must find the same initial weights
    with atomic_path(folder / CONFIG) as temporary:
        write_yaml(temporary, config.plain())
    record_environment(folder / ENVIRONMENT, run.progress.step)
    _train(run, accelerator, shown=shown)
    result = run.finish()
    load_best(folder, stage.module)
    stage.module.eval()
    write_done(result, identity)
    return result


def run_stages(
    stages: Iterable[Stage],
    config: TrainConfig | Mapping[str, TrainConfig],
    folder: Path,
    *,
    resume: bool = True,
    progress: bool = True,
) -> list[StageResult]:
    """Run stages in order, each in `folder/<name>`.

    A stage that is done is skipped while its configuration and fingerprint are the same, and runs
    again from the start when they are not. Each fingerprint is asked for only when the stages
    before it are done, so it may depend on what they wrote; `stages` may be a generator.

    Args:
        stages: in the order in which they need each other.
        config: one for all, or one for each by the stage's name.
        folder: of the whole run.
        resume: False = start every stage over.
        progress: as in `run_stage`.

    Raises:
        TrainingError: as `run_stage`, or two stages have the same name, or one has no settings.
    """
    results: list[StageResult] = []
    names: set[str] = set()
    for stage in stages:
        if stage.name in names:
            raise TrainingError(f"Two stages are named {stage.name!r}. Give each its own name.")
        names.add(stage.name)
        own = _settings(config, stage.name)
        place = Path(folder) / stage.name
        outdated = (place / DONE).exists() and not read_done(place, _identity(stage, own))
        results.append(
            run_stage(stage, own, place, resume=resume and not outdated, progress=progress)
        )
    return results


def _train(run: Run, accelerator: "Accelerator", *, shown: bool) -> None:
    """Run the steps that are left, with everything around them opened and closed."""
    config, start = run.config, run.progress.step
    with (
        open_journal(run.folder, accelerator, start) as journal,
        progress_bar(run.stage.name, config.steps, start, shown) as show,
        deferred_interrupt() as asked,
        prefetched(run.stage.batch, start, config.steps, config.prefetch) as batches,
    ):
        try:
            while not run.over:
                torch.manual_seed(seed_of(config.seed, run.stage.name, run.progress.step))
                note = run.step(next(batches), journal)
                show(run.progress.step, note)
                if asked.is_set():
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            if run.whole:  # else the weights are halfway through a step: the last checkpoint stands
                run.save()
            raise
        journal.flush()


def _settings(config: TrainConfig | Mapping[str, TrainConfig], name: str) -> TrainConfig:
    if isinstance(config, TrainConfig):
        return config
    try:
        return config[name]  # a defaultdict answers for every stage
    except KeyError as error:
        raise TrainingError(
            f"Stage {name!r} has no settings, only {', '.join(config)} have. Add them."
        ) from error


def _identity(stage: Stage, config: TrainConfig) -> dict[str, Any]:
    return {"config": config.plain(), "stage": stage.fingerprint()}


def _accelerator(folder: Path) -> "Accelerator":
    need("tensorboard", "train")
    accelerate = need("accelerate", "train")
    # Autocast is entered per update: Accelerator's own precision is fixed for a whole process.
    accelerator: Accelerator = accelerate.Accelerator(
        mixed_precision="no", log_with="tensorboard", project_dir=str(folder)
    )
    if accelerator.num_processes != 1:
        raise TrainingError(
            f"Started as {accelerator.num_processes} processes, expected 1: they would all write "
            f"to {folder}. Start it with plain python, one stage per device."
        )
    return accelerator
