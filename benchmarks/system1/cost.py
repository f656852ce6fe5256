"""What a bridge costs: evaluations, milliseconds, memory; ratios to the paper's in the same run.

    python benchmarks/system1/cost.py [WEIGHTS] [--repeats 3] [--name system1_cost]

Every setting in a process of its own, for its peak of memory; bf16 only where the processor
computes in it. Writes results/NAME.json.
"""

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
import torch
from bridges import OURS, PAPERS, WAYS
from recording import write
from torch import Tensor

from despoof.core.device import bf16_is_quick, usable_cores
from despoof.systems.despoofing_diffusion.system import DespoofingDiffusion
from despoof.systems.saving import load_system
from despoof.weights.registry import resolve

PLAN = [
    *[("torch", PAPERS, 1, precision) for precision in ("bf16", "fp32")],
    *[("torch", OURS, batch, precision) for precision in ("bf16", "fp32") for batch in (1, 8, 32)],
    *[("torch", name, 1, "fp32") for name in ("O-BELM 10 + 10", "DPM-Solver++ 20 + 20")],
    *[("openvino", OURS, batch, "fp32") for batch in (1, 8, 32)],
]


def one(weights: str, setting: list[str], repeats: int) -> None:
    """Time one setting (engine, way, batch, precision); print it as JSON."""
    engine, way, precision = setting[0], setting[1], setting[3]
    batch = int(setting[2])
    torch.set_num_threads(usable_cores())
    system = load_system(resolve(weights))[1].with_bridge(WAYS[way], precision)
    faces = torch.rand(batch, 3, *[system.config.crop.size] * 2) * 2 - 1
    if engine == "openvino":
        put_openvino(system, faces)
    nfe = system.bridged(faces).nfe
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        system.score(faces)
        times.append((time.perf_counter() - start) * 1000 / batch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "engine": engine,
                "way": way,
                "batch": batch,
                "precision": precision,
                "nfe": nfe,
                "ms_per_face": float(np.median(times)),
                "peak_mb": peak,
                "repeats": repeats,
            }
        )
    )


def put_openvino(system: DespoofingDiffusion, faces: torch.Tensor) -> None:
    """Run the tied UNet by OpenVINO; the solver stays torch's."""
    import openvino

    net = system.fields.nets[0]
    fold = system.config.fields.fold
    x = torch.nn.functional.pixel_unshuffle(faces, fold)
    times, labels = torch.ones(len(x)), torch.zeros(len(x), dtype=torch.long)

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor, t: Tensor, c: Tensor) -> Tensor:
            return self.net(x, t, class_labels=c).sample

    model = openvino.convert_model(Plain().eval(), example_input=(x, times, labels))
    run = openvino.compile_model(model, "CPU")

    class Answer:
        def __init__(self, sample: torch.Tensor) -> None:
            self.sample = sample

    def forward(x: torch.Tensor, t: torch.Tensor, class_labels: torch.Tensor) -> Answer:
        given = [x.float().numpy(), t.float().numpy(), class_labels.numpy()]
        return Answer(torch.from_numpy(np.array(run(given)[0])))

    net.forward = forward


def main() -> None:
    """Time every setting of the plan in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", nargs="?", default="despoofing-diffusion")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--name", default="system1_cost", help="of the result file")
    parser.add_argument("--one", nargs=4)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.weights, arguments.one, arguments.repeats)
        return
    rows = []
    for setting in (s for s in PLAN if s[3] != "bf16" or bf16_is_quick()):
        own = ["--repeats", str(arguments.repeats), "--one", *map(str, setting)]
        command = [sys.executable, __file__, arguments.weights, *own]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
    paper = rows[0]["ms_per_face"]
    for row in rows:
        row["times_faster_than_paper"] = paper / row["ms_per_face"]
    write(arguments.name, {"rows": rows, "weights": arguments.weights})


if __name__ == "__main__":
    main()
