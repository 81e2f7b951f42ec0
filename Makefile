# `make` alone tells what there is.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.'
	@touch $@

$(VENV)/.developing: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[test,dev]'
	@touch $@

.PHONY: install
install: $(VENV)/.installed ## set up .venv

.PHONY: run
run: install ## the service with demo data on an embedded store
	$(BIN)/ringpool serve --demo

.PHONY: test
test: $(VENV)/.developing ## every test, real servers and a real browser included
	$(BIN)/python -m pytest -n 2

.PHONY: lint
lint: $(VENV)/.developing ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
