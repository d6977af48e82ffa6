"""The passages that lead each query's ranking, joined with which of them are relevant."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hbtlib.checks import short
from hbtlib.evaluation.multilingual_pool import MultilingualPool


class Leaders:
    """The top k of the pool of all languages, for the queries of a ranks table.

    Args:
        pool: the ranks; queries without a relevant passage are not in it, and do not count.
        top: a checked table of `hbt.top`, of the same benchmark and run.
        k: how many passages of it to look at; None: all that it holds.

    Attributes:
        rows: one per query and passage: query (as in `pool.queries`), rank, language (of the
            passage), own (is it the query's language?) and relevant.
        languages: of all passages in the top.

    Raises:
        ValueError: for a top that is less deep than k, or that lacks a query of the ranks.
    """

    def __init__(self, pool: MultilingualPool, top: pd.DataFrame, k: int | None = None) -> None:
        depth = int(top["rank"].max())
        if k is not None and depth < min(k, pool.n_passages):
            raise ValueError(
                f"the top holds {depth} passages a query, and the measure asks for {k}: make it "
                f"with hbt.top(…, k={k}), or name a smaller cut-off"
            )
        found = top[top["rank"] <= (k or depth)]
        query = pool.query_ids.get_indexer(pd.Index(found["query_id"].astype("str")))
        found = found[query >= 0]
        rows = pd.DataFrame(
            {
                "query": query[query >= 0],
                "rank": found["rank"].to_numpy(float),
                "language": found["passage_language"].astype("str").to_numpy(),
            }
        )
        rows["own"] = rows["language"] == rows["query"].map(pool.queries["language"])
        rows["relevant"] = pool.are_relevant(rows["query"].to_numpy(), found["passage_id"])
        lacking = pool.queries.index.difference(pd.Index(rows["query"][rows["rank"] == 1]))
        if len(lacking):
            raise ValueError(
                f"the top has no first passage for the query "
                f"{short(pool.query_ids[lacking[0]])} of the ranks: give the top of the same run"
            )
        self.rows = rows
        self.languages = set(rows["language"])

    def best(self, chosen: pd.Series) -> pd.Series:
        """The best place of some passages of each query; infinity where none is in the top.

        Args:
            chosen: which of `rows`.

        Returns:
            The rank, indexed by query.
        """
        places = self.rows[chosen].groupby("query")["rank"].min()
        return places.reindex(self.rows["query"].unique(), fill_value=np.inf)

    def first_is(self, *, relevant: bool, own: bool) -> pd.Series:
        """Whether a query's first passage is relevant or not, and in its language or not.

        Args:
            relevant: whether it is to be relevant.
            own: whether it is to be in the query's language.

        Returns:
            0.0 or 1.0, indexed by query.
        """
        first = self.rows[self.rows["rank"] == 1].set_index("query")
        return ((first["relevant"] == relevant) & (first["own"] == own)).astype(float)
