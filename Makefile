# `make demo` and `make test` set up .venv when needed and are safe to repeat.
PYTHON ?= $(shell command -v python3.13 || command -v python3.12 || command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt

.PHONY: demo test slow lint types layers docs clean

$(BIN)/python:
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
