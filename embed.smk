# A large benchmark embedded by several jobs and ranked by one, on a cluster as on this machine:
#
#   part  embeds its share of the passages into a store on disk
#   rank  embeds the queries, ranks, and writes the ranks table
#
# snakemake -s embed.smk --profile profiles/slurm \
#   --config encoder=results/STUDY/RUN/model benchmark=miracl parts=8 output=results/by-hand/ranks.parquet
#
# What may also be set: options (more for hbt.load_benchmark, as JSON), store (the folder of the vectors), precision, dtype, shard, gpu, mem_mb and
# runtime. What a job does is told in hbtlib/study/embedding.py.
import json
import sys

PYTHON = sys.executable
for key in ("encoder", "benchmark", "output"):
    if key not in config:
        sys.exit(f"embed.smk: {key} is missing: snakemake -s embed.smk --config {key}=…")
ENCODER, BENCHMARK, OUTPUT = (str(config[key]) for key in ("encoder", "benchmark", "output"))
PARTS = int(config.get("parts", 2))
OPTIONS = config.get("options", {})
OPTIONS = OPTIONS if isinstance(OPTIONS, str) else json.dumps(OPTIONS)
STORE = str(config.get("store", "embeddings"))
DTYPE = str(config.get("dtype", "float32"))
PRECISION = str(config.get("precision", "fp32"))
SHARD = int(config.get("shard", 50_000))
WHAT = (
    " --encoder {ENCODER:q} --benchmark {BENCHMARK:q} --options {OPTIONS:q} --store {STORE:q} --shard {SHARD:q}"
    " --dtype {DTYPE:q} --precision {PRECISION:q}"
)


localrules:
    all,


rule all:
    input:
        OUTPUT,


rule part:
    output:
        touch(temp(f"{OUTPUT}.parts/{{part}}")),
    resources:
        gpu=int(config.get("gpu", 0)),
        mem_mb=int(config.get("mem_mb", 16_000)),
        runtime=int(config.get("runtime", 600)),
    shell:
        "{PYTHON:q} -m hbtlib.study.embedding part --part {wildcards.part:q} --parts {PARTS:q}" + WHAT


rule rank:
    input:
        expand(f"{OUTPUT}.parts/{{part}}", part=range(1, PARTS + 1)),
    output:
        OUTPUT,
    resources:
        gpu=int(config.get("gpu", 0)),
        mem_mb=int(config.get("mem_mb", 16_000)),
        runtime=int(config.get("runtime", 600)),
    shell:
        "{PYTHON:q} -m hbtlib.study.embedding rank --output {output:q}" + WHAT
