"""Judge System 3 and the RGB control on NUAA with the product's own commands, and publish it.

    python benchmarks/nuaa_report.py       # writes docs/reports/nuaa/; needs both runs' weights

No pictures go into the report: NUAA shows private people. What the commands print is copied into
README.md there, word by word.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from recording import conditions

from despoof.data.samples import find_data_root

HERE = Path(__file__).parent.parent
WORK = HERE / "runs" / "nuaa_report"
OUT = HERE / "docs" / "reports" / "nuaa"
SYSTEMS = {"system3": "face_despoofing", "rgb-control": "rgb_baseline"}
CRITERIA = ("eer", "apcer=0.05", "apcer=0.01", "bpcer=0.05", "bpcer=0.05 --live-only")
TEXT = """# System 3 and its RGB control on NUAA

Made by `python benchmarks/nuaa_report.py`; everything below is what the commands printed.
{date}, commit {commit}; {machine}, torch {torch}.
Weights: `experiments/small/face_despoofing.yaml` (1,200 steps) and `rgb_baseline.yaml` (300 steps),
both on CelebA-Spoof + NUAA; see [results](../../results.md).

[The full report](report.html) (to be opened in a browser), [JSON](report.json),
[CSV](summary.csv). NUAA's test part is one session of real prints before a webcam; its people also
appear in training. The threshold of each system is the EER threshold of the two development
people, who are far too few: read the intervals.

"""


def run(command: str, *, say: str = "") -> str:
    """Run a despoof command in WORK; return it with what it printed, as a code block."""
    words = [str(HERE / ".venv" / "bin" / "despoof"), *shlex.split(command)[1:]]
    env = {**os.environ, "COLUMNS": "140", "TERM": "dumb"}
    done = subprocess.run(
        words, cwd=WORK, capture_output=True, text=True, check=False, env=env, timeout=1800
    )
    if done.returncode not in (0, 2):
        sys.exit(f"{command} failed: {done.stderr}")
    printed = (done.stdout + done.stderr).strip()
    return f"```\n$ {say or command}\n{printed}\n```\n\n"


def main() -> None:
    """Divide, score, evaluate, calibrate."""
    root = find_data_root().resolve()
    WORK.mkdir(parents=True, exist_ok=True)
    table = WORK / "nuaa.csv"
    run(f"despoof data protocol {root}/nuaa.csv official -o {table}")
    for name, folder in SYSTEMS.items():
        for split in ("dev", "test"):
            scores = WORK / f"{name}-{split}.csv"
            weights = HERE / "runs" / folder / "weights"
            run(f"despoof score {table} --split {split} --weights {weights} -o {scores}")
            text = scores.read_text(encoding="utf-8").replace(f"{root}/", "")
            (WORK / f"{name}-nuaa-{split}.csv").write_text(text, encoding="utf-8")
    tests = " ".join(f"{name}-nuaa-test.csv" for name in SYSTEMS)
    devs = " ".join(f"--dev {name}-nuaa-dev.csv" for name in SYSTEMS)
    evaluate = f"despoof evaluate {tests} {devs} --no-thumbnails"
    text = TEXT.format(**conditions()) + "## Test\n\n"
    text += run(
        f"{evaluate} --manifest {root}/nuaa.csv -o {OUT}", say=f"{evaluate} --manifest nuaa.csv"
    ).replace(str(OUT), "docs/reports/nuaa")
    text += "## Thresholds from the development people\n\n"
    for criterion in CRITERIA:
        text += run(f"despoof calibrate system3-nuaa-dev.csv --criterion {criterion}")
    (OUT / "README.md").write_text(text.rstrip() + "\n", encoding="utf-8")
    print(f"wrote {OUT}")


if __name__ == "__main__":
    main()
