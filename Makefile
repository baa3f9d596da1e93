# The two commands are `make run` and `make test`; each makes .venv first if it must.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 5000
BIN := .venv/bin
# Every launcher puts its own interpreter first, so that DVC's stages run in it too.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true

.DEFAULT_GOAL := help
.PHONY: help run verify sweep family fetch gallery test test-slow ui doctor bench lint lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

run: $(BIN)/.installed  ## train both twins and compare them: make run ARGS="--preset car --train.epochs 20"
	@python -m pipelines.run $(ARGS)

verify: $(BIN)/.installed  ## prove that the twins are twins: make verify ARGS="--preset car"
	@python -m pipelines.verify $(ARGS)

sweep: $(BIN)/.installed  ## search for better settings: make sweep ARGS="--preset car --trials 20"
	@python -m pipelines.sweep $(ARGS)

fetch: $(BIN)/.installed  ## get a data set that does not ship with the repository: make fetch NAME=mnist
	@python -m pipelines.fetch $(NAME) $(ARGS)

family: $(BIN)/.installed  ## run presets that belong together and compare them: make family NAME=overfit
	@python -m pipelines.family $(NAME) $(ARGS)

ui: $(BIN)/.installed  ## open the MLflow UI on http://localhost:5000 (PORT=5001 for another port)
	@mlflow server --backend-store-uri $${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db} --default-artifact-root mlruns --port $(PORT)

doctor: $(BIN)/.installed  ## what this machine has, what is wrong, what to type
	@python -m pipelines.doctor

gallery: $(BIN)/.installed  ## every preset, and docs/results.md from what they reach (ARGS="--only car,xor")
	@python -m pipelines.gallery $(ARGS)

test: $(BIN)/.installed-dev  ## ruff and the tests, without the slow ones
	ruff check .
	ruff format --check .
	python -m pytest -m "not slow"

test-slow: $(BIN)/.installed-dev  ## the slow tests alone
	python -m pytest -m slow

bench: $(BIN)/.installed  ## speed, as ratios to what is possible
	@python benchmarks/epochs.py torch
	@python benchmarks/epochs.py keras

lint: $(BIN)/.installed-dev  ## mend style
	ruff check --fix .
	ruff format .

lock: $(BIN)/.installed  ## pin pyproject.toml's packages and all that they need
	uv pip compile pyproject.toml --universal --python-version 3.11 --annotation-style line --no-header \
		--no-emit-index-url --no-emit-find-links --upgrade --quiet -o requirements.txt

clean:  ## remove what runs have made, MLflow's store and DVC's run cache too; data and environment stay
	rm -rf build results dvc_plots mlruns mlflow.db mlflow.db.lock .dvc/cache/runs .dvc/tmp .pytest_cache .ruff_cache

$(BIN)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; v == (3, 11) or sys.exit("error: expected Python 3.11, got %d.%d; type: make PYTHON=/path/to/python3.11" % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing requirements.txt into .venv (some 8 GB, some minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(BIN)/.installed-dev: requirements-dev.txt $(BIN)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
