"""Measure `despoof watch` on a 640×480 video; write benchmarks/results/watch.json and print it.

    python benchmarks/watch.py                 # makes the video, watches it in four ways
    python benchmarks/watch.py --make clip.mp4 # only makes the video

The video is made: the embedded portrait, simulated as a live face for its first half and as a print
of it for the second, drifts over a background at 25 frames a second, in H.264. Whole processes are
timed from outside; frames a second are the process's own, without its start. Processor time, with
the start taken off, is given too: where other programs use the cores, wall time says more about
them than about this one, and 1000 / ms is what one free core could do.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from recording import conditions

from despoof.evaluation.sample import sample_pictures

RATE, SECONDS, SIZE = 25, 8, (640, 480)
TARGET = 25.0
WAYS = {
    "decisions": ["--json", "--events"],
    "decisions, annotated video": ["--json", "--events"],
    "decisions, annotated video without inset": ["--json", "--events", "--inset", "0"],
    "decisions, every frame searched and scored": [
        *("--json", "--events", "--set", "detect_every=0", "--set", "score_every=0")
    ],
}


def make_video(path: Path) -> None:
    """Write the test video: a live face, then a print in its place."""
    pictures = list(sample_pictures().values())
    small = [np.asarray(Image.fromarray(p).resize((400, 400))) for p in pictures[:2]]
    rng = np.random.default_rng(0)
    scene = rng.integers(90, 120, (SIZE[1] // 8, SIZE[0] // 8, 3), dtype=np.uint8)
    scene = np.asarray(Image.fromarray(scene).resize(SIZE, Image.Resampling.BICUBIC))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        count = RATE * SECONDS
        for number in range(count):
            picture = scene.copy()
            left = 120 + round(60 * np.sin(2 * np.pi * number / 100))
            top = 40 + round(20 * np.cos(2 * np.pi * number / 75))
            picture[top : top + 400, left : left + 400] = small[int(number >= count // 2)]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def run(clip: Path, options: list[str], start: float) -> dict[str, Any]:
    """Watch once; return what the summary says and what the process took after its start."""
    command = [sys.executable, "-m", "despoof", "watch", str(clip), *options]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    lines = [json.loads(line) for line in child.stdout]
    _, _, usage = os.wait4(child.pid, 0)
    summary = lines[-1]
    changes = [line for line in lines if line["kind"] == "event"]
    return {
        "frames": summary["frames"],
        "frames_per_second": round(summary["frames_per_second"], 1),
        "processor_ms_per_frame": round(
            1000 * (usage.ru_utime + usage.ru_stime - start) / summary["frames"], 1
        ),
        "peak_mb": round(usage.ru_maxrss / 1024),
        "label": summary["label"],
        "changes": [f"{c['time']:.2f} s {c['event']} {c['label']}" for c in changes],
    }


def start_up() -> float:
    """Seconds of processor time that a process takes before its first frame."""
    code = "import despoof; despoof.load(); import av, cv2"
    child = subprocess.Popen([sys.executable, "-c", code])
    _, _, usage = os.wait4(child.pid, 0)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Make the video and watch it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--make", type=Path, metavar="FILE", help="only write the video there")
    arguments = parser.parse_args()
    if arguments.make:
        make_video(arguments.make)
        return
    rows: dict[str, Any] = {}
    start = start_up()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        make_video(clip)
        for name, options in WAYS.items():
            extra = ["--out", str(Path(folder) / "out.mp4")] if "video" in name else []
            rows[name] = run(clip, [*options, *extra], start)
            row = rows[name]
            print(
                f"{name:44} {row['frames_per_second']:6.1f} frames/s  "
                f"{row['processor_ms_per_frame']:5.1f} ms processor/frame  {row['label']}"
            )
            print("   " + " · ".join(row["changes"]))
    result = {
        "video": {"size": SIZE, "rate": RATE, "seconds": SECONDS},
        "target_frames_per_second": TARGET,
        "start_up_processor_s": round(start, 2),
        "load_average": round(os.getloadavg()[0], 1),
        "rows": rows,
        **conditions(),
    }
    out = Path(__file__).parent / "results" / "watch.json"
    out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"start-up {result['start_up_processor_s']} s; load average {result['load_average']}")


if __name__ == "__main__":
    main()
