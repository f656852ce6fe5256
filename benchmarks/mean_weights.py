"""The mean of the weights of two runs, as a run of its own.

    python benchmarks/mean_weights.py runs/texture_long runs/texture_colour -o runs/texture_mean
        --side 224 --scale 1.45     # and what it looks at: side of the crop, side / face

The second run must have begun from the first (`recipe.begin`), or lie near it in another way: the
mean of strangers is no network. It keeps the second one's experiment; `mean.json` names both.
"""

import argparse
import json
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from despoof.core.errors import InputError
from despoof.systems.saving import CONFIG, MODEL, load_system

NOTE = "mean.json"


def mean_of(first: dict[str, Tensor], second: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the mean of two networks' tensors; whole numbers (counters) are the second one's.

    Raises:
        InputError: they are not of one shape.
    """
    shapes = [{key: value.shape for key, value in each.items()} for each in (first, second)]
    if shapes[0] != shapes[1]:
        odd = sorted(set(shapes[0].items()) ^ set(shapes[1].items()))[:2]
        raise InputError(f"The networks differ, e.g. in {odd}; expected two of one shape.")
    return {
        key: (value + first[key]) / 2 if value.is_floating_point() else value
        for key, value in second.items()
    }


def main() -> None:
    """Write the run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--side", type=int, help="of the crop, pixels; else the second run's")
    parser.add_argument("--scale", type=float, help="crop / face; else the second run's")
    asked = parser.parse_args()
    runs = (asked.first, asked.second)
    mixed = mean_of(*(load_file(run / "weights" / MODEL) for run in runs))
    folder = asked.output / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    save_file(mixed, folder / MODEL)
    values = json.loads((asked.second / "weights" / CONFIG).read_text(encoding="utf-8"))
    crop = {"size": asked.side, "scale": asked.scale}
    values["config"]["crop"] |= {key: value for key, value in crop.items() if value is not None}
    (folder / CONFIG).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(asked.second / "experiment.yaml", asked.output / "experiment.yaml")
    names = [run.name for run in runs]
    (asked.output / NOTE).write_text(json.dumps({"of": names}) + "\n", encoding="utf-8")
    load_system(folder)
    print(f"wrote {asked.output}, the mean of {' and '.join(names)}")


if __name__ == "__main__":
    main()
