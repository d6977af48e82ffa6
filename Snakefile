# A study: train (one notebook a run, which also ranks and measures) → show (data, benchmark, evaluate, compare).
# snakemake --cores 2 --config study=worldfacts; on a cluster the same file, with an executor plugin of Snakemake's.
import re
import shlex
import sys
from pathlib import Path

from hbtlib import study as studies

STUDY = config.get("study", "worldfacts")
LOADED = studies.load(STUDY)
RUNS = [run.name for run in LOADED.runs]
SHOWN = LOADED.shown()  # name → (notebook, parameters); where the study has several benchmarks, one for each
ENGINE = shlex.join([sys.executable, "-m", "hbtlib.study.engine"])
# One thread a run: several side by side use the cores better than one that shares them, and the sums come out alike.
THREADS = "export OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false HF_HUB_DISABLE_PROGRESS_BARS=1;"
# A run folder comes to its place whole, and Snakemake would make an empty one for an output in it: so a mark elsewhere
# says that a run is there, and falls when it is not (a fresh clone has the results, but no model).
MADE = f".snakemake/made/{STUDY}/{{run}}"
for run in LOADED.runs:
    if not studies.whole(run.folder, run.parameters):
        Path(MADE.format(run=run.name)).unlink(missing_ok=True)



def read_by(wildcards):
    """What the executed notebook is made of: its source, and the runs it reads."""
    notebook, parameters = SHOWN[wildcards.shown]
    runs = [parameters["run"]] if "run" in parameters else [] if notebook in ("data", "benchmark") else RUNS
    return [str(studies.notebook_file(notebook).relative_to(studies.ROOT)), *expand(MADE, run=runs)]


wildcard_constraints:
    run="|".join(map(re.escape, RUNS)),
    shown="|".join(map(re.escape, SHOWN)),


localrules:
    all,


rule all:
    input:
        expand(MADE, run=RUNS),
        expand(f"results/{STUDY}/notebooks/{{shown}}.ipynb", shown=SHOWN),


rule train:
    input:
        str(studies.notebook_file("train").relative_to(studies.ROOT)),
    output:
        touch(MADE),
    params:
        command=lambda wildcards: f"{ENGINE} train {STUDY} {wildcards.run}",
    shell:
        THREADS + " {params.command}"


rule show:
    input:
        read_by,
    output:
        f"results/{STUDY}/notebooks/{{shown}}.ipynb",
    params:
        command=lambda wildcards: f"{ENGINE} show {STUDY} {wildcards.shown}",
    shell:
        THREADS + " {params.command}"
