# Everything needs Python 3.11 or newer and make, nothing else: what is missing goes into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check types format docs bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## the whole story on the built-in sandbox, in under a minute (ARGS="--seed 7")
	@$(BIN)/siyu demo $(ARGS)

test: $(VENV)/.installed-dev ## all tests, on two cores (ARGS="-k tags")
	$(BIN)/python -m pytest -n 2 $(ARGS)

check: $(VENV)/.installed-dev ## lint, format, both type checkers, the floors, the tables of error codes and limits
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python scripts/errors_table.py --check
	$(BIN)/python scripts/limits_table.py --check

format: $(VENV)/.installed-dev ## put imports and layout in order
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-docs ## build the documentation into site/ (ARGS="serve" to read it while writing)
	$(BIN)/mkdocs $(or $(ARGS),build --strict)

bench: $(VENV)/.installed ## what a typed call costs, on loopback, beside others (ARGS="--full", ARGS="calls async")
	$(BIN)/python benchmarks/run.py $(ARGS)

clean: ## remove .venv, caches and built things
	rm -rf $(VENV) build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "siyu_sdk needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# One stamp for each set of extras; a change of pyproject.toml installs again.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all]"
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[all,dev]"
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	@touch $@
