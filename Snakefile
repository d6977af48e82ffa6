# A study: data → train (one notebook a run, which also ranks and measures) → evaluate → compare.
# snakemake --cores 2 --config study=worldfacts; on a cluster the same file, with an executor plugin of Snakemake's.
import shlex
import sys

from hbtlib import study as studies

STUDY = config.get("study", "worldfacts")
RUNS = [run.name for run in studies.load(STUDY).runs]
ENGINE = f"{shlex.quote(sys.executable)} -m hbtlib.study"
# One thread a run: several side by side use the cores better than one that shares them, and the sums come out alike.
THREADS = "export OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false HF_HUB_DISABLE_PROGRESS_BARS=1;"

wildcard_constraints:
    run="|".join(RUNS),


localrules:
    all,


rule all:
    input:
        f"results/{STUDY}/notebooks/data.ipynb",
        expand("results/{study}/notebooks/evaluate-{run}.ipynb", study=STUDY, run=RUNS),
        f"results/{STUDY}/notebooks/compare.ipynb",


rule data:
    input:
        "notebooks/data.ipynb",
    output:
        f"results/{STUDY}/notebooks/data.ipynb",
    params:
        command=f"{ENGINE} show {STUDY} data",
    shell:
        THREADS + " {params.command}"


# A run's folder holds its results from the repository; the model is made here. So a fresh clone trains.
rule train:
    input:
        "notebooks/train.ipynb",
        ancient(f"results/{STUDY}/notebooks/data.ipynb"),
    output:
        f"results/{STUDY}/{{run}}/model/modules.json",
    params:
        command=lambda wildcards: f"{ENGINE} train {STUDY} {wildcards.run}",
    shell:
        THREADS + " {params.command}"


rule evaluate:
    input:
        "notebooks/evaluate.ipynb",
        f"results/{STUDY}/{{run}}/model/modules.json",
    output:
        f"results/{STUDY}/notebooks/evaluate-{{run}}.ipynb",
    params:
        command=lambda wildcards: f"{ENGINE} show {STUDY} evaluate {wildcards.run}",
    shell:
        THREADS + " {params.command}"


rule compare:
    input:
        "notebooks/compare.ipynb",
        expand("results/{study}/{run}/model/modules.json", study=STUDY, run=RUNS),
    output:
        f"results/{STUDY}/notebooks/compare.ipynb",
    params:
        command=f"{ENGINE} show {STUDY} compare",
    shell:
        THREADS + " {params.command}"
