# The picture of a study: every run is trained, then the notebooks that read the runs are executed.
#
#   train  one run: notebooks/03-train.ipynb, which also ranks and measures
#   show   one notebook that reads runs, or that shows the data and the benchmark
#
# `make study` runs it on this machine: snakemake --cores 2 --config study=worldfacts. On a cluster
# it is the same file, with one of Snakemake's executor plugins. What a job does is told in
# hbtlib/study/engine.py.
import re
import sys
from pathlib import Path

from hbtlib import study as studies

STUDY = str(config.get("study", "worldfacts"))
LOADED = studies.load(STUDY)
RUNS = [run.name for run in LOADED.runs]
SHOWN = LOADED.shown()  # name of the executed notebook → (name of its source, parameters)
PYTHON = sys.executable

# One thread a run: several runs side by side use the cores better than one that shares them, and
# sums come out the same on every machine.
THREADS = (
    "export OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false "
    "HF_HUB_DISABLE_PROGRESS_BARS=1;"
)

# A run folder comes to its place whole. Snakemake would make an empty one if an output were in it,
# so a mark elsewhere stands for the run. Where the run is not whole (a fresh clone has the results,
# but no model) its mark is removed here, so that it is made again.
MARK = f".snakemake/made/{STUDY}/{{run}}"
for run in LOADED.runs:
    if not studies.whole(run.folder, run.parameters):
        Path(MARK.format(run=run.name)).unlink(missing_ok=True)


def source(notebook):
    """The source of a notebook, as a path in the project."""
    return str(studies.notebook_file(notebook).relative_to(studies.project_folder()))


def inputs_of_shown(wildcards):
    """What an executed notebook is made of: its source, and the marks of the runs it reads."""
    notebook, _ = SHOWN[wildcards.shown]
    runs = [run.name for run in LOADED.read_by(wildcards.shown)]
    return [source(notebook), *expand(MARK, run=runs)]


wildcard_constraints:
    run="|".join(map(re.escape, RUNS)),
    shown="|".join(map(re.escape, SHOWN)),


localrules:
    all,


rule all:
    input:
        expand(MARK, run=RUNS),
        expand(f"results/{STUDY}/notebooks/{{shown}}.ipynb", shown=SHOWN),


rule train:
    input:
        source("train"),
    output:
        touch(MARK),
    shell:
        THREADS + " {PYTHON:q} -m hbtlib.study.engine train {STUDY:q} {wildcards.run:q}"


rule show:
    input:
        inputs_of_shown,
    output:
        f"results/{STUDY}/notebooks/{{shown}}.ipynb",
    shell:
        THREADS + " {PYTHON:q} -m hbtlib.study.engine show {STUDY:q} {wildcards.shown:q}"
