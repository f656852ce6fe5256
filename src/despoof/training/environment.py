"""Where a run was made: versions and hardware; no host names and no paths."""

import importlib.metadata
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from despoof.core.device import usable_cores
from despoof.core.files import atomic_path

PACKAGES = ("despoof", "torch", "accelerate", "diffusers", "kornia", "numpy", "safetensors")


def describe_environment() -> dict[str, Any]:
    """Return plain facts about this machine and this installation."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_model(),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "git_commit": _git_commit(),
    }


def record_environment(path: Path, from_step: int) -> None:
    """Write this session's environment; those of earlier sessions move to `earlier`."""
    facts = describe_environment() | {"from_step": from_step, "earlier": list[Any]()}
    if from_step and path.exists():
        before = json.loads(path.read_text("utf-8"))
        facts["earlier"] = [*before.pop("earlier", []), before]
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(facts, indent=2), encoding="utf-8")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _git_commit() -> str | None:
    """Return the commit of the source tree, "+" where files differ; None for an installed wheel."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    answers: list[str] = []
    for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]):
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=Path(__file__).parent,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
                timeout=20,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        answers.append(done.stdout.strip())
    return answers[0] + ("+" if answers[1] else "")
