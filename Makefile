# `make help` lists what there is. The first target that needs it makes the environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
DATA ?= ../shared/data
OPTIONS ?=

.PHONY: help demo test docs drift faults hostile conformance lint check format bench peers scale profile clean

help:  ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/installed  ## set up, then crawl the built-in site and show the films
	@$(BIN)/crawl demo

test: $(VENV)/tested  ## set up, then run the test suite
	@$(BIN)/python -m pytest -q

docs: $(VENV)/documented  ## build the documentation into docs/_build/html
	@$(BIN)/python -m sphinx -q -W --keep-going -n -d docs/_build/doctrees docs docs/_build/html
	@echo "docs/_build/html/index.html"

drift: $(VENV)/tested  ## change good pages in all ways that sites do; what was told of it goes into docs/drift.md
	@$(BIN)/python -m tests.drift.table docs/drift.md

faults: $(VENV)/tested  ## kill processes, fill disks, set clocks; the account goes into docs/reliability.md
	@KILLS=100 TABLE=docs/reliability.md $(BIN)/python -m pytest -q tests/faults

hostile: $(VENV)/tested  ## crawl a hostile server; the table goes into docs/conformance.md
	@TABLE=docs/conformance.md $(BIN)/python -m pytest -q tests/hostile

conformance: $(VENV)/tested  ## run the suites in DATA=../shared/data; the table goes into docs/conformance.md
	@$(BIN)/python -m tests.conformance $(DATA)

lint: $(VENV)/linted  ## formatting, style, types, and the floors of the architecture
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: lint test  ## everything that has to hold before a commit

format: $(VENV)/linted  ## put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/installed  ## pages/s, CPU and memory on loopback sites; what silent hosts, rules and archives cost
	@$(BIN)/python benchmarks/crawl.py one
	@$(BIN)/python benchmarks/crawl.py many
	@$(BIN)/python benchmarks/silent.py
	@$(BIN)/python benchmarks/rules.py
	@$(BIN)/python benchmarks/busy.py
	@$(BIN)/python benchmarks/replay.py

peers: $(VENV)/measured  ## beside Scrapy and a crawler by hand, in turn (docs/performance.md)
	@$(BIN)/python benchmarks/peers.py one
	@$(BIN)/python benchmarks/peers.py many

scale: $(VENV)/measured  ## what a page costs in small and large crawls (docs/performance.md)
	@$(BIN)/python benchmarks/scale.py

profile: $(VENV)/installed  ## where the CPU time of a crawl goes, by floor and room, per page
	@$(BIN)/python benchmarks/cpu.py $(OPTIONS)

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) dist build docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or later (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1 | cut -d' ' -f2), and 3.11 or later is needed: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "the venv module is missing (Debian, Ubuntu: apt-get install python3-venv)"; exit 1; }

$(VENV)/installed: pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/tested: $(VENV)/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(VENV)/measured: $(VENV)/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[curl]'
	@touch $@

$(VENV)/linted: $(VENV)/tested
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[lint]'
	@touch $@

$(VENV)/documented: $(VENV)/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@
