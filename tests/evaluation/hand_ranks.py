"""A ranks table written by hand."""

from __future__ import annotations

import pandas as pd


def ranks_table(
    rows: list[tuple[str, str, str, str, int, int]], n_passages: int = 20
) -> pd.DataFrame:
    """query_id, query_language, pool, passage_language, rank, grade → a ranks table."""
    table = pd.DataFrame(
        rows, columns=["query_id", "query_language", "pool", "passage_language", "rank", "grade"]
    )
    return table.assign(
        question_id=table["query_id"].str.split("-").str[0],
        benchmark="hand",
        n_passages=n_passages,
        passage_id=[f"p{i}" for i in range(len(table))],
        score=0.0,
        n_relevant=table.groupby(["query_id", "pool"])["rank"].transform("size"),
    )
