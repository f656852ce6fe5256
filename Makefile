# `make demo` and `make test` need Debian's python3 (3.11 or later), python3-venv and make; the rest
# they install into .venv. pip runs only when pyproject.toml or constraints.txt has changed, so
# everything works offline once the packages are there.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-all lint check bench clean
.DELETE_ON_ERROR:

demo: .venv/.base   ## check the embedded sample; pictures go to demo/
	$(BIN)/despoof demo -o demo

test: .venv/.dev    ## the quick tests
	$(BIN)/python -m pytest -q -m "not slow"

test-all: .venv/.dev    ## every test, with coverage; fails below the limit in pyproject.toml
	$(BIN)/python -m pytest -q --cov --cov-report=term

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

check: lint test-all    ## all gates; what .ci/run calls

# The other programs in benchmarks/ need trained runs or data that is not part of the repository.
bench: .venv/.dev   ## speed and memory on this machine: the product, metrics, datasets, loader, simulator
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/metrics.py
	$(BIN)/python benchmarks/datasets.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/loader.py
	$(BIN)/python benchmarks/simulator.py

clean:  ## all that can be made again, .venv too; trained runs stay
	rm -rf .venv demo cache build dist .coverage .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# Stamps: a file in .venv says what is installed. torch comes first and by itself, at its pinned
# version, so that pip takes the build that its settings prefer (the CPU build, where they name one).

.venv/.torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "despoof needs Python 3.11 or later; say which with: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. Run: apt install python3-venv" >&2; exit 1; }
	test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null || $(PYTHON) -m venv --clear .venv
	$(PIP) torch
	touch $@

.venv/.base: .venv/.torch pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

.venv/.dev: .venv/.torch pyproject.toml constraints.txt
	$(PIP) -e '.[dev]'
	touch .venv/.base $@
