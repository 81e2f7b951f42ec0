# `make` alone tells what there is.
.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 8000
URL ?= http://127.0.0.1:$(PORT)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo '$(PYTHON) is no Python >= 3.11 with venv: install one (Debian: python3-venv),' \
	         'or name one with make PYTHON=…' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,dev]'
	@touch $@

.PHONY: install
install: $(VENV)/.installed ## set up .venv

.PHONY: run
run: install ## the service with demo data on an embedded store (PORT=8000)
	$(BIN)/ringpool serve --demo --port $(PORT)

.PHONY: test
test: $(VENV)/.developing ## every test, real servers and a real browser included (ARGS="-k name")
	@tests/install-tools
	$(BIN)/python -m pytest -n 2 $(ARGS)

.PHONY: conformance
conformance: $(VENV)/.developing ## run the snippet's conformance suite and write its table
	@tests/install-tools
	$(BIN)/python -m tests.snippet.conformance.table

.PHONY: lint
lint: $(VENV)/.developing ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: bench
bench: $(VENV)/.developing ## the performance figures, one `name: value` line each (ARGS=--quick)
	@$(BIN)/python -m loadtests.bench $(ARGS)

.PHONY: load
load: $(VENV)/.developing ## a short headless locust run against a running service (ARGS=knee, soak, spike)
	@$(BIN)/python -m loadtests.locust.load --url $(URL) $(ARGS)
