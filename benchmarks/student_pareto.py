"""Error against time of every finished student: which width is worth its milliseconds?

    python benchmarks/student_pareto.py [--count 64] [--reference-steps 50] [RUN …]

Runs: folders like runs/student_light that `despoof train` finished; default: all of runs/student*.
Error: of the noise against the run's own teacher (DPM-Solver++, log-SNR, fp32) on CelebA-Spoof's
development people. Time: one face, the whole graph to the score, medians of calls in turns; torch
in fp32 and bf16, and OpenVINO where it is installed, in every precision whose export says what
torch says. Writes benchmarks/results/student_pareto.json.
"""

import argparse
import importlib.util
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recording import OUT, conditions

from despoof.core.config import read_yaml
from despoof.core.errors import WeightsError
from despoof.core.files import atomic_path
from despoof.data.samples import find_data_root, read_samples, select
from despoof.diffusion.bridge import reference_of
from despoof.evaluation.bridge_checks.faces import (
    BridgeFaces,
    bare_crop_face,
    cut_faces,
    sample_clip,
)
from despoof.evaluation.bridge_checks.fidelity import noise_fidelity
from despoof.evaluation.bridge_checks.subject import as_bridge, make_subject
from despoof.evaluation.student_gates.latency import medians
from despoof.evaluation.student_gates.subject import as_student, check_pair
from despoof.export.faces import drawn_faces
from despoof.export.record import Precision
from despoof.export.scorer import open_export
from despoof.export.write import Asked, export
from despoof.face.crop import CropConfig
from despoof.systems.experiment import Experiment
from despoof.systems.saving import load_system
from despoof.systems.student.recipe import RecipeConfig
from despoof.systems.student.system import Student

RESULT = OUT / "student_pareto.json"
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "int8")
KEPT = ("correlation_median", "correlation_5th", "relative_l2")


def finished(folders: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the runs that hold weights and an experiment, and the names of those that do not."""
    whole = [f for f in folders if (f / "weights" / "model.safetensors").is_file()]
    whole = [f for f in whole if (f / "experiment.yaml").is_file()]
    return whole, [str(f) for f in folders if f not in whole]


def teacher_of(run: Path) -> str | None:
    """Return the folder of a run's teacher; None where the simulator alone has taught."""
    values = Experiment.parse(read_yaml(run / "experiment.yaml"), str(run))
    return RecipeConfig.parse(values.recipe, f"{run}, recipe").teacher


def faces_for(crop: CropConfig, count: int) -> BridgeFaces:
    """Cut CelebA-Spoof's development faces."""
    samples = select(read_samples(find_data_root(), "celeba-spoof"), "dev")
    return cut_faces([sample_clip(s) for s in samples], crop, count, bare_crop_face)


def errors(
    student: Student, teacher: str, count: int, steps: int, known: dict[Any, Any]
) -> dict[str, float]:
    """Hold a student's noise against its teacher's, which is computed once for all its students."""
    master = as_bridge(load_system(Path(teacher))[1])
    check_pair(student, master)
    key = (teacher, student.config.crop.digest())
    if key not in known:
        subject = make_subject(master, faces_for(student.config.crop, count))
        bridge = reference_of(master.config.bridge, steps)
        known[key] = subject.pixels, subject.cross(config=bridge, bf16=False).noise
    pixels, reference = known[key]
    noise = torch.cat([student.noise(part) for part in pixels.split(16)])
    found = noise_fidelity(noise, reference)
    bands = [value for name, value in found.items() if name.startswith("band_")]
    return {name: found[name] for name in KEPT} | {
        "worst_band": max(bands, key=lambda value: abs(value - 1))
    }


def exported(weights: Path, crop: CropConfig, precision: Precision) -> Callable[[], object] | None:
    """Return one call of the student as OpenVINO; None without it, or where the gate refuses."""
    if importlib.util.find_spec("openvino") is None or importlib.util.find_spec("onnx") is None:
        return None
    gate, others = drawn_faces(200, crop), drawn_faces(96, crop, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        asked = Asked("openvino", precision)
        try:
            export(weights, Path(folder) / "e", asked, lambda record: [gate, others], "drawn")
        except WeightsError as refused:
            print(f"skipped: {refused}")
            return None
        scorer = open_export(Path(folder) / "e")
    one = np.ascontiguousarray(gate[:1])
    return lambda: scorer.score_crops(one)


def works_of(student: Student, weights: Path) -> dict[str, Callable[[], object]]:
    """Return the ways to run a student, by name: each scores one face."""
    quick, size = student.for_inference(), student.config.crop.size
    face = torch.zeros(1, 3, size, size)

    def in_bf16() -> object:
        with torch.autocast("cpu", torch.bfloat16):
            return quick.score(face)

    works: dict[str, Callable[[], object]] = {
        "torch fp32": lambda: quick.score(face),
        "torch bf16": in_bf16,
    }
    for precision in PRECISIONS:
        work = exported(weights, student.config.crop, precision)
        works |= {} if work is None else {f"openvino {precision}": work}
    return works


def on_the_front(rows: Sequence[dict[str, Any]], error: str = "relative_l2") -> list[bool]:
    """Say of each row whether no other is at least as quick and as near, and better in one.

    >>> on_the_front([{"ms": 1, "relative_l2": 2}, {"ms": 2, "relative_l2": 2}])
    [True, False]
    """
    values = [(row["ms"], row.get(error, np.inf)) for row in rows]
    return [
        not any(m <= ms and e <= off and (m, e) != (ms, off) for m, e in values)
        for ms, off in values
    ]


def measure(runs: Sequence[Path], count: int, steps: int, repeats: int) -> list[dict[str, Any]]:
    """Measure every run: one row for each way to run it."""
    known: dict[Any, Any] = {}
    facts: list[dict[str, Any]] = []
    works: dict[str, tuple[Callable[[], Any], int]] = {}
    for run in runs:
        student = as_student(load_system(run / "weights")[1])
        teacher = teacher_of(run)
        found = {} if teacher is None else errors(student, teacher, count, steps, known)
        parameters = sum(p.numel() for p in student.network.parameters())
        for name, work in works_of(student, run / "weights").items():
            facts.append({"run": run.name, "how": name, "parameters": parameters, **found})
            works[f"{run.name}/{name}"] = (work, repeats)
    times = medians(works) if works else {}
    rows = [row | {"ms": 1000 * times[f"{row['run']}/{row['how']}"]} for row in facts]
    return [row | {"front": front} for row, front in zip(rows, on_the_front(rows), strict=True)]


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=64, help="faces whose noise is compared")
    parser.add_argument("--reference-steps", type=int, default=50, help="of the teacher, each way")
    parser.add_argument("--repeats", type=int, default=50, help="timed calls")
    asked = parser.parse_args()
    runs, unfinished = finished(asked.runs or sorted(Path("runs").glob("student*")))
    for name in unfinished:
        print(f"skipped: {name} is no finished run")
    if not runs:
        raise SystemExit("No finished student: despoof train experiments/small/student.yaml")
    rows = measure(runs, asked.count, asked.reference_steps, asked.repeats)
    for row in sorted(rows, key=lambda row: row["ms"]):
        error = f"{row['relative_l2']:.3f}" if "relative_l2" in row else "–"
        middle = f"{row['correlation_median']:.3f}" if "correlation_median" in row else "–"
        print(
            f"{'*' if row['front'] else ' '} {row['run']:20} {row['how']:12} "
            f"{row['parameters'] / 1e6:5.2f} M {row['ms']:8.2f} ms  error {error}  corr. {middle}"
        )
    print("* = no other is as quick and as near")
    kept = {
        "count": asked.count,
        "reference_steps": asked.reference_steps,
        "threads": torch.get_num_threads(),
        "skipped": unfinished,
        "rows": rows,
        **conditions(),
    }
    with atomic_path(RESULT) as path:
        path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
