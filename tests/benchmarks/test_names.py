"""A program's own folder comes first on its path: a neighbour may hide a module that is meant."""

import ast

import pytest

from benchmarks.programs import BENCHMARKS

FOLDERS = sorted(path for path in BENCHMARKS.iterdir() if any(path.glob("*.py")))


def imported(path):
    """Names of top-level modules that a program imports by itself, without its folder's name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_neighbour_hides_what_a_program_imports(folder):
    common = {path.stem for path in BENCHMARKS.glob("*.py")}
    hidden = {path.stem for path in folder.glob("*.py")} & common
    meant = {name for path in folder.glob("*.py") for name in imported(path)}
    assert not hidden & meant
