# make study: the default study; make figures: all figures anew from the committed results; make test: the whole suite;
# make scores: do the committed results still hold; make lab: JupyterLab on notebooks/.
STUDY ?= worldfacts
CORES ?= 2
PYTHON ?= python3
BIN = .venv/bin
READY = .venv/.ready

export PYTHONUNBUFFERED = 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: study figures test scores lint lab lock clean

# Everything pinned; made again when what it is made from changes.
$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "hbtlib needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@echo "setting up .venv (about two minutes the first time)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[study,minilm,lora,test,docs]'
	@touch $@

# Every output of a rule comes to its place whole, under a lock of its own, so what a killed Snakemake left behind (its
# lock, its list of unfinished jobs) means nothing.
study: $(READY)
	@rm -rf .snakemake/locks .snakemake/incomplete
	@$(BIN)/snakemake --cores $(CORES) --config study=$(STUDY) --quiet rules host --rerun-triggers mtime
	@$(BIN)/python -m hbtlib.study.engine summary $(STUDY)

test: $(READY) lint
	$(BIN)/python -m pytest -n $(CORES)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --nbval-lax --nbval-current-env --nbval-cell-timeout 300 -p no:cacheprovider notebooks

# Every figure and table of the committed studies anew from their results, without training and without data.
figures: $(READY)
	@$(BIN)/python -m hbtlib.study.engine shown | OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 \
	  xargs -P $(CORES) -L 1 $(BIN)/python -m hbtlib.study.engine show

# What the committed runs scored (results/expected.csv), recomputed from their ranks: OK, close or FAIL.
scores: $(READY)
	@$(BIN)/python tests/expected.py

lint: $(READY)
	$(BIN)/ruff check hbtlib tests notebooks
	$(BIN)/ruff format --check hbtlib tests notebooks
	$(BIN)/lint-imports
	$(BIN)/mypy hbtlib

lab: $(READY)
	$(BIN)/jupyter lab notebooks

# The lock is what pip resolves today, without the local tag of the CPU build of torch.
lock: $(READY)
	$(BIN)/python -m pip freeze --all --exclude pip --exclude-editable | sed 's/+cpu$$//' > requirements.lock

clean:
	rm -rf .venv .snakemake

# A warning is an error: a link that leads nowhere, a name that is not there.
.PHONY: docs
docs: $(READY) ## Build the documentation into docs/_build/html.
	@$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html
