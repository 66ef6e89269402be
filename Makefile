# Every target sets up what it needs; nothing is done twice.
PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export OMP_NUM_THREADS ?= $(shell nproc)

.PHONY: setup setup-dev app movie test check evaluate bench train clean

setup: $(STAMP)
setup-dev: $(STAMP)-dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(STAMP)-dev: requirements-dev.txt $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

app: setup
	$(BIN)/python app.py

movie: setup
	$(BIN)/python -m moviedreamer_core movie assets/stories/lighthouse/story.yaml --out outputs/lighthouse

test: setup-dev
	$(BIN)/python -m pytest

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

evaluate: setup
	$(BIN)/python -m moviedreamer_core evaluate --out outputs/evaluation.json

bench: setup
	$(BIN)/python benchmarks/bench.py --out outputs/bench.json

train: setup
	$(BIN)/python -m moviedreamer_core train miniature

clean:
	rm -rf outputs $(VENV)
