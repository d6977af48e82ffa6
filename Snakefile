# The picture of a study: every run is trained, then the notebooks that read the runs are executed.
#
#   train  one run: notebooks/03-train.ipynb, which also ranks and measures
#   show   one notebook that reads runs, or that shows the data and the benchmark
#
# `make study` runs it on this machine: snakemake --cores 2 --config study=worldfacts. On a cluster
# it is the same file: snakemake --profile profiles/slurm --config study=worldfacts. What holds in
# both places is in profiles/default. What a job does is told in hbtlib/study/engine.py.
import logging
import re
import sys
import time
from pathlib import Path

from snakemake.logging import logger

from hbtlib import study as studies

BEGUN = time.time()
STUDY = str(config.get("study", "worldfacts"))
try:
    LOADED = studies.load(STUDY)
    SHOWN = LOADED.shown()  # name of the executed notebook → (name of its source, parameters)
except (ValueError, FileNotFoundError) as error:
    sys.exit(f"Snakefile: {error}")
RUNS = [run.name for run in LOADED.runs]
NEEDS = {run.name: studies.run_resources(run.parameters) for run in LOADED.runs}
PYTHON = sys.executable

# As many threads as the rule has cores, which is one for a run without a GPU: several runs side by
# side use the cores better than one that shares them, and sums come out the same on every machine.
THREADS = (
    "export OMP_NUM_THREADS={threads:q} NUMBA_NUM_THREADS={threads:q} PYTHONUNBUFFERED=1"
    " TOKENIZERS_PARALLELISM=false HF_HUB_DISABLE_PROGRESS_BARS=1; "
)

# What is damaged is named, and made again; a dry run only names it. A job must not look: others are
# at work beside it.
if workflow.is_main_process:
    for sentence in studies.discard_damaged(STUDY, dry_run=workflow.output_settings.dryrun):
        print(sentence, file=sys.stderr)

# A run folder comes to its place whole. Snakemake would make an empty one if an output were in it,
# so a mark elsewhere stands for the run. Where the run is not whole (a fresh clone has the results,
# but no model) its mark is removed here, so that it is made again.
MARK = f".snakemake/made/{STUDY}/{{run}}"
NOTEBOOK = f"results/{STUDY}/notebooks/{{shown}}.ipynb"
FIGURES = f".snakemake/figures/{STUDY}"
SAID = f".snakemake/said/{STUDY}"  # what each job printed
for run in LOADED.runs:
    if not studies.whole(run.folder, run.parameters):
        Path(MARK.format(run=run.name)).unlink(missing_ok=True)


def source(notebook):
    """The source of a notebook, as a path in the project."""
    return local(str(studies.notebook_file(notebook).relative_to(studies.project_folder())))


def inputs_of_shown(wildcards):
    """What an executed notebook is made of: its source, and the marks of the runs it reads."""
    notebook, _ = SHOWN[wildcards.shown]
    runs = [run.name for run in LOADED.read_by(wildcards.shown)]
    return [source(notebook), *local(expand(MARK, run=runs))]


# Files are where the project is, wherever Snakemake is started.
workdir: str(studies.project_folder())


wildcard_constraints:
    run="|".join(map(re.escape, RUNS)),
    shown="|".join(map(re.escape, SHOWN)),


localrules:
    all,
    figures,


rule all:
    input:
        local(expand(MARK, run=RUNS)),
        local(expand(NOTEBOOK, shown=SHOWN)),


rule train:
    input:
        source("train"),
    output:
        local(touch(MARK)),
    log:
        local(f"{SAID}/{{run}}.log"),
    threads: lambda wildcards: NEEDS[wildcards.run].cpus
    resources:
        mem_mb=lambda wildcards: NEEDS[wildcards.run].mem_mb,
        runtime=lambda wildcards: NEEDS[wildcards.run].runtime,
        gpu=lambda wildcards: NEEDS[wildcards.run].gpu,
    shell:
        THREADS + "{PYTHON:q} -m hbtlib.study.engine train {STUDY:q} {wildcards.run:q}"
        " --processes {resources.gpu:q} 2>&1 | tee {log:q}"


rule show:
    input:
        inputs_of_shown,
    output:
        local(NOTEBOOK),
    log:
        local(f"{SAID}/{{shown}}.log"),
    resources:
        mem_mb=8000,
        runtime=60,
    shell:
        THREADS + "{PYTHON:q} -m hbtlib.study.engine show {STUDY:q} {wildcards.shown:q}"
        " 2>&1 | tee {log:q}"


# For `make report` alone: a copy, because Snakemake removes a folder before it is made again.
rule figures:
    input:
        local(expand(NOTEBOOK, shown=SHOWN)),
    output:
        report(local(directory(FIGURES)), patterns=["{figure}.png"], category=STUDY),
    shell:
        "mkdir {output:q}; if test -d figures/{STUDY:q}; then cp -R figures/{STUDY:q}/. {output:q}; fi"


def print_only(level):
    """Has Snakemake print messages of this level and above. Its log has all of them."""
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler" and not workflow.output_settings.dryrun:
            handler.setLevel(level)


print_only(logging.WARNING)


onstart:
    print_only(logging.CRITICAL)  # from here on jobs speak for themselves


onerror:
    missing = [run for run in RUNS if not Path(MARK.format(run=run)).exists()]
    missing += [name for name in SHOWN if not Path(NOTEBOOK.format(shown=name)).exists()]
    print(studies.what_failed(missing, Path(SAID), BEGUN), file=sys.stderr)
    print(f"Snakemake's own log is {Path(log[0]).relative_to(Path.cwd())}", file=sys.stderr)
