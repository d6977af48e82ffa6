"""Reading files: where they are, what they must look like, and what is made of them.

- `cache`, `hub`, `web`, `source`: where a dataset's files are, and fetching them.
- `files`, `qrels`, `checks`: reading lines, JSON, TSV, parquet and judgements with checked values.
- `beir`, `pairs_file`, `squad`: files in the layout of BEIR or TREC, of `pairs.jsonl`, of SQuAD.
- `squad_benchmarks`, `arrow`: what is made of them: benchmarks, and Arrow tables on disk.
"""
