# Every target sets up what it needs; nothing is done twice.
PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export OMP_NUM_THREADS ?= $(shell nproc)

.PHONY: setup setup-dev browser app movie test check soak evaluate evaluate-quick bench train clean

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

browser:
	.ci/chromium

test: setup-dev browser
	$(BIN)/python -m pytest

# The long proofs in full, and docs/soak.md about what they counted.
SOAK_LOG := $(CURDIR)/outputs/soak.jsonl
SOAK_TESTS := tests/app_soak tests/browser_soak tests/app_queue/test_queue_soak.py \
	tests/workspace/test_crashes.py tests/workspace/test_archive.py tests/workspace/test_full_disk.py

soak: setup-dev browser
	mkdir -p outputs
	rm -f "$(SOAK_LOG)"
	MOVIEDREAMER_SOAK=1 MOVIEDREAMER_SOAK_LOG="$(SOAK_LOG)" $(BIN)/python -m pytest $(SOAK_TESTS)
	$(BIN)/python tests/soak_report.py "$(SOAK_LOG)" --out docs/soak.md

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

evaluate: setup
	$(BIN)/python -m moviedreamer_core evaluate --out outputs/evaluation.json
	$(BIN)/python -m moviedreamer_core evaluate --table all

# Fails if keyframes of a few test episodes are worse than the weights' manifest says; see README.
evaluate-quick: setup
	$(BIN)/python -m moviedreamer_core evaluate --gate

bench: setup
	$(BIN)/python benchmarks/bench.py --out outputs/bench.json

train: setup
	$(BIN)/python -m moviedreamer_core train miniature

clean:
	rm -rf outputs $(VENV)
