"""The programs of benchmarks/, which is no package, as modules."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def program(name: str, folder: str = "") -> ModuleType:
    """Import `benchmarks/[FOLDER/]NAME.py` as python does when it is run, with its folder first.

    The path is left as it was: some programs have names that packages have, too.
    """
    before = list(sys.path)
    sys.path[:0] = [str(BENCHMARKS / folder), str(BENCHMARKS)]
    try:
        return importlib.import_module(name)
    finally:
        sys.path[:] = before
