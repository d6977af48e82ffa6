"""Runs and judgements as TREC writes them, so that trec_eval, ir_measures, ranx and their like can be asked too. A run's
line is `query_id Q0 passage_id rank score tag`, a judgement's `query_id 0 passage_id grade`.
trec_eval reads the scores alone, and orders equal ones by passage id, the larger first.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from hbtlib.data.benchmark import Benchmark
from hbtlib.data.formats.files import DataError, read_tsv, unique
from hbtlib.evaluation.metrics import known_to, per_query


def write(ranks: pd.DataFrame, folder: Path | str, *, depth: int = 100) -> list[Path]:
    """Writes POOL.run and POOL.qrels for every pool of the ranks; the paths written. A run holds each query's relevant
    passages at their ranks, down to `depth`, and between them fillers named `unjudged-RANK`:
    measures cut at `depth` or above come out as ours, whoever computes them. The score written is
    −rank. Raises ValueError for ranks of several benchmarks or runs, and for an id with a blank,
    which TREC's files cannot hold.
    """
    per_query(ranks, [])  # says what is wrong where they are of several benchmarks or runs
    if depth < 1:
        raise ValueError(
            f"depth is {depth}; it is the number of ranks written of each query, 1 or more"
        )
    known_to(ranks, depth, f"a run of depth {depth}")
    ranks = ranks.astype({"query_id": "str", "passage_id": "str"})
    for column in ("query_id", "passage_id"):
        if len(blank := ranks.loc[ranks[column].str.contains(r"\s"), column]):
            raise ValueError(
                f"the {column} {blank.iloc[0]!r} has a blank in it, which TREC's files cannot hold"
            )
    (folder := Path(folder)).mkdir(parents=True, exist_ok=True)
    written = []
    for pool, gold in ranks.groupby("pool", observed=True, sort=True):
        found = gold.loc[gold["rank"] <= depth, ["query_id", "passage_id", "rank"]]
        deepest = (
            found.groupby("query_id")["rank"].max().reindex(gold["query_id"].unique(), fill_value=1)
        )  # none left out
        places = pd.DataFrame(
            [(query, rank) for query, last in deepest.items() for rank in range(1, last + 1)],
            columns=["query_id", "rank"],
        )
        run = places.merge(found, how="left").assign(zero="Q0", score=-places["rank"], tag="hbtlib")
        run["passage_id"] = run["passage_id"].fillna("unjudged-" + run["rank"].astype("str"))
        for kind, table, columns in (
            ("run", run, ["query_id", "zero", "passage_id", "rank", "score", "tag"]),
            ("qrels", gold.assign(zero=0), ["query_id", "zero", "passage_id", "grade"]),
        ):
            written.append(folder / f"{pool}.{kind}")
            table[columns].to_csv(written[-1], sep=" ", header=False, index=False)
    return written


def read(folder: Path | str, benchmark: Benchmark) -> pd.DataFrame:
    """The ranks table of another tool's runs: a file POOL.run (or POOL.run.gz) a pool, POOL a language or `all`. Columns as
    in `hbt.rank_vectors`. A relevant passage that a run does not hold has the last ranks of its
    pool and no score (NaN): measures cut at the run's depth or above are what they are, others too
    low. Raises `DataError` naming file and line for a malformed line, a query that the benchmark
    lacks, or a passage that stands twice, and ValueError where the folder holds no run of the
    benchmark's pools.
    """
    passages = benchmark.passages[["passage_id", "language"]].rename(
        columns={"language": "passage_language"}
    )
    queries = benchmark.queries[["query_id", "question_id", "language"]].rename(
        columns={"language": "query_language"}
    )
    gold = (
        benchmark.judgements.query("grade > 0")
        .merge(queries)
        .merge(passages)
        .sort_values(["query_id", "passage_id"])
    )
    sizes = {**passages["passage_language"].value_counts().sort_index(), "all": len(passages)}
    tables = []
    for pool, size in sizes.items():
        file = next(
            (
                f
                for f in (Path(folder) / f"{pool}.run", Path(folder) / f"{pool}.run.gz")
                if f.exists()
            ),
            None,
        )
        if file is None:
            continue
        mine = gold if pool == "all" else gold[gold["passage_language"] == pool]
        table = mine.merge(_read_run(file, set(queries["query_id"])), how="left")
        lost = table["rank"].isna()
        table.loc[lost, "rank"] = size - table[lost].groupby("query_id").cumcount()
        table["n_relevant"] = table.groupby("query_id")["rank"].transform("size")
        tables.append(table.assign(benchmark=benchmark.name, pool=pool, n_passages=size))
    if not tables:
        raise ValueError(
            f"{folder} has no run of {benchmark.name!r}: its pools are {', '.join(sizes)}, so there should be "
            f"{next(iter(sizes))}.run, …, all.run"
        )
    ranks = pd.concat(tables, ignore_index=True).astype(
        {"rank": "int32", "score": "float32", "grade": "int16"}
    )
    return ranks[
        [
            "benchmark",
            "query_id",
            "question_id",
            "query_language",
            "pool",
            "passage_id",
            "passage_language",
            "rank",
            "score",
            "grade",
            "n_passages",
            "n_relevant",
        ]
    ]


def _read_run(file: Path, queries: set[str]) -> pd.DataFrame:
    """query_id, passage_id, score, rank: the order is that of the scores, as trec_eval has it."""
    rows: list[tuple[str, str, float]] = []
    seen: dict[tuple[str, str], str] = {}
    for place, row in read_tsv(
        file, ("query_id", "Q0", "passage_id", "rank", "score", "tag"), whitespace=True
    ):
        query, passage = row["query_id"], row["passage_id"]
        if query not in queries:
            raise DataError(
                f"{place}: the benchmark has no query {query!r}; is the run of this benchmark and split?"
            )
        try:
            score = float(row["score"])
        except ValueError:
            score = np.nan
        if not np.isfinite(score):
            raise DataError(f"{place}: the score is {row['score']!r}, where a number belongs")
        unique(seen, (query, passage), place, "query and passage")
        rows.append((query, passage, score))
    run = pd.DataFrame(rows, columns=["query_id", "passage_id", "score"])
    run = run.sort_values(
        ["query_id", "score", "passage_id"], ascending=[True, False, False], kind="stable"
    )
    return run.assign(rank=run.groupby("query_id").cumcount() + 1.0)
