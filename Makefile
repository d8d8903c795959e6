# `make demo` and `make test` set up .venv when needed and are safe to repeat.
# the first Python from 3.11 to 3.13 that really starts (a version manager may list more than it can run)
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt

.PHONY: demo test slow lint types layers docs clean

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Onlooker needs Python 3.11, 3.12 or 3.13: install one, or name it with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run-ready: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Onlooker into $(VENV) (about a minute the first time)"
	$(PIP) -e .
	@touch $@

$(VENV)/.dev-ready: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Onlooker and its test tools into $(VENV) (about two minutes the first time)"
	$(PIP) -e ".[dev,docs]"
	$(PIP) --no-deps trackeval
	@touch $@ $(VENV)/.run-ready

demo: $(VENV)/.run-ready  ## render a small scene, analyse it, name the report
	$(BIN)/onlooker demo

test: $(VENV)/.dev-ready  ## the fast suite
	$(BIN)/python -m pytest -n 2 -m "not slow" -q

slow: $(VENV)/.dev-ready  ## the slow tests
	$(BIN)/python -m pytest -n 2 -m slow -q

lint: $(VENV)/.dev-ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/.dev-ready
	$(BIN)/mypy

layers: $(VENV)/.dev-ready
	$(BIN)/lint-imports

docs: $(VENV)/.dev-ready
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) site dist build
