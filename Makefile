# The one place for every command of the project. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Four processes, a local cloud each, as much of the time is waited; a file's tests stay together, as they share what they
# set up, and the folders with long files come first, as tests/conftest.py orders them.
PARALLEL := --numprocesses 4 --dist loadfile --no-loadscope-reorder
# Node 20 works and is said to be old at every start: once is enough, in docs/operating.md.
CDK := JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED=1 node_modules/.bin/cdk
# Where a shell has it set, each of the many processes would compile what it imports anew.
unexport PYTHONDONTWRITEBYTECODE
# Passed on to the CDK, such as --profile NAME.
CDK_FLAGS ?=
LOCK := $(BIN)/pip-compile --quiet --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--strip-extras --no-header --no-annotate --allow-unsafe

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
check: setup ## lint, types, the direction of imports, and CloudFormation's templates
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/cfn-lint

.PHONY: test
test: check cdk ## what CI runs: checks and tests
	@$(BIN)/pytest $(PARALLEL)

.PHONY: test-all
test-all: check cdk ## the tests with the long matrices, and the local cloud's under aws conditions and over TLS
	@$(BIN)/pytest $(PARALLEL) -m ""
	@$(MAKE) --no-print-directory test-aws
	@$(MAKE) --no-print-directory test-tls

.PHONY: test-aws
test-aws: setup ## the local cloud's tests in one as unkind as AWS
	@SES_FLEET_TEST_CONDITIONS=aws $(BIN)/pytest $(PARALLEL) tests/local_cloud

.PHONY: test-tls
test-tls: setup ## the local cloud's tests over HTTPS
	@SES_FLEET_TEST_TLS=1 $(BIN)/pytest $(PARALLEL) tests/local_cloud

CHAOS_RUNS ?= 300
CHAOS_SEED ?= 1
CHAOS_JOBS ?= 2

.PHONY: chaos
chaos: setup ## random faults, kills and changed minds, checked against what happened: CHAOS_RUNS=, CHAOS_SEED=
	@$(BIN)/python -m tests.chaos --runs $(CHAOS_RUNS) --seed $(CHAOS_SEED) --jobs $(CHAOS_JOBS) $(CHAOS_FLAGS)

.PHONY: format
format: setup ## rewrite the code in the project's style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

# What ses-fleet is measured against runs in an environment of its own.
BENCH_VENV := .venv-bench

$(BENCH_VENV)/.installed: bench/peers_requirements.txt
	@$(PYTHON) -m venv --clear $(BENCH_VENV)
	@$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check -r bench/peers_requirements.txt
	@touch $@

.PHONY: bench
bench: setup $(BENCH_VENV)/.installed ## measure everything anew and write docs/benchmarks.md, some 30 minutes
	@$(BIN)/python -m bench.against_peers
	@$(BIN)/python -m bench.fan_out
	@$(BIN)/python -m bench.cold_start
	@$(BIN)/python -m bench.tls_start
	@$(BIN)/python -m bench.follow
	@$(BIN)/python -m bench.growth
	@$(BIN)/python -m bench.calls
	@$(BIN)/python -m bench.one_person
	@$(BIN)/python -m bench.large_list
	@$(BIN)/python -m bench.large_results
	@$(BIN)/python -m bench.manage_topics
	@$(BIN)/python -m bench.imports
	@$(BIN)/python -m bench.window
	@$(BIN)/python -m bench.import_memory 10000 100000
	@$(BIN)/python -m bench.cost
	@$(BIN)/python -m bench.report

.PHONY: bench-quick
bench-quick: setup $(BENCH_VENV)/.installed ## print the ratios that matter, about a minute
	@$(BIN)/python -m bench.quick

.PHONY: readme
readme: setup ## write the outputs in README.md and docs/reference.md anew
	@$(BIN)/python docs/update_readme.py

.PHONY: reference
reference: setup ## write the tables of docs/reference.md and docs/for-customers.md anew, from the code
	@$(BIN)/python docs/write_reference.py
	@$(BIN)/python docs/write_customer_page.py

.PHONY: schemas
schemas: setup ## write the JSON Schemas of the configuration files, docs/schemas/
	@$(BIN)/python docs/write_schemas.py

.PHONY: lock
lock: setup ## resolve pyproject.toml and lambdas/requirements.in into the pinned requirements files
	@$(LOCK) --extra strict-aws --extra infra --extra bench --extra dev --output-file requirements-dev.txt pyproject.toml
	@$(LOCK) --extra strict-aws --constraint requirements-dev.txt --output-file requirements.txt pyproject.toml
	@$(LOCK) --constraint requirements-dev.txt --output-file lambdas/requirements.txt lambdas/requirements.in

.PHONY: cdk
cdk: setup node node_modules/.installed ## install the pinned CDK CLI

.PHONY: node
node:
	@command -v node >/dev/null && command -v npm >/dev/null \
		|| { echo "make $(MAKECMDGOALS) needs Node.js 20 or newer, with npm: not on PATH" >&2; exit 1; }
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' \
		|| { echo "make $(MAKECMDGOALS) needs Node.js 20 or newer: node is $$(node --version)" >&2; exit 1; }

node_modules/.installed: package.json package-lock.json
	@npm ci --silent
	@touch $@

.PHONY: bootstrap
bootstrap: cdk ## prepare an account and Region for the CDK, once
	@$(CDK) bootstrap $(CDK_FLAGS)

.PHONY: synth
synth: cdk ## write the template to cdk.out/, deploying nothing
	@$(CDK) synth --quiet $(CDK_FLAGS)
	@$(BIN)/python -c 'import json; made = json.load(open("cdk.out/manifest.json"))["artifacts"].values(); \
	print(*("The context is right; the template is cdk.out/" + one["properties"]["templateFile"] for one in made \
	if one["type"] == "aws:cloudformation:stack"), sep="\n")'

.PHONY: diff
diff: cdk ## show what a deployment would change
	@$(CDK) diff $(CDK_FLAGS)

.PHONY: deploy
deploy: cdk ## deploy what cdk.json describes
	@test -t 0 || [[ "$(CDK_FLAGS)" == *--require-approval* ]] || { echo "make deploy asks before it widens who may do \
	what, and there is no terminal to ask on: look at \"make diff\", then make deploy CDK_FLAGS=\"--require-approval never\"" >&2; exit 2; }
	@$(CDK) deploy $(CDK_FLAGS)

.PHONY: destroy
destroy: cdk ## remove the stack; the buckets stay unless cdk.json says otherwise
	@$(CDK) destroy $(CDK_FLAGS)

.PHONY: customer-role
customer-role: setup ## write the templates that customers deploy, infra/templates/
	@$(BIN)/python -m infra.customer_role

.PHONY: snapshot
snapshot: setup ## write the snapshot of the deployed template anew
	@$(BIN)/python -m tests.infra.update_snapshot
