"""The heatmap of an arm, and the questions behind one of its cells, the worst first."""

from __future__ import annotations

import pandas as pd

from hbtlib.data.benchmark import ALL
from hbtlib.evaluation.metrics import lower_is_better, measure, per_query
from hbtlib.plots.tables import ordered

METRICS = ("mAP", "nDCG@10", "MRR@10", "R@1", "R@10")
"""What the heatmap can show."""


def heatmap(ranks: pd.DataFrame, metric: str, trained: list[str]) -> pd.DataFrame:
    """Computes a metric for every pair of query language and pool.

    Args:
        ranks: A table of `hbt.rank` of one run and benchmark.
        metric: A metric of `hbt.measure`.
        trained: The languages trained on, which stand first.

    Returns:
        A row a query language, a column a pool (that of all languages last), in the order of all
        pictures; NaN where no query has a relevant passage in the pool.
    """
    measured = measure(ranks, [metric])
    grid = measured.pivot_table(index="query_language", columns="pool", values="value")
    return grid.reindex(
        index=ordered(list(grid.index), trained), columns=ordered(list(grid.columns), trained)
    )


def cell_questions(
    ranks: pd.DataFrame, metric: str, query_language: str, pool: str
) -> pd.DataFrame:
    """Lists the questions behind a cell of the heatmap, the worst first.

    Args:
        ranks: A table of `hbt.rank` of one run and benchmark.
        metric: A metric of `hbt.measure`.
        query_language: The row of the cell.
        pool: The column of the cell: a language, or `all`.

    Returns:
        A row a question: question_id, query_id, value (of the metric), rank (of its first relevant
        passage in the pool) and n_passages (in the pool). Where values are equal, the one whose
        relevant passage comes later stands first.

    Raises:
        ValueError: No query of this language was ranked in this pool.
    """
    part = ranks[(ranks["query_language"] == query_language) & (ranks["pool"] == pool)]
    if part.empty:
        raise ValueError(
            f"no {query_language} query has a relevant passage in the pool {pool!r}: choose a cell "
            "with a number"
        )
    scored = per_query(part, [metric]).astype({"query_id": "str", "question_id": "str"})
    best = part.astype({"query_id": "str"}).groupby("query_id")[["rank", "n_passages"]].min()
    table = scored[["question_id", "query_id", metric]].rename(columns={metric: "value"})
    table = table.merge(best, left_on="query_id", right_index=True)
    upwards = not lower_is_better(metric)
    table = table.sort_values(["value", "rank", "question_id"], ascending=[upwards, False, True])
    return table.reset_index(drop=True)


def compared(worst: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Sets the questions behind a cell beside those of another arm.

    Args:
        worst: `cell_questions` of one arm.
        other: That of the other arm, of the same cell.

    Returns:
        The first table with other_value and other_rank.
    """
    beside = other[["question_id", "value", "rank"]]
    beside = beside.rename(columns={"value": "other_value", "rank": "other_rank"})
    return worst.merge(beside, on="question_id", how="left")


def cell_says(worst: pd.DataFrame, arm: str, metric: str, query_language: str, pool: str) -> str:
    """Says in a sentence what a cell is made of.

    Args:
        worst: `cell_questions`' table.
        arm: The arm it is of.
        metric: The metric.
        query_language: The row of the cell.
        pool: The column of the cell.

    Returns:
        The sentence.
    """
    searched = "the passages of all languages" if pool == ALL else f"the {pool} passages"
    lost = int((worst["rank"] > 10).sum())
    return (
        f"{arm}, {query_language} questions in {searched}: mean {metric} "
        f"{worst['value'].mean():.3f} over {len(worst):,} questions. Of these, {lost:,} have no "
        "relevant passage in the top 10."
    )
