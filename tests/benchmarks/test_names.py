"""Every program finds what it imports, as it does when it is run: with its own folder first.

A neighbour may hide a module that is meant, and a path that another module mends comes too late.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.programs import BENCHMARKS

FOLDERS = sorted(path for path in (BENCHMARKS, *BENCHMARKS.iterdir()) if any(path.glob("*.py")))
IMPORT_ALL = """
import runpy, sys
from pathlib import Path
folder, top = map(Path, sys.argv[1:])
before = sys.path[1:]
for path in sorted(folder.glob("*.py")):
    if "__main__" not in path.read_text():
        continue  # no program
    sys.path[:] = [str(folder), *before]
    runpy.run_path(str(path), run_name="imported")
    for name, module in list(sys.modules.items()):  # the next one finds its own
        if str(top) in str(getattr(module, "__file__", None)):
            del sys.modules[name]
"""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_program_finds_what_it_imports(folder):
    pytest.importorskip("diffusers")
    command = [sys.executable, "-c", IMPORT_ALL, str(folder), str(BENCHMARKS)]
    found = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert found.returncode == 0, found.stderr
