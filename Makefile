# The two commands that matter: `make demo` and `make test`. Both set up what they need.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.ready

.PHONY: help demo test lint format bench clean setup

help:  ## List the commands
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(SETUP)  ## Make the virtual environment from the lock file

$(SETUP): requirements-dev.lock pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh $(PYTHON)
	@touch $@

demo: $(SETUP)  ## Run the demo: gateway, page, two tenants; no broker needed
	@bash scripts/build_console.sh
	@exec $(BIN)/tidegate demo

test: $(SETUP)  ## Run all tests
	@bash scripts/prepare_tests.sh
	@PATH="$$PATH:$(CURDIR)/$(BIN)" $(BIN)/python -m pytest

lint: $(SETUP)  ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(SETUP)  ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(SETUP)  ## Measure beside the peers (minutes)
	@$(BIN)/python -m benchmarks.run $(ARGS)

clean:  ## Remove what was built
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis src/tidegate/console/dist
