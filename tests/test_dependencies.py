"""What is imported is declared, under the extra that the code names, and pinned."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
UNDECLARED = {
    "bob",  # its own environment: tests/metrics/make_bob_measure.py
    "efficientnet_lite_pytorch",  # read out of a wheel that the caller names: pretrained.py
}


def plain(requirement):
    return re.split(r"[<>=\[;\s]", requirement)[0].lower().replace("_", "-")


def of_extra(name):
    """Distributions of an extra, with those of the extras that it names."""
    found = set()
    for requirement in EXTRAS[name]:
        if plain(requirement) == PROJECT["name"]:
            inner = re.search(r"\[(.*)\]", requirement)[1].split(",")
            found |= {one for extra in inner for one in of_extra(extra)}
        else:
            found.add(plain(requirement))
    return found


@cache
def trees(folder):
    return [ast.parse(path.read_text("utf-8")) for path in (ROOT / folder).rglob("*.py")]


def imported(folder):
    """Top names that a folder's files import, the standard library's and our own left out."""
    names = set()
    for node in (node for tree in trees(folder) for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.partition(".")[0])
    # Tests import programs of benchmarks, and those one another, whichever folder they lie in.
    ours = [*(ROOT / folder).glob("*"), *(ROOT / "benchmarks").rglob("*")]
    own = {path.stem for path in ours} | {"despoof", "tests"}
    return names - set(sys.stdlib_module_names) - own - UNDECLARED


@cache
def packages():
    return importlib.metadata.packages_distributions()


def distributions(names):
    return {plain(packages()[name][0]) for name in names}


def test_src_imports_what_one_photograph_needs_or_what_an_extra_brings():
    base = {plain(one) for one in PROJECT["dependencies"]}
    optional = {one for extra in EXTRAS if extra != "dev" for one in of_extra(extra)}
    assert distributions(imported("src")) <= base | optional


@pytest.mark.parametrize("folder", ["tests", "benchmarks"])
def test_tests_and_benchmarks_import_what_dev_brings(folder):
    base = {plain(one) for one in PROJECT["dependencies"]}
    assert distributions(imported(folder)) <= base | of_extra("dev")


def test_an_extra_that_is_asked_for_holds_the_package():
    calls = {
        (node.args[0].value, node.args[1].value)
        for tree in trees("src")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "need"
        if all(isinstance(one, ast.Constant) for one in node.args)
    }
    assert calls
    for module, extra in calls:
        assert distributions([module.partition(".")[0]]) <= of_extra(extra), (module, extra)


def test_every_direct_dependency_is_pinned():
    pins = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {plain(line) for line in pins if "==" in line}
    direct = {plain(one) for one in PROJECT["dependencies"]}
    assert direct | {one for extra in EXTRAS for one in of_extra(extra)} <= pinned
