"""Measure start-up, memory and latency; write benchmarks/results/speed.json and print it.

python benchmarks/speed.py

Whole processes are timed from outside (median of RUNS after one warm-up); the warm figures are
medians inside one process. Pictures: the embedded portrait, scaled into 640×480.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from PIL import Image
from recording import conditions
from skimage import data

import despoof
from despoof.core.device import usable_cores

RUNS = 5
TARGETS = {
    "import despoof, s": 0.3,
    "despoof --help, s": 0.6,
    "cold check of a photo, s": 3.0,
    "cold check of a photo, MB": 900.0,
    "cold check of a 10-s video, s": 2.0,
    "warm photo end to end, ms": 100.0,
}


def photo() -> np.ndarray:
    """A 640×480 picture with one face of about 130 px."""
    canvas = np.full((480, 640, 3), 90, np.uint8)
    canvas[:, 80:560] = np.asarray(Image.fromarray(data.astronaut()).resize((480, 480)))
    return canvas


def video(path: Path, picture: np.ndarray) -> None:
    """Ten seconds of the picture, drifting, 25 frames a second, H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for i in range(250):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, i % 20, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def process(command: list[str]) -> tuple[float, float]:
    """Median seconds and largest peak memory (MB) of a command."""
    times: list[float] = []
    peaks: list[float] = []
    for run in range(RUNS + 1):
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(child.pid, 0)
        if run:
            times.append(time.perf_counter() - start)
            peaks.append(usage.ru_maxrss / 1024)
    return statistics.median(times), max(peaks)


def inside(work: Callable[[], object], runs: int = 30) -> float:
    """Median milliseconds of a call after three warm-ups."""
    times: list[float] = []
    for run in range(runs + 3):
        start = time.perf_counter()
        work()
        if run >= 3:
            times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def warm(path: Path) -> dict[str, float]:
    """Latency of one photo in a running process, and its parts."""
    torch.set_num_threads(usable_cores())
    detector = despoof.load()
    picture = photo()
    size = detector.crop.size
    faces = torch.zeros(1, 3, size, size)
    return {
        "warm photo end to end, ms": inside(lambda: detector.check(path)),
        "detection alone, ms": inside(lambda: detector.face_detector(picture)),
        "network, score alone, ms": inside(lambda: detector.system.score(faces)),
        "network, with evidence, ms": inside(lambda: detector.system.decompose(faces)),
    }


def main() -> None:
    """Measure everything."""
    figures: dict[str, Any] = {}
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        still, clip = Path(folder) / "photo.jpg", Path(folder) / "clip.mp4"
        Image.fromarray(photo()).save(still, quality=92)
        video(clip, photo())
        empty = process([python, "-c", "pass"])[0]
        figures["python -c pass, s"] = empty
        figures["import despoof, s"] = process([python, "-c", "import despoof"])[0] - empty
        cli = [python, "-m", "despoof"]
        figures["despoof --help, s"] = process([*cli, "--help"])[0]
        seconds, memory = process([*cli, "check", str(still)])
        figures["cold check of a photo, s"] = seconds
        figures["cold check of a photo, MB"] = memory
        figures["cold check of a 10-s video, s"] = process([*cli, "check", str(clip)])[0]
        figures |= warm(still)
    figures = {key: round(value, 3) for key, value in figures.items()}
    result = {"runs": RUNS, "figures": figures, "targets": TARGETS, **conditions()}
    out = Path(__file__).parent / "results" / "speed.json"
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for key, value in figures.items():
        target = f"target ≤ {TARGETS[key]:g}" if key in TARGETS else ""
        print(f"{key:32} {value:10.3f}  {target}")
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss} kB")


if __name__ == "__main__":
    main()
