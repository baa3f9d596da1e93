# The two commands are `make run` and `make test`; each makes .venv first if it must.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PORT ?= 5000
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Files of tests side by side; a test may start a process of each framework, so no more than four at once.
PYTEST := python -m pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile --no-loadscope-reorder
# Every launcher puts its own interpreter first, so that DVC's stages run in it too.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true

.DEFAULT_GOAL := help
.PHONY: help run model sync verify sweep family fetch promote rollback serve predict demo drift gallery test test-slow test-all test-gpu ui services copy-store pictures docs diagrams doctor bench lint lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

run: $(BIN)/.installed  ## train both twins and compare them: make run ARGS="--preset car --train.epochs 20"
	@python -m pipelines.run $(ARGS)

model: $(BIN)/.installed  ## show a network before it is trained: layers, shapes, cost, a picture: make model NAME=resnet18
	@python -m pipelines.model $(NAME) $(ARGS)

promote: $(BIN)/.installed  ## lead the better network through the gate to the alias champion, and say why or why not
	@python -m pipelines.promote $(ARGS)

rollback: $(BIN)/.installed  ## put the champion before the present one back in its place; the same again undoes it
	@python -m pipelines.rollback $(ARGS)

sync: $(BIN)/.installed  ## bring to MLflow what its store has not got: it was away, or a command was killed
	@python -m pipelines.sync

verify: $(BIN)/.installed  ## prove that the twins are twins: make verify ARGS="--preset car"
	@python -m pipelines.verify $(ARGS)

sweep: $(BIN)/.installed  ## search for better settings: make sweep ARGS="--preset car --trials 20"
	@python -m pipelines.sweep $(ARGS)

fetch: $(BIN)/.installed  ## get a data set that does not ship with the repository: make fetch NAME=mnist
	@python -m pipelines.fetch $(NAME) $(ARGS)

family: $(BIN)/.installed  ## run presets that belong together and compare them: make family NAME=overfit
	@python -m pipelines.family $(NAME) $(ARGS)

serve: $(BIN)/.installed  ## answer requests with the champion on http://127.0.0.1:5001 (ARGS="--port 8000")
	@python -m pipelines.serve $(ARGS)

predict: $(BIN)/.installed  ## answer the rows of a file: make predict ARGS="--input new.csv --output answers.csv"
	@python -m pipelines.predict $(ARGS)

ui: $(BIN)/.installed  ## open the MLflow UI on http://localhost:5000 (PORT=5001 for another port)
	@python -m pipelines.ui --port $(PORT)

services: $(BIN)/.installed-team  ## start a team's store here: PostgreSQL, S3, MLflow's server (ARGS=--stop ends it)
	@python -m pipelines.services $(ARGS)

copy-store: $(BIN)/.installed-team  ## copy a laptop's runs and registry to a team's store (ARGS="--source mlflow.db")
	@python -m pipelines.copy_store $(ARGS)

doctor: $(BIN)/.installed  ## what this machine has, what is wrong, what to type
	@python -m pipelines.doctor

drift: $(BIN)/.installed  ## how far new rows are from the training rows: make drift ARGS="--input new.csv"
	@python -m pipelines.drift $(ARGS)

demo: $(BIN)/.installed-demo  ## a web page on which both frameworks answer side by side: draw a digit, fill a form
	@python -m pipelines.demo $(ARGS)

gallery: $(BIN)/.installed  ## every preset, and docs/results.md from what they reach (ARGS="--only car,xor")
	@python -m pipelines.gallery $(ARGS)

# Processes that all want every core spend most of their time waiting for each other.
test test-slow test-all pictures: export OMP_NUM_THREADS := 1

test: $(BIN)/.installed-dev  ## ruff and the tests, without the slow ones
	ruff check .
	ruff format --check .
	$(PYTEST) -m "not slow"

test-slow: $(BIN)/.installed-dev  ## the slow tests alone
	$(PYTEST) -m slow --durations=30 --durations-min=20

test-all: $(BIN)/.installed-dev  ## both at once, which is shorter than one after the other
	ruff check .
	ruff format --check .
	$(PYTEST) --durations=30 --durations-min=20

test-gpu: $(BIN)/.installed-dev  ## the checks that need a GPU, one after the other; skipped where there is none
	python -m pytest -m gpu -s -rs

pictures: $(BIN)/.installed-dev  ## take the pictures of docs/ anew, in the browser tests
	python -m pytest --save-pictures

docs: $(BIN)/.installed-docs  ## build the documentation as a site, build/docs/index.html; a dead link is an error
	@python -m website

diagrams: $(BIN)/.installed-dev  ## draw the diagrams of docs/ that are new, for the site; needs npm and chromium
	@python -m website.diagrams

bench: $(BIN)/.installed  ## speed, as ratios to what is possible
	@python benchmarks/epochs.py torch
	@python benchmarks/epochs.py keras

lint: $(BIN)/.installed-dev  ## mend style
	ruff check --fix .
	ruff format .

lock: $(BIN)/.installed  ## pin pyproject.toml's packages, those of the pipeline, and all that they need
	uv pip compile pyproject.toml --extra pipeline --universal --python-version 3.11 --annotation-style line --no-header \
		--no-emit-index-url --no-emit-find-links --upgrade --quiet -o requirements.txt

# What MLflow has not confirmed stays in build/journal, the services' data in build/services, and the locks of commands
# that are at work in .dvc/tmp.
clean:  ## remove what runs have made, MLflow's store and DVC's run cache too; data and environment stay
	rm -rf results dvc_plots mlruns mlflow.db mlflow.db.lock mlflow.db-partial* .dvc/cache/runs .pytest_cache .ruff_cache
	@for folder in build .dvc/tmp; do \
		test ! -d $$folder || find $$folder -mindepth 1 -maxdepth 1 ! -name journal ! -name services ! -name twintrain \
			-exec rm -rf {} +; \
	done

$(BIN)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; v == (3, 11) or sys.exit("error: expected Python 3.11, got %d.%d; type: make PYTHON=/path/to/python3.11" % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing requirements.txt into .venv (some 8 GB, some minutes)"
	@$(INSTALL) -r requirements.txt
	@touch $@

$(BIN)/.installed-demo: requirements-demo.txt $(BIN)/.installed
	@$(INSTALL) -r requirements-demo.txt
	@touch $@

$(BIN)/.installed-team: requirements-team.txt $(BIN)/.installed
	@$(INSTALL) -r requirements-team.txt
	@touch $@

$(BIN)/.installed-docs: requirements-docs.txt $(BIN)/.installed
	@$(INSTALL) -r requirements-docs.txt
	@touch $@

$(BIN)/.installed-dev: requirements-dev.txt $(BIN)/.installed
	@$(INSTALL) -r requirements-dev.txt
	@touch $@
