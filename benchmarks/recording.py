"""Results are kept as JSON, with where, when and from which commit they come."""

import datetime
import json
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

from despoof.core.device import usable_cores

OUT = Path(__file__).parent / "results"


def conditions() -> dict[str, Any]:
    """Say where, when and from which commit the figures come."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    model = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return {
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "commit": commit,
        "machine": f"{model[0].split(':')[1].strip()}, {usable_cores()} cores",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def write(name: str, values: dict[str, Any]) -> None:
    """Write one result file."""
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(json.dumps({**values, **conditions()}, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {path}")
