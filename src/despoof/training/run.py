"""The state of a running stage, and what happens in each of its steps."""

import difflib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from despoof.core.errors import TrainingError
from despoof.training.checkpoint import Progress, save_checkpoint
from despoof.training.config import TrainConfig
from despoof.training.ema import start_average, update_average, wearing
from despoof.training.folder import BEST, CHECKPOINT, StageResult
from despoof.training.journal import Journal
from despoof.training.optimise import prepare_updates, run_update
from despoof.training.schedule import learning_rate_factor
from despoof.training.stage import Batch, Stage
from despoof.training.tensors import write_tensors


class Run:
    """A stage on its device with optimisers, averaged weights and progress."""

    def __init__(
        self,
        stage: Stage,
        config: TrainConfig,
        folder: Path,
        device: torch.device,
        identity: Mapping[str, Any],
    ) -> None:
        self.stage, self.config, self.folder = stage, config, folder
        self.device, self.identity = device, identity
        # Convolutions are faster so on CPUs and on tensor cores.
        self.layout = (
            torch.channels_last if device.type in ("cpu", "cuda") else torch.preserve_format
        )
        stage.module.to(device)
        for parameter in stage.module.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=self.layout)
        stage.module.train()
        self.trained = prepare_updates(stage.updates(), stage.module)
        self.average = start_average(stage.module) if config.ema_decay else None
        self.progress = Progress()
        self.whole = True

    @property
    def over(self) -> bool:
        """True after the last step, or when validation has not improved for too long."""
        stopped = 0 < self.config.patience <= self.progress.stale
        return stopped or self.progress.step >= self.config.steps

    def step(self, batch: Batch, journal: Journal) -> str:
        """Run one step with all that is due after it; return a note for the progress bar."""
        config, done = self.config, self.progress.step + 1
        batch = {name: self._place(value) for name, value in batch.items()}
        factor = learning_rate_factor(config, done - 1)
        logs: dict[str, dict[str, Tensor | float]] = {}
        self.whole = False
        for item in self.trained:
            logs[item.update.name] = run_update(
                item, self.stage.module, batch, config, factor=factor, step=done
            )
        if self.average is not None:
            update_average(self.average, self.stage.module, config.ema_decay, done - 1)
        self.progress.step = done
        notes: list[str] = []
        if done % config.log_every == 0 or done in (1, config.steps):
            for name, values in logs.items():
                journal.losses(done, name, values)
                notes.append(f"{name} {float(values['loss']):.4g}")
        validates = done % config.validate_every == 0 or done == config.steps
        if validates:
            notes += [f"{k} {v:.4g}" for k, v in self.validate(journal).items()]
        self.whole = True
        if validates or done % config.checkpoint_every == 0 or done == config.steps:
            journal.flush()
            self.save()
        return " ".join(notes)

    def validate(self, journal: Journal) -> dict[str, float]:
        """Measure the averaged weights and keep them if they are the best so far."""
        weights = self.average or self.stage.module.state_dict()
        with torch.no_grad(), wearing(self.stage.module, weights) as module:
            metrics = self.stage.validate(module)
        if not metrics:
            return metrics
        monitor, mode = self.config.monitor, self.config.monitor_mode
        if monitor not in metrics:
            near = difflib.get_close_matches(monitor, metrics, n=1, cutoff=0.4)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise TrainingError(
                f"monitor={monitor!r} is not measured by stage {self.stage.name!r}.{hint} "
                f"Choose one of: {', '.join(sorted(metrics))}."
            )
        journal.metrics(self.progress.step, metrics)
        best = self.progress.best_metrics.get(monitor, math.nan)
        gain = metrics[monitor] - best if mode == "max" else best - metrics[monitor]
        if gain > 0 or (math.isnan(best) and not math.isnan(metrics[monitor])):
            self.progress.stale = 0
            self._keep(metrics)
        else:
            self.progress.stale += 1
        return metrics

    def save(self) -> None:
        """Write the checkpoint."""
        save_checkpoint(
            self.folder / CHECKPOINT,
            self.stage.module,
            self.trained,
            self.average,
            progress=self.progress,
            identity=self.identity,
        )

    def finish(self) -> StageResult:
        """Return how it ended; without any usable metric the last averaged weights are kept."""
        if self.progress.best_step == 0:
            self._keep({})
        done = self.progress
        return StageResult(done.best_step, done.best_metrics, done.step, self.folder, False)

    def _keep(self, metrics: dict[str, float]) -> None:
        self.progress.best_step = self.progress.step
        self.progress.best_metrics = dict(metrics)
        weights = self.average or self.stage.module.state_dict()
        facts = {"step": self.progress.step, "metrics": metrics, "identity": self.identity}
        write_tensors(self.folder / BEST, weights, facts)

    def _place(self, value: Tensor) -> Tensor:
        layout = self.layout if value.ndim == 4 else torch.preserve_format
        return value.to(device=self.device, non_blocking=True, memory_format=layout)
