"""System 1's medium rung on a machine with one GPU, in slices of its time.

    python benchmarks/medium_rung.py pack medium.pack                  # here, where the data lies
    python benchmarks/medium_rung.py train medium.pack runs/medium --seconds 560   # there, again
    python benchmarks/medium_rung.py pictures runs/despoofing_diffusion/experiment.yaml   # any run

`pack` writes one file of at most 60 MB: the experiment and all its crops, simulated attacks, too.
`train` opens it, trains both stages, and stops by itself before the seconds are over, with an exact
checkpoint: the same command goes on from it, on that machine or with the folder on another. It
exits with 0 when all is done and with 3 when it stopped before. Beside checkpoints it leaves
`<folder>/run/weights`, as `despoof train` does, and `<folder>/run/pictures`. `pictures` draws a
run that is done. Each command prints one line of JSON.
"""

import argparse
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from medium_pack import open_pack, write_pack

from despoof.core.config import override
from despoof.core.errors import DespoofError
from despoof.systems.despoofing_diffusion.illustrate import illustrate
from despoof.systems.experiment import Experiment, read_experiment, train_experiment
from despoof.systems.records import system_record
from despoof.training.loop import run_stages
from despoof.training.stage import Stage

EXPERIMENT = Path(__file__).parent.parent / "experiments" / "medium" / "despoofing_diffusion.yaml"
LARGEST = 60_000_000
"""Bytes of a pack."""
MARGIN = 30.0
"""Seconds between asking to stop and the end: for the step under way and the checkpoint."""
STOPPED = 3


def pack(path: Path, settings: Sequence[str]) -> dict[str, Any]:
    """Write the medium rung's pack; a file that is too large is removed again."""
    found = write_pack(read_experiment(EXPERIMENT, settings), path)
    if found["bytes"] > LARGEST:
        path.unlink()
        raise SystemExit(
            f"The pack has {found['bytes']} bytes, at most {LARGEST} are taken. Set smaller limits "
            "for the sources, or a smaller data.stored_size."
        )
    return found


def train(path: Path, folder: Path, seconds: float, settings: Sequence[str]) -> dict[str, Any]:
    """Train for at most that long; `state` is done or stopped."""
    start = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    state, place = "stopped", None
    with contextlib.suppress(KeyboardInterrupt), stopped_after(seconds - MARGIN):
        experiment = open_pack(path, folder)
        experiment = Experiment.parse(override(experiment.plain(), settings), "--set")
        for result in train_experiment(experiment):
            results.append({"stage": result.folder.name, **result.best_metrics})
        place = str(pictures(experiment))
        state = "done"
    took = round(time.monotonic() - start, 1)
    return {"state": state, "seconds": took, "stages": results, "pictures": place}


def pictures(experiment: Experiment) -> Path:
    """Draw a run that is done; return the pictures' folder."""
    record = system_record(experiment.system)
    made: list[Stage] = []

    def stages() -> Iterator[Stage]:
        config, recipe = (
            record.config.parse(experiment.model),
            record.recipe.parse(experiment.recipe),
        )
        for stage in record.stages(config, recipe, experiment.data, experiment.seed):
            made.append(stage)
            yield stage

    names = {name: experiment.train for name in record.stage_names} | experiment.settings()
    folder = Path(experiment.output)
    run_stages(stages(), names, folder, progress=False)  # they are done, and only loaded
    return illustrate(made, folder)


@contextlib.contextmanager
def stopped_after(seconds: float) -> Generator[None]:
    """Press Ctrl-C after some seconds: training then ends its step and leaves a checkpoint."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job has none
    timer = threading.Timer(max(0.0, seconds), os.kill, (os.getpid(), signal.SIGINT))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("pack", "train", "pictures"))
    parser.add_argument("path", type=Path, help="the pack; of pictures, an experiment.yaml")
    parser.add_argument("folder", type=Path, nargs="?", help="of train")
    parser.add_argument("--seconds", type=float, default=1500.0, help="of train, all in all")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args(arguments)
    if given.what == "train" and given.folder is None:
        parser.error("train needs a folder")
    try:
        if given.what == "pack":
            found = pack(given.path, given.set)
        elif given.what == "train":
            found = train(given.path, given.folder, given.seconds, given.set)
        else:
            found = {"pictures": str(pictures(read_experiment(given.path, given.set)))}
    except DespoofError as error:
        raise SystemExit(str(error)) from error
    print(json.dumps(found))
    return STOPPED if found.get("state") == "stopped" else 0


if __name__ == "__main__":
    raise SystemExit(main())
