# The one place for every command of the project. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two processes, a local cloud each; a file's tests stay together, as they share what they set up.
PARALLEL := --numprocesses 2 --dist loadfile
LOCK := $(BIN)/pip-compile --quiet --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--strip-extras --no-header --no-annotate --allow-unsafe

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.installed ## make the virtual environment with the pinned packages

$(VENV)/.installed: requirements-dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "ses-fleet needs Python 3.11 or newer: no $(PYTHON) on PATH" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "ses-fleet needs Python 3.11 or newer: $(PYTHON) is $$($(PYTHON) -V 2>&1); try make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "ses-fleet needs Python's venv module: install your system's python3-venv package" >&2; exit 1; }
	@echo "Setting up $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: demo
demo: setup ## run describe-list-all in the local cloud on examples/
	@$(BIN)/ses-fleet invoke describe-list-all --local; code=$$?; \
	echo; echo "exit_code of this run: $$code (0 all well, 1 some customer failed, 2 refused, 3 no summary)"; \
	test $$code -le 1

.PHONY: check
check: setup ## lint, types and the direction of imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: test
test: check ## what CI runs: checks and tests
	@$(BIN)/pytest $(PARALLEL)

.PHONY: test-all
test-all: check ## the tests and the long matrices
	@$(BIN)/pytest $(PARALLEL) -m ""

.PHONY: format
format: setup ## rewrite the code in the project's style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

.PHONY: bench
bench: setup ## measure everything in docs/benchmarks.md, about four minutes
	@$(BIN)/python -m bench.fan_out
	@$(BIN)/python -m bench.worker_cpu
	@$(BIN)/python -m bench.large_list
	@$(BIN)/python -m bench.large_results
	@$(BIN)/python -m bench.manage_topics
	@$(BIN)/python -m bench.imports

.PHONY: readme
readme: setup ## write the summary in README.md anew
	@$(BIN)/python docs/update_readme.py

.PHONY: lock
lock: setup ## resolve pyproject.toml into the pinned requirements files
	@$(LOCK) --extra tools --extra dev --output-file requirements-dev.txt pyproject.toml
	@$(LOCK) --extra tools --constraint requirements-dev.txt --output-file requirements.txt pyproject.toml
	@$(LOCK) --constraint requirements-dev.txt --output-file lambdas/requirements.txt pyproject.toml
