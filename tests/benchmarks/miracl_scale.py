"""Loads, embeds and ranks a collection of MIRACL's size and layout: time, memory and disk.

    HBT_DATA=../shared/data python tests/benchmarks/miracl_scale.py FOLDER [--share 1.0]

with `--out FILE.csv` to keep the table.

MIRACL's passages were not available, so passages are made in their place: Swahili's 131,924,
Bengali's 297,265 and Finnish's 1,883,509 (the published counts), in the published layout, 500,000 a
`docs-N.jsonl.gz`. Every passage that the real qrels judge is among them under its real id, and a
relevant one holds some of its query's words. All other words are drawn from the real topics. The
encoder is small and random (nearly a mean of word vectors): the machinery is measured, not the
retriever. `--share` makes that share of each language. FOLDER keeps what was made and the vectors;
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
FACTORY = "IVF1024,PQ32x8"


def make(data: Path, folder: Path, share: float) -> None:
    """Writes the collection; a shard that is there is not made again."""
    for language, published in SIZES.items():
        name = f"miracl-v1.0-{language}"
        topics = data / "miracl-dev" / "topics" / f"topics.{name}-dev.tsv"
        qrels = data / "miracl-dev" / "qrels" / f"qrels.{name}-dev.tsv"
        for kind, file in (("topics", topics), ("qrels", qrels)):
            to = folder / name / kind / file.name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, to)
        queries = dict(line.split("\t") for line in topics.read_text(encoding="utf-8").splitlines())
        words = np.array(sorted({word for query in queries.values() for word in query.split()}))
        judged = judged_passages(qrels, queries)
        n = max(int(published * share), len(judged))
        rng = np.random.default_rng(0)
        ids = [*judged, *(f"{10**8 + i // 4}#{i % 4}" for i in range(n - len(judged)))]
        order = rng.permutation(n)
        corpus = folder / f"miracl-corpus-v1.0-{language}"
        corpus.mkdir(exist_ok=True)
        for shard, rows in enumerate(np.array_split(order, -(-published // SHARD))):
            file = corpus / f"docs-{shard}.jsonl.gz"
            if not file.exists():
                drawn = words[rng.integers(0, len(words), (len(rows), WORDS))]
                write_shard(file, [ids[row] for row in rows], drawn, judged)


def judged_passages(qrels: Path, queries: dict[str, str]) -> dict[str, list[str]]:
    """The passages that the qrels judge, with every other word of the queries they answer."""
    judged: dict[str, list[str]] = {}
    for line in qrels.read_text(encoding="utf-8").splitlines():
        query, _, passage, grade = line.split("\t")
        judged.setdefault(passage, [])
        if int(grade):
            judged[passage] += queries[query].split()[::2]
    return judged


def write_shard(
    file: Path, ids: list[str], drawn: np.ndarray, judged: dict[str, list[str]]
) -> None:
    """Writes passages of the drawn words (n, WORDS); a judged one begins with words of its own."""
    part = file.with_suffix(".part")
    with gzip.open(part, "wt", encoding="utf-8", compresslevel=1) as out:
        for id_, words in zip(ids, drawn, strict=True):
            text = " ".join([*judged.get(id_, []), *words[3:]])
            passage = {"docid": id_, "title": " ".join(words[:3]), "text": text}
            out.write(json.dumps(passage, ensure_ascii=False) + "\n")
    part.rename(file)


class Steps:
    """The benchmark's steps, each with its seconds and the most memory meanwhile."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    @contextmanager
    def step(self, name: str, what: Callable[[], str]) -> Iterator[None]:
        """Times a step; memory is this process's that belongs to no file. `what` describes it."""
        peak, over = [0.0], threading.Event()

        def watch() -> None:
            while not over.wait(0.05):
                peak[0] = max(peak[0], anonymous_mb())

        watcher = threading.Thread(target=watch)
        watcher.start()
        start = time.perf_counter()
        try:
            yield
        finally:
            over.set()
            watcher.join()
        seconds = round(time.perf_counter() - start, 1)
        row = {"step": name, "seconds": seconds, "peak MB": round(peak[0]), "what": what()}
        self.rows.append(row)
        print(row, flush=True)


def anonymous_mb() -> float:
    """This process's memory that belongs to no file, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def gigabytes(folder: Path, pattern: str) -> str:
    """How much disk the files of a pattern take."""
    return f"{sum(f.stat().st_size for f in folder.rglob(pattern)) / 1e9:.2f} GB of {pattern}"


def load(steps: Steps, folder: Path, share: float) -> Any:
    """Makes the files and loads them, twice."""
    import hbtlib as hbt

    collection = folder / "miracl"
    with steps.step("make the files", lambda: gigabytes(collection, "docs-*.jsonl.gz")):
        make(Path(os.environ["HBT_DATA"]), collection, share)
    with steps.step("load: files to Arrow", lambda: gigabytes(folder / "cache", "*.arrow")):
        benchmark = hbt.load_benchmark("miracl", collection, languages=list(SIZES))
    print(benchmark)
    with steps.step("load again", lambda: "from the cache"):
        return hbt.load_benchmark("miracl", collection, languages=list(SIZES))


def embed(steps: Steps, benchmark: Any, store: Path) -> Any:
    """Embeds the texts into a store, twice; the query and the passage vectors."""
    import hbtlib as hbt
    from hbtlib.encoders.small import small_encoder, train_tokenizer

    encoder = small_encoder(train_tokenizer(benchmark.queries["text"].tolist(), 16_000), width=128)
    some = benchmark.passages["text"].iloc[:2000].tolist()
    chunks = encoder.tokenize(some, "passage")["chunks"]
    tokens = sum(int(chunk["attention_mask"].sum()) for chunk in chunks) / len(some)
    texts = f"{len(benchmark.passages):,} passages of {tokens:.0f} tokens"
    with steps.step("embed", lambda: f"{texts}; {gigabytes(store, '*.safetensors')}"):
        hbt.embed(encoder, benchmark, store=store, dtype="float16")
    with steps.step("embed again", lambda: "nothing but checking the texts"):
        return hbt.embed(encoder, benchmark, store=store, dtype="float16")


def rank(steps: Steps, vectors: Any, benchmark: Any, store: Path) -> dict[str, pd.DataFrame]:
    """Ranks exactly and with an index, twice; the summary of each way."""
    import hbtlib as hbt

    how = {"index": FACTORY, "index_options": "nprobe=64"}
    exactly = f"{len(benchmark.queries):,} queries, every rank in every pool"
    with steps.step("rank, exact", lambda: exactly):
        exact = hbt.rank_vectors(*vectors, benchmark)
    with steps.step(
        f"rank, {FACTORY}", lambda: f"depth 100, nprobe 64; {gigabytes(store, '*.faiss')}"
    ):
        found = hbt.rank_vectors(*vectors, benchmark, **how)
    recall = found.drop_duplicates("pool").set_index("pool")["recall"].round(3).to_dict()
    again = f"the index is kept; recall of the exact 100 best {recall}"
    with steps.step(f"rank again, {FACTORY}", lambda: again):
        hbt.rank_vectors(*vectors, benchmark, **how)
    metrics = ["nDCG@10", "R@100"]
    return {
        name: hbt.summarise(hbt.measure(ranks, metrics))
        for name, ranks in (("exact", exact), (FACTORY, found))
    }


def main() -> None:
    """Runs all steps, prints their table, and writes it where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    os.environ["HF_DATASETS_CACHE"] = str(asked.folder / "cache")
    steps, store = Steps(), asked.folder / "embeddings"
    benchmark = load(steps, asked.folder, asked.share)
    vectors = embed(steps, benchmark, store)
    summaries = rank(steps, vectors, benchmark, store)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    table = pd.DataFrame(steps.rows).assign(passages=len(benchmark.passages), machine=machine)
    for name, summary in summaries.items():
        print(name, summary.to_string(index=False), sep="\n")
        for (setting, metric), value in summary.iloc[0].items():
            table.loc[table["step"] == f"rank, {name}", f"{metric} {setting}"] = round(value, 4)
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(asked.out, index=False)


if __name__ == "__main__":
    main()
