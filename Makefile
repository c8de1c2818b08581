# Every task of the project. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
# Tests that share nothing run on all cores; all others share one Kafka, one after another.
ALONE := tests/unit tests/properties tests/golden
PAGE := screens/page/dist/index.html
PAGE_SOURCES := $(shell find screens/page \( -name node_modules -o -name dist \) -prune -o -type f -print)

# The newest Python that is new enough; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help kafka page packages setup demo test lint bench clean

help: ## List the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer is installed (Debian, Ubuntu: apt-get install python3 python3-venv)." >&2; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV) with $(PYTHON)"; $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; }; }
	@echo "installing the package into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(DEV_STAMP): $(STAMP)
	@echo "installing the tools for tests and linting"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

kafka: $(STAMP)
	@test -n "$${CITYBRAIN_BROKER:-}" || $(BIN)/citybrain broker fetch

$(PAGE): $(PAGE_SOURCES) | $(STAMP)
	@echo "building the page"
	@screens/page/build.sh $(BIN)
	@touch $@

page: $(PAGE) ## The page of the screens, built into screens/page/dist

packages: # Programs of the operating system that tests run on: .ci/packages
	@.ci/os-packages

setup: $(DEV_STAMP) page kafka ## Virtual environment, package, tools, the page, and Kafka's jars

demo: page kafka ## The whole city on this machine, live in this terminal; Ctrl-C ends it
	@exec $(BIN)/citybrain up --simulate

test: setup packages ## All tests, the ones on a real Kafka and the faults too
	@screens/page/build.sh $(BIN) test
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest -n logical --dist loadfile $(ALONE)
	@$(BIN)/python -m pytest $(addprefix --ignore=,$(ALONE))
endif

lint: $(DEV_STAMP) ## Linter, formatter, types, import contracts, schema drift
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/citybrain schema check

bench: kafka ## The engine beside its peers, on a real Kafka
	@$(BIN)/citybrain bench engine $(ARGS)

clean: ## Remove the environment, caches and the data of the embedded broker
	rm -rf $(VENV) build dist screens/page/dist screens/page/node_modules *.egg-info .citybrain .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
