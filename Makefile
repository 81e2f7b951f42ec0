# `make` alone lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 8000
URL ?= http://127.0.0.1:$(PORT)
# Tests at the same time: more than processors, as they wait for servers half of their time.
JOBS ?= 3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

PIP := -m pip --disable-pip-version-check
# The lock files name every package with what it needs: --no-deps installs just that.
LOCKED := install --quiet --no-deps --require-hashes
EDITABLE := install --quiet --no-deps --no-build-isolation --editable .

UV ?= $(BIN)/uv
# For Python 3.11 and later on any platform, every file of a version with its hash, no index named.
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

# $(call new_venv,FOLDER)
define new_venv
@$(PYTHON) -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
    echo '$(PYTHON) is no Python >= 3.11 with venv: install one (Debian: python3-venv),' \
         'or name one with make PYTHON=…' >&2; exit 1; }
$(PYTHON) -m venv $(1)
endef

$(VENV)/.installed: pyproject.toml requirements-runtime.txt requirements-build.txt
	$(call new_venv,$(VENV))
	$(BIN)/python $(PIP) $(LOCKED) -r requirements-runtime.txt -r requirements-build.txt
	$(BIN)/python $(PIP) $(EDITABLE)
	@touch $@

$(VENV)/.developing: $(VENV)/.installed requirements-development.txt
	$(BIN)/python $(PIP) $(LOCKED) -r requirements-development.txt
	@touch $@

.venv-lowest/.installed: pyproject.toml requirements-lowest.txt
	rm -rf .venv-lowest
	$(call new_venv,.venv-lowest)
	.venv-lowest/bin/python $(PIP) $(LOCKED) -r requirements-lowest.txt
	.venv-lowest/bin/python $(PIP) $(EDITABLE)
	@touch $@

.PHONY: install
install: $(VENV)/.installed ## set up .venv

.PHONY: run
run: install ## the service with demo data on an embedded store (PORT=8000)
	$(BIN)/ringpool serve --demo --port $(PORT)

.PHONY: test
test: $(VENV)/.developing ## every test, real servers and a real browser included (ARGS="-k name")
	@tests/install-tools
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

# What the versions of libraries mean nothing to, or little that other tests don't show: each endpoint is
# asked by tests/api/openapi/test_examples.py, each script called by those of its module.
WITHOUT_LIBRARIES := tests/snippet tests/test_locks.py tests/supply_chain tests/loadtests \
    tests/test_k8s.py tests/test_store_in_cluster.py tests/docs tests/test_guides.py \
    tests/ringpool/store_check tests/ringpool/sizing tests/monitoring tests/ringpool/cli/test_weak_setups.py \
    tests/test_demo.py tests/ringpool/cli/test_check_page.py tests/ringpool/page_check \
    tests/ringpool/cli/test_tags.py tests/ringpool/cli/test_backup.py tests/ringpool/cli/test_wrong_store.py \
    tests/allocator/test_bounds.py tests/allocator/test_model_stateful.py \
    tests/allocator/test_number_life.py tests/allocator/test_preview.py tests/allocator/test_growth.py \
    tests/allocator/test_workers.py tests/allocator/test_contention.py tests/allocator/test_series.py \
    tests/allocator/test_store_files.py \
    tests/api/openapi/test_document.py tests/api/test_explained_visits.py tests/api/test_budgets.py \
    tests/api/test_key_leaks.py tests/api/managers/test_race.py \
    tests/api/server/test_damaged_store.py tests/api/server/test_full_disk.py

.PHONY: test-lowest
test-lowest: .venv-lowest/.installed ## with the lowest versions that pyproject.toml allows: no browser, which knows none of them
	@tests/install-tools
	.venv-lowest/bin/python -m pytest -n $(JOBS) $(addprefix --ignore=,$(WITHOUT_LIBRARIES)) $(ARGS)

.PHONY: conformance
conformance: $(VENV)/.developing ## the whole suite of the snippet in three browser engines; writes its table
	@tests/install-tools
	RINGPOOL_EVERY_ENGINE=1 $(BIN)/python -m tests.snippet.conformance.table

.PHONY: lint
lint: $(VENV)/.developing ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: lock
lock: $(VENV)/.developing ## make requirements-*.txt anew from pyproject.toml (ARGS=--upgrade: newest versions, and base image)
	$(COMPILE) --all-extras $(ARGS) pyproject.toml -o requirements-development.txt
	$(COMPILE) -c requirements-development.txt pyproject.toml -o requirements-runtime.txt
	$(COMPILE) -c requirements-development.txt --group build -o requirements-build.txt
	$(COMPILE) --upgrade --no-config --resolution lowest-direct --extra test pyproject.toml -o requirements-lowest.txt
	$(BIN)/python -m tests.supply_chain.base_image $(ARGS)

.PHONY: sbom
sbom: $(VENV)/.developing ## what the image and the script are made of, as CycloneDX JSON in dist/
	$(BIN)/python -m tests.supply_chain.sbom dist

.PHONY: audit
audit: $(VENV)/.developing ## known vulnerabilities of all that is locked (ARGS="--ignore ID"); status 2: couldn't be asked
	@$(BIN)/python -m tests.supply_chain.audit $(ARGS)

.PHONY: bench
bench: $(VENV)/.developing ## the performance figures, one `name: value` line each (ARGS=--quick)
	@$(BIN)/python -m loadtests.bench $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.developing ## kill, freeze and cut off everything under load; check every answer (ARGS=--list)
	@$(BIN)/python -m loadtests.chaos $(ARGS)

.PHONY: load
load: $(VENV)/.developing ## a short headless locust run against a running service (ARGS=knee, soak, spike)
	@$(BIN)/python -m loadtests.locust.load --url $(URL) $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.developing ## 100,000 hostile inputs to a service of its own (ARGS="--seed 1 --inputs 1000", ARGS=--abuses, ARGS=--help)
	@$(BIN)/python -m loadtests.fuzz.run $(ARGS)
