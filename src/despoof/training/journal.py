"""What a run leaves to read: losses.jsonl, metrics.jsonl and its TensorBoard events."""

import contextlib
import json
import os
import warnings
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor

from despoof.core.files import atomic_path
from despoof.training.tensors import plain_numbers

if TYPE_CHECKING:
    from accelerate import Accelerator

LOSSES = "losses.jsonl"
METRICS = "metrics.jsonl"


class Journal:
    """Append-only lines, mirrored to accelerate's trackers; `keep_until` undoes the lost ones."""

    def __init__(self, folder: Path, accelerator: "Accelerator") -> None:
        self.folder = folder
        self.accelerator = accelerator

    def losses(self, step: int, update: str, values: Mapping[str, Tensor | float]) -> None:
        """Add one line for one update of one step; `values` are scalars."""
        plain = {key: float(value) for key, value in values.items()}
        self._append(LOSSES, {"step": step, "update": update, **plain})
        self.accelerator.log({f"{update}/{k}": v for k, v in plain.items()}, step=step)

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Add one line for one validation."""
        self._append(METRICS, {"step": step, **values})
        self.accelerator.log({f"dev/{k}": v for k, v in values.items()}, step=step)

    def flush(self) -> None:
        """Put the lines on the disk, so that no checkpoint is ever ahead of them."""
        for name in (LOSSES, METRICS):
            with contextlib.suppress(FileNotFoundError), (self.folder / name).open("rb") as file:
                os.fsync(file.fileno())

    def _append(self, name: str, values: Mapping[str, Any]) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(plain_numbers(values)) + "\n")


def keep_until(folder: Path, step: int) -> None:
    """Drop the lines after `step`: a resumed run writes them again.

    So goes what a kill or a power failure left: a torn line, a block of zeros, anything that is no
    line of ours. No checkpoint is ahead of its lines, so nothing is lost that counts.
    """
    for name in (LOSSES, METRICS):
        path = folder / name
        if not path.exists():
            continue
        lines = path.read_bytes().split(b"\n")[:-1]  # what no line end follows is torn
        kept = [line + b"\n" for line in lines if _until(line, step)]
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"".join(kept))


@contextlib.contextmanager
def open_journal(
    folder: Path, accelerator: "Accelerator", step: int
) -> Generator[Journal, None, None]:
    """Give the journal of a run that stands at `step`; the trackers are finished on leaving."""
    keep_until(folder, step)
    with warnings.catch_warnings():
        # TensorBoard's own imports warn on newer Pythons and numpys; nothing a user could act on.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        accelerator.init_trackers(
            "tensorboard", init_kwargs={"tensorboard": {"purge_step": step + 1}}
        )
    try:
        yield Journal(folder, accelerator)
    finally:
        for tracker in accelerator.trackers:
            tracker.finish()


def _until(line: bytes, step: int) -> bool:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return False
    found = cast("dict[str, Any]", values).get("step") if isinstance(values, dict) else None
    return isinstance(found, int) and found <= step
