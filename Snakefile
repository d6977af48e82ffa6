# A study: data → train (one notebook a run, which also ranks and measures) → evaluate → compare.
# snakemake --cores 2 --config study=worldfacts; on a cluster the same file, with an executor plugin of Snakemake's.
import shlex
import sys
from pathlib import Path

from hbtlib import study as studies

STUDY = config.get("study", "worldfacts")
LOADED = studies.load(STUDY)
RUNS = [run.name for run in LOADED.runs]
SHOWN = [f"{notebook}-{run}" if notebook == "evaluate" else notebook
         for notebook in LOADED.notebooks for run in (RUNS if notebook == "evaluate" else RUNS[:1])]
ENGINE = f"{shlex.quote(sys.executable)} -m hbtlib.study"
# One thread a run: several side by side use the cores better than one that shares them, and the sums come out alike.
THREADS = "export OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false HF_HUB_DISABLE_PROGRESS_BARS=1;"
# A run folder comes to its place whole, and Snakemake would make an empty one for an output in it: so a mark elsewhere
# says that a run is there, and falls when it is not (a fresh clone has the results, but no model).
MADE = f".snakemake/made/{STUDY}/{{run}}"
for run in LOADED.runs:
    if not studies.whole(run.folder):
        Path(MADE.format(run=run.name)).unlink(missing_ok=True)


wildcard_constraints:
    run="|".join(RUNS),


localrules:
    all,


rule all:
    input:
        expand(MADE, run=RUNS),
        expand("results/{study}/notebooks/{shown}.ipynb", study=STUDY, shown=SHOWN),


rule data:
    input:
        "notebooks/data.ipynb",
    output:
        f"results/{STUDY}/notebooks/data.ipynb",
    params:
        command=f"{ENGINE} show {STUDY} data",
    shell:
        THREADS + " {params.command}"


rule train:
    input:
        "notebooks/train.ipynb",
    output:
        touch(MADE),
    params:
        command=lambda wildcards: f"{ENGINE} train {STUDY} {wildcards.run}",
    shell:
        THREADS + " {params.command}"


rule evaluate:
    input:
        "notebooks/evaluate.ipynb",
        MADE,
    output:
        f"results/{STUDY}/notebooks/evaluate-{{run}}.ipynb",
    params:
        command=lambda wildcards: f"{ENGINE} show {STUDY} evaluate {wildcards.run}",
    shell:
        THREADS + " {params.command}"


rule compare:
    input:
        "notebooks/compare.ipynb",
        expand(MADE, run=RUNS),
    output:
        f"results/{STUDY}/notebooks/compare.ipynb",
    params:
        command=f"{ENGINE} show {STUDY} compare",
    shell:
        THREADS + " {params.command}"
