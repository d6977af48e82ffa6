"""Loads, embeds and ranks a collection of MIRACL's size and layout: time, memory and disk.

    HBT_DATA=../shared/data python tests/benchmarks/miracl_scale.py FOLDER [--share 1.0] [--out
    FILE.csv]

MIRACL's passages are made, for their texts are not at hand: Swahili's 131,924, Bengali's 297,265
and Finnish's 1,883,509 (the published counts), in the published layout, 500,000 a
`docs-N.jsonl.gz`; every passage that the real qrels judge is among them under its real id, and a
relevant one holds some of its query's words. All other words are drawn from the real topics'. The
encoder is small and random (a mean of word vectors, all but): the machinery is measured, not the
retriever. `--share` makes so much of each language. FOLDER keeps what was made, and the vectors;
what is there is not made again.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SIZES = {"sw": 131_924, "bn": 297_265, "fi": 1_883_509}
SHARD = 500_000
WORDS = 25  # of a passage


def make(data: Path, folder: Path, share: float) -> None:
    """The files; a shard that is there is not made again."""
    for language, published in SIZES.items():
        topics = data / "miracl-dev" / "topics" / f"topics.miracl-v1.0-{language}-dev.tsv"
        qrels = data / "miracl-dev" / "qrels" / f"qrels.miracl-v1.0-{language}-dev.tsv"
        for kind, file in (("topics", topics), ("qrels", qrels)):
            to = folder / f"miracl-v1.0-{language}" / kind / file.name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, to)
        queries = dict(line.split("\t") for line in topics.read_text(encoding="utf-8").splitlines())
        words = np.array(sorted({word for query in queries.values() for word in query.split()}))
        judged: dict[str, list[str]] = {}
        for line in qrels.read_text(encoding="utf-8").splitlines():
            query, _, passage, grade = line.split("\t")
            judged.setdefault(passage, [])
            if int(grade):
                judged[passage] += queries[query].split()[::2]
        n = max(int(published * share), len(judged))
        rng = np.random.default_rng(0)
        ids = [*judged, *(f"{10**8 + i // 4}#{i % 4}" for i in range(n - len(judged)))]
        order = rng.permutation(n)
        shards = -(-published // SHARD)
        to = folder / f"miracl-corpus-v1.0-{language}"
        to.mkdir(exist_ok=True)
        for shard, rows in enumerate(np.array_split(order, shards)):
            file = to / f"docs-{shard}.jsonl.gz"
            if file.exists():
                continue
            drawn = words[rng.integers(0, len(words), (len(rows), WORDS))]
            with gzip.open(
                file.with_suffix(".part"), "wt", encoding="utf-8", compresslevel=1
            ) as out:
                for row, said in zip(rows, drawn, strict=True):
                    text = " ".join([*judged.get(ids[row], []), *said[3:]])
                    out.write(
                        json.dumps(
                            {"docid": ids[row], "title": " ".join(said[:3]), "text": text},
                            ensure_ascii=False,
                        )
                        + "\n"
                    )
            file.with_suffix(".part").rename(file)


@contextmanager
def watched(rows: list[dict[str, Any]], step: str, of: Callable[[], str]) -> Iterator[None]:
    """Adds a row: the step's seconds, and the most memory meanwhile that belongs to no file."""
    most, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            lines = Path("/proc/self/status").read_text().splitlines()
            most[0] = max(
                most[0],
                sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024,
            )

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    rows.append(
        {
            "step": step,
            "seconds": round(time.perf_counter() - start, 1),
            "peak MB": round(most[0]),
            "what": of(),
        }
    )
    print(rows[-1], flush=True)


def gigabytes(folder: Path, pattern: str) -> str:
    return f"{sum(f.stat().st_size for f in folder.rglob(pattern)) / 1e9:.2f} GB of {pattern}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    os.environ["HF_DATASETS_CACHE"] = str(asked.folder / "cache")
    import hbtlib as hbt
    from hbtlib.encoders.small import small_encoder, train_tokenizer

    rows: list[dict[str, Any]] = []
    collection = asked.folder / "miracl"
    with watched(rows, "make the files", lambda: gigabytes(collection, "docs-*.jsonl.gz")):
        make(Path(os.environ["HBT_DATA"]), collection, asked.share)
    with watched(
        rows, "load: files to Arrow", lambda: gigabytes(asked.folder / "cache", "*.arrow")
    ):
        benchmark = hbt.load_benchmark("miracl", collection, languages=list(SIZES))
    print(benchmark)
    with watched(rows, "load again", lambda: "from the cache"):
        benchmark = hbt.load_benchmark("miracl", collection, languages=list(SIZES))
    encoder = small_encoder(train_tokenizer(benchmark.queries["text"].tolist(), 16_000), width=128)
    some = benchmark.passages["text"].iloc[:2000].tolist()
    tokens = sum(
        int(c["attention_mask"].sum()) for c in encoder.tokenize(some, "passage")["chunks"]
    ) / len(some)
    n, store = len(benchmark.passages), asked.folder / "embeddings"
    with watched(
        rows,
        "embed",
        lambda: f"{n:,} passages of {tokens:.0f} tokens; {gigabytes(store, '*.safetensors')}",
    ):
        vectors = hbt.embed(encoder, benchmark, store=store, dtype="float16")
    with watched(rows, "embed again", lambda: "nothing but checking the texts"):
        vectors = hbt.embed(encoder, benchmark, store=store, dtype="float16")
    measured = {}
    with watched(
        rows, "rank, exact", lambda: f"{len(benchmark.queries):,} queries, every rank in every pool"
    ):
        ranks = hbt.rank_vectors(*vectors, benchmark)
    metrics = ["nDCG@10", "R@100"]
    measured["exact"] = hbt.summarise(hbt.measure(ranks, metrics))
    factory = "IVF1024,PQ32x8"
    with watched(
        rows, f"rank, {factory}", lambda: f"depth 100, nprobe 64; {gigabytes(store, '*.faiss')}"
    ):
        found = hbt.rank_vectors(*vectors, benchmark, index=factory, index_options="nprobe=64")
    measured[factory] = hbt.summarise(hbt.measure(found, metrics))
    recall = found.drop_duplicates("pool").set_index("pool")["recall"].round(3).to_dict()
    with watched(
        rows,
        f"rank again, {factory}",
        lambda: f"the index is kept; recall of the exact 100 best {recall}",
    ):
        hbt.rank_vectors(*vectors, benchmark, index=factory, index_options="nprobe=64")
    for name, table in measured.items():
        print(name, table.to_string(index=False), sep="\n")
    table = pd.DataFrame(rows).assign(
        passages=n, machine=f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    )
    for name, found_in in measured.items():
        for (setting, metric), value in found_in.iloc[0].items():
            table.loc[table["step"] == f"rank, {name}", f"{metric} {setting}"] = round(value, 4)
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(asked.out, index=False)


if __name__ == "__main__":
    main()
