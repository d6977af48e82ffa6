"""What mteb found for queries, as rows of a ranks table."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from hbtlib.checks import short
from hbtlib.data.benchmark import ALL, RANK_COLUMNS, Benchmark
from hbtlib.data.formats.checks import DataError

Results = Mapping[str, Mapping[str, float]]
"""Query id → passage id → score: the passages that mteb keeps of a query, 1,000 by default."""


def rows_of_results(results: Results, benchmark: Benchmark, pool: str, place: str) -> pd.DataFrame:
    """Ranks the relevant passages of some queries by mteb's scores.

    Equal scores are ordered as trec_eval, mteb and `hbt.rank` do: the larger id first.

    Args:
        results: what mteb found, with the benchmark's ids.
        benchmark: the benchmark that was searched.
        pool: a language, or `all`.
        place: where the results are from, for messages.

    Returns:
        A ranks table (`hbt.rank_vectors` describes its columns) of one pool. A relevant passage
        that mteb did not keep has no rank (NA) and no score.

    Raises:
        DataError: for a query that the benchmark lacks, a passage that is not in the pool, a score
            that is no finite number, and a query that lacks results.
    """
    passages = benchmark.passages[["passage_id", "language"]]
    if pool != ALL:
        passages = passages[passages["language"] == pool]
    gold = _relevant(results, benchmark, passages, place)
    ranked = _ranked(results, set(passages["passage_id"]), pool, place)
    gold = gold.merge(ranked, how="left", on=["query_id", "passage_id"])
    gold["n_relevant"] = gold.groupby("query_id")["passage_id"].transform("size")
    gold = gold.assign(benchmark=benchmark.name, pool=pool, n_passages=len(passages))
    types = {"rank": "Int32", "score": "float32", "n_passages": "int32", "n_relevant": "int32"}
    return gold.astype(types)[list(RANK_COLUMNS)]


def joined(parts: list[pd.DataFrame], depth: int) -> pd.DataFrame:
    """Puts the rows of several pools together.

    Args:
        parts: tables of `rows_of_results`.
        depth: how many passages of each query are known where a pool has more.

    Returns:
        The ranks table. Where a relevant passage has no rank it has a column `depth`, as the ranks
        of a search index have: measures that need deeper ranks refuse it, and those cut at the
        depth or above are what they are.
    """
    ranks = pd.concat(parts, ignore_index=True)
    if ranks["rank"].isna().any():
        return ranks.assign(depth=np.int32(depth))
    return ranks.astype({"rank": "int32"})


def _relevant(
    results: Results, benchmark: Benchmark, passages: pd.DataFrame, place: str
) -> pd.DataFrame:
    """The relevant passages in the pool of the queries that were searched for."""
    known = set(benchmark.queries["query_id"])
    unknown = next((query for query in results if query not in known), None)
    if unknown is not None:
        raise DataError(
            f"{place}: {benchmark.name!r} has no query {short(unknown)}; are these results of "
            "another task, subset or version?"
        )
    queries = benchmark.queries[benchmark.queries["query_id"].isin(list(results))]
    queries = queries[["query_id", "question_id", "language"]]
    judged = benchmark.judgements[benchmark.judgements["grade"] > 0]
    gold = judged.merge(queries.rename(columns={"language": "query_language"}), on="query_id")
    named = passages.rename(columns={"language": "passage_language"})
    return gold.merge(named, on="passage_id").sort_values(["query_id", "passage_id"])


def _ranked(results: Results, pool: set[str], name: str, place: str) -> pd.DataFrame:
    """The passages of each query with their ranks."""
    rows = [
        (query, passage, score)
        for query, found in results.items()
        for passage, score in found.items()
    ]
    table = pd.DataFrame(rows, columns=["query_id", "passage_id", "score"])
    foreign = ~table["passage_id"].isin(pool)
    if foreign.any():
        row = table[foreign].iloc[0]
        raise DataError(
            f"{place}: the query {short(row['query_id'])} has the passage "
            f"{short(row['passage_id'])}, which is not in the pool {name!r} of the benchmark; are "
            "these results of another task, subset or version?"
        )
    score = pd.to_numeric(table["score"], errors="coerce")
    wrong = ~np.isfinite(score.to_numpy(np.float64))
    if wrong.any():
        row = table[wrong].iloc[0]
        raise DataError(
            f"{place}: the query {short(row['query_id'])} has the score {short(row['score'])} for "
            f"the passage {short(row['passage_id'])}, where a number belongs"
        )
    table = table.assign(score=score).sort_values(
        ["query_id", "score", "passage_id"], ascending=[True, False, False], kind="stable"
    )
    return table.assign(rank=table.groupby("query_id").cumcount() + 1)


def depth_of(results: Results) -> int:
    """How many passages of every query are known."""
    return min((len(found) for found in results.values()), default=0)
